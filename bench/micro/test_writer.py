from types import ModuleType
from xml.etree.ElementTree import fromstring

from pytest_benchmark.fixture import BenchmarkFixture

from corpus.chat import message
from headrace.core.writer import escape, serialize

TIMES = 1000
SENDER = b"romeo@example.net/orchard"


def test_splice(benchmark: BenchmarkFixture, drive: ModuleType) -> None:
    written = benchmark(drive.Splice(message(300), SENDER).run, TIMES)
    assert SENDER in written
    benchmark.extra_info["stanzas"] = TIMES


def test_escape_plain_text(benchmark: BenchmarkFixture) -> None:
    assert benchmark(escape, "water falls " * 20) == "water falls " * 20


def test_escape_markup(benchmark: BenchmarkFixture) -> None:
    assert benchmark(escape, "a<b & 'c' ") == "a&lt;b &amp; &apos;c&apos; "


def test_serialize(benchmark: BenchmarkFixture) -> None:
    tree = fromstring(message(300).replace(b"<message ", b"<message xmlns='jabber:client' "))
    assert benchmark(serialize, tree).startswith(b"<message ")
