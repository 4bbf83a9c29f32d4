from types import ModuleType

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from headrace.core.jid import JID, JidCache

TIMES = 1000
CASES = {
    "prepared": "romeo@example.net/orchard",
    "capitals": "Romeo@Example.NET/Orchard",
    "not ascii": "r\u00f3meo@ex\u00e4mple.net/orchard",
}


@pytest.mark.parametrize("case", CASES)
def test_cache(benchmark: BenchmarkFixture, drive: ModuleType, case: str) -> None:
    prepared = benchmark(drive.prepare, JidCache(), CASES[case].encode(), TIMES)
    assert prepared.endswith((b"/orchard", b"/Orchard"))
    benchmark.extra_info["jids"] = TIMES


@pytest.mark.parametrize("case", CASES)
def test_parse(benchmark: BenchmarkFixture, case: str) -> None:
    assert benchmark(JID.parse, CASES[case]).resource is not None
