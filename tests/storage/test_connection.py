"""The native SQLite connection: values, errors, the end."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.storage.connection import Connection, SqliteError

BUSY, CONSTRAINT = 5, 19


@pytest.fixture
def connection(tmp_path: Path):
    connection = Connection(tmp_path / "test.db", patience=0.05)
    yield connection
    connection.close()


@pytest.mark.parametrize("value", [
    0, -1, 2**63 - 1, -2**63, 0.5, -1e300, "", "text", "ΣÄ\U0001f600", "nul\0inside", b"", b"\0\xff" * 40_000, None])
def test_value_comes_back(connection: Connection, value: object) -> None:
    [(back,)] = connection.execute("SELECT ?", (value,))
    assert back == value
    assert type(back) is type(value)


def test_many_rows_of_mixed_columns(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER, t TEXT, b BLOB)")
    rows = [(n, None if n % 3 else str(n) * n, bytes(n)) for n in range(300)]
    for row in rows:
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", row)
    assert connection.execute("SELECT n, t, b FROM t ORDER BY n") == rows


def test_changes_counts_rows(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2), (3)")
    connection.execute("DELETE FROM t WHERE n > ?", (1,))
    assert connection.changes == 2


def test_number_of_values_must_fit(connection: Connection) -> None:
    for args in ((), (1, 2)):
        with pytest.raises(ValueError, match="1 parameters"):
            connection.execute("SELECT ?", args)


def test_integer_beyond_64_bits_is_refused(connection: Connection) -> None:
    with pytest.raises(OverflowError):
        connection.execute("SELECT ?", (2**63,))


def test_wrong_statement_says_what_is_wrong(connection: Connection) -> None:
    with pytest.raises(SqliteError, match="no such table: nowhere"):
        connection.execute("SELECT * FROM nowhere")


def test_constraint_has_its_code_and_statement_can_be_used_again(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    insert = "INSERT INTO t VALUES (?)"
    connection.execute(insert, (1,))
    with pytest.raises(SqliteError, match="UNIQUE") as caught:
        connection.execute(insert, (1,))
    assert caught.value.code & 255 == CONSTRAINT
    connection.execute(insert, (2,))
    assert connection.execute("SELECT n FROM t") == [(1,), (2,)]


def test_other_writer_makes_it_busy(connection: Connection, tmp_path: Path) -> None:
    other = Connection(tmp_path / "test.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SqliteError) as caught:
        connection.execute("BEGIN IMMEDIATE")
    assert caught.value.code & 255 == BUSY
    assert other.in_transaction
    assert not connection.in_transaction
    other.close()


def test_statement_waits_without_the_gil(connection: Connection, tmp_path: Path) -> None:
    """With the GIL held, nobody could end the transaction that the statement waits for."""
    other, patient = Connection(tmp_path / "test.db"), Connection(tmp_path / "test.db", patience=10)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(patient.execute, "BEGIN IMMEDIATE")
        time.sleep(0.1)
        other.execute("ROLLBACK")
        assert waiting.result() == []
    assert patient.in_transaction
    patient.close()
    other.close()


def test_wal_pages_are_counted(connection: Connection) -> None:
    connection.script("PRAGMA journal_mode = WAL; CREATE TABLE t (b BLOB)")
    before = connection.wal_pages
    connection.execute("INSERT INTO t VALUES (?)", (bytes(50_000),))
    assert connection.wal_pages >= before + 12


def test_closed_connection_refuses(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "test.db")
    connection.execute("SELECT 1")
    connection.close()
    connection.close()
    for use in (lambda: connection.execute("SELECT 1"), lambda: connection.script("SELECT 1")):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(SqliteError, match="unable to open"):
        Connection(tmp_path / "nowhere" / "test.db")


def test_many_at_once(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER, s TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    by_n = "SELECT s FROM t WHERE n = ?"
    found = connection.find_all([(by_n, (3,)), ("SELECT n, s FROM t ORDER BY n", ()), (by_n, (4,)), (by_n, (1,))])
    assert found == [[("c",)], [(1, "a"), (2, "b"), (3, "c")], [], [("a",)]]
    assert connection.find_all([]) == []


def test_one_of_many_fails_alone(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    insert = "INSERT INTO t VALUES (?)"
    first, second, third, wrong = connection.find_all([(insert, (1,)), (insert, (1,)), (insert, (2,)), ("SELEKT", ())])
    assert (first, third) == ([], [])
    assert isinstance(second, SqliteError)
    assert second.code & 255 == CONSTRAINT
    assert "UNIQUE" in str(second)
    assert isinstance(wrong, SqliteError)
    assert connection.execute("SELECT n FROM t ORDER BY n") == [(1,), (2,)]


def test_a_wrong_number_of_values_among_many_runs_none(connection: Connection) -> None:
    connection.script("CREATE TABLE t (n INTEGER)")
    with pytest.raises(ValueError, match="2 values for 1 parameters"):
        connection.find_all([("INSERT INTO t VALUES (?)", (1,)), ("INSERT INTO t VALUES (?)", (1, 2))])
    assert connection.execute("SELECT n FROM t") == []
