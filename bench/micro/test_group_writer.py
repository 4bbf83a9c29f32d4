"""Committing a group of messages: what one costs beside the disk's own time."""

from itertools import count, islice
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from corpus.chat import message
from headrace.router.group import Group
from headrace.storage.connection import Connection
from headrace.storage.migrate import steps
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter


@pytest.mark.parametrize("size", [1, 100, 500, 2500])
def test_group(benchmark: BenchmarkFixture, tmp_path: Path, size: int) -> None:
    connection = Connection(tmp_path / "bench.db")
    connection.script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF")
    migrate(connection, steps("sqlite"))
    writer, stanza, ids = GroupWriter(connection), message(300), count(1)

    def packed() -> tuple[tuple[Group], dict[str, object]]:
        group = Group()
        for id in islice(ids, size):
            group.add(id, b"user%d@example.net" % (id % 100), b"romeo@example.net", stanza)
        return (group,), {}

    benchmark.pedantic(writer.write, setup=packed, rounds=40, warmup_rounds=3)
    assert connection.execute("SELECT count(*) FROM message") == [(next(ids) - 1,)]
    benchmark.extra_info["stanzas"] = size
    connection.close()
