"""A process that is killed while it stores messages, on each back end."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.storage.ports import Storage
from headrace.storage.postgres import open_postgres
from headrace.storage.sqlite import open_sqlite
from support.letters import Letters

ROMEO, JULIET = "romeo@example.org", "juliet@example.org"
CHILD = """
import asyncio, sys, time
sys.path.append("tests")
from tests.storage.test_killed import JULIET, ROMEO, Letters, opened

async def send(storage, lane):
    for n in range(lane * 100_000, (lane + 1) * 100_000):
        print(await Letters(storage).add(ROMEO, JULIET, b"<m>%d</m>" % n, time.time()), n, flush=True)

async def main():
    storage = await opened(sys.argv[1])
    await asyncio.gather(*(send(storage, lane) for lane in range(20)))

asyncio.run(main())
"""


async def opened(where: str) -> Storage:
    """A file, or a DSN."""
    if where.startswith("postgresql:"):
        return await open_postgres(where, server=True)
    return open_sqlite(Path(where), server=True)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "x.db")
    schema: str = request.getfixturevalue("postgres").schema()
    return schema


def test_what_was_reported_as_committed_is_there(where: str, soak: int) -> None:
    """After SIGKILL, once, and its ids are never given again."""
    reported: dict[int, bytes] = {}
    for round_ in range(3 * soak):
        new = reports(where, 200 + 137 * round_)
        assert not reported.keys() & new.keys()
        reported |= new
        kept, next_id = asyncio.run(kept_and_next_id(where))
        assert reported.items() <= kept.items()
        assert next_id > max(kept)


def reports(where: str, count: int) -> dict[int, bytes]:
    """Of a child that is killed after so many."""
    root = Path(__file__).parents[2]
    child = subprocess.Popen([sys.executable, "-c", CHILD, where], stdout=subprocess.PIPE, cwd=root)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(count)]
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.read().splitlines(keepends=True)
    child.wait()
    child.stdout.close()
    whole = [line.split() for line in lines if line.endswith(b"\n")]    # the last one may be torn
    assert len({id for id, _ in whole}) == len(whole)
    return {int(id): b"<m>%s</m>" % text for id, text in whole}


async def kept_and_next_id(where: str) -> tuple[dict[int, bytes], int]:
    """Opened at once: the lock of the killed one may still be held for a moment."""
    storage = await opened(where)
    kept = {message.id: message.stanza for message in await Letters(storage).fetch(ROMEO)}
    next_id = await Letters(storage).add(JULIET, ROMEO, b"<m/>", 1.0)
    await storage.close()
    return kept, next_id
