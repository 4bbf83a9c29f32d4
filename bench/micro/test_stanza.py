from pytest_benchmark.fixture import BenchmarkFixture

from corpus.chat import ROSTER, message
from headrace.core.stanza import parse_stanza


def test_copy(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_stanza, message(300)).child_name == "body"


def test_copy_and_build_the_tree(benchmark: BenchmarkFixture) -> None:
    query = benchmark(lambda: parse_stanza(ROSTER).element()[0])
    assert query.tag == "{jabber:iq:roster}query"
