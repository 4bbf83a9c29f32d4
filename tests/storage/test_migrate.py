"""Numbered migrations."""

from pathlib import Path

import pytest

from headrace.storage.connection import Connection, SqliteError
from headrace.storage.migrate import Step, steps
from headrace.storage.ports import StorageUnavailable
from headrace.storage.sqlite.migrate import migrate

ONE = Step(1, "0001_one.sql", "CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (1);")
TWO = Step(2, "0002_two.sql", "CREATE TABLE two (n INTEGER);")


@pytest.fixture
def connection(tmp_path: Path):
    connection = Connection(tmp_path / "test.db")
    yield connection
    connection.close()


def tables(connection: Connection) -> set[str]:
    return {name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_ours_are_numbered_without_gap(backend: str) -> None:
    assert [step.number for step in steps(backend)] == list(range(1, len(steps(backend)) + 1))


def test_back_ends_go_step_by_step_together() -> None:
    assert [step.name for step in steps("sqlite")] == [step.name for step in steps("postgres")]


def test_only_missing_steps_run(connection: Connection) -> None:
    assert migrate(connection, [ONE]) == 1
    assert migrate(connection, [ONE]) == 0
    assert migrate(connection, [ONE, TWO]) == 1
    assert tables(connection) == {"one", "two"}
    assert connection.execute("SELECT n FROM one") == [(1,)]


def test_failing_step_leaves_nothing_and_the_steps_before_it_stay(connection: Connection) -> None:
    broken = Step(2, "0002_broken.sql", "CREATE TABLE two (n INTEGER); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(SqliteError, match="nowhere"):
        migrate(connection, [ONE, broken])
    assert tables(connection) == {"one"}
    assert migrate(connection, [ONE, TWO]) == 1


def test_newer_database_is_refused(connection: Connection) -> None:
    migrate(connection, [ONE, TWO])
    with pytest.raises(StorageUnavailable, match=r"newer headrace's \(format 2, this one knows 1\)"):
        migrate(connection, [ONE])
