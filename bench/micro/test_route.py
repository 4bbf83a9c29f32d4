import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from native.route import Pair

TURNS = 100


@pytest.mark.parametrize("batch", [1, 8, 64])
def test_from_socket_to_socket(benchmark: BenchmarkFixture, batch: int) -> None:
    got = benchmark(Pair().route(batch).run, TURNS)
    assert got.count(b"</message>") == batch
    benchmark.extra_info["stanzas"] = TURNS * batch
