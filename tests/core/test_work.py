"""Cost is linear in the bytes, whatever they are and however they come: counted in instructions, at two sizes."""

import re
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from support.streams import HEADER

pytestmark = pytest.mark.apart
ROOT = Path(__file__).resolve().parents[2]
CLEAN = {"PATH": "/usr/bin:/bin"}
SIZE, TIMES = 8_000, 4
PIECES = (1, 64, 4096)


def numbered(pattern: bytes, size: int) -> bytes:
    """The pattern with one number after the other, about `size` bytes."""
    return b"".join(pattern % i for i in range(10_000, 10_000 + size // len(pattern % 10_000)))


DECLARATIONS = numbered(b" xmlns:p%d='u'", 32 * 17)

# Elements of about n bytes.
DOCUMENTS = {
    "attribute": lambda n: b"<a b='%s'/>" % (b"x" * n),
    "references in an attribute": lambda n: b"<a b='%s'/>" % (b"&#65;&lt;" * (n // 9)),
    "name": lambda n: b"<%s/>" % (b"x" * n),
    "wide name": lambda n: b"<%s/>" % ("ж" * (n // 2)).encode(),
    "attribute's name": lambda n: b"<a %s=''/>" % (b"x" * n),
    "spaces in a tag": lambda n: b"<a%bb%b=%b''%b/>" % ((b" " * (n // 4),) * 4),
    "spaces in an end tag": lambda n: b"<a></a%b>" % (b" " * n),
    "text": lambda n: b"<a>%b</a>" % (b"x" * n),
    "wide text": lambda n: b"<a>%b</a>" % ("ж漢" * (n // 5)).encode(),
    "references in text": lambda n: b"<a>%b</a>" % (b"&#x41;&amp;" * (n // 11)),
    "brackets": lambda n: b"<a>%b</a>" % (b"]" * n),
    "CDATA": lambda n: b"<a>%b</a>" % (b"<![CDATA[]]]]><![CDATA[x]]>" * (n // 27)),
    "a long number": lambda n: b"<a>&#%b65;</a>" % (b"0" * n),
    "attributes": lambda n: b"<a%b/>" % numbered(b" b%d=''", n),
    "prefixed attributes": lambda n: b"<a xmlns:p='p' xmlns:q='q'%b q:b10001=''/>" % numbered(b" p:b%d=''", n),
    "declarations": lambda n: b"<a>%b</a>" % numbered(b"<b xmlns:p%d='u' xmlns:q='v&amp;' xmlns='w'/>", n),
    "declarations in force": lambda n: b"<a%b>%b</a>" % (DECLARATIONS, b"<p10000:b p10001:c=''/>" * (n // 23)),
    "depth": lambda n: b"<a>" * (n // 7) + b"</a>" * (n // 7),
    "depth with declarations": lambda n: b"<p:a xmlns:p='u'>" * (n // 23) + b"</p:a>" * (n // 23),
    "children": lambda n: b"<a>%b</a>" % (b"<b/>" * (n // 4)),
    "stanzas": lambda n: b"<a><b/></a>" * (n // 11),
    "spaces between stanzas": lambda n: b" " * n + b"<a/>",
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], list[int]]:
    """The instructions for each document and piece: of SIZE bytes, and of TIMES as many."""
    folder = tmp_path_factory.mktemp("work")
    program = folder / "work"
    subprocess.run(["cc", "-O2", "-g", f"-I{ROOT / 'native'}", "-Wno-unused-function",
                    ROOT / "tests" / "core" / "work.c", "-o", program], check=True, env=CLEAN)
    files: list[Path] = []
    for i, document in enumerate(DOCUMENTS.values()):
        for times in (1, TIMES):
            files.append(folder / f"{i}-{times}")
            files[-1].write_bytes(HEADER + document(SIZE * times))
    subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder / 'out'}", program,
                    *map(str, PIECES), "--", *files], check=True, env=CLEAN)
    counts = dict(chain.from_iterable(map(dumped, folder.glob("out.*"))))
    return {(name, piece): [counts[f"{folder / f'{i}-{times}'}/{piece}"] for times in (1, TIMES)]
            for i, name in enumerate(DOCUMENTS) for piece in PIECES}


def dumped(path: Path) -> Iterator[tuple[str, int]]:
    """What one dump is named and how many instructions it counts."""
    text = path.read_text()
    name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
    total = re.search(r"^(?:totals|summary): (\d+)$", text, re.MULTILINE)
    if name and total:
        yield name[1], int(total[1])


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_work_is_linear(work: dict[tuple[str, int], list[int]], name: str, piece: int) -> None:
    short, long = work[name, piece]
    assert short > 1000
    assert long <= short * TIMES * 1.2  # arrays that double grow unevenly
