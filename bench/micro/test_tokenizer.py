from types import ModuleType

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from corpus.chat import PRESENCE, ROSTER, message, messages
from headrace.core.events import EventReader

TIMES = 1000
CASES = {"chat": message(300), "presence": PRESENCE, "roster": ROSTER}


@pytest.mark.parametrize("case", CASES)
def test_native_consumer(benchmark: BenchmarkFixture, drive: ModuleType, case: str) -> None:
    parse = drive.Parse(CASES[case])
    assert benchmark(parse.run, TIMES) == TIMES
    benchmark.extra_info["stanzas"] = TIMES


def test_native_consumer_in_pieces_of_16_kib(benchmark: BenchmarkFixture, drive: ModuleType) -> None:
    parse = drive.Parse(messages(54))
    assert benchmark(parse.run, 20) == 54 * 20
    benchmark.extra_info["stanzas"] = 54 * 20


def test_python_events(benchmark: BenchmarkFixture) -> None:
    reader, data = EventReader(), messages(54)
    reader.feed(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
    assert len(benchmark(reader.feed, data)) == 54
    benchmark.extra_info["stanzas"] = 54
