"""The native group writer: what it writes, and that a failure leaves nothing of its group."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.router.group import Group
from headrace.router.group import MessageFlag as M
from headrace.storage.connection import Connection, SqliteError
from headrace.storage.migrate import steps
from headrace.storage.sqlite import boxes
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter
from support.boxes import entries


def group_of(*rows: tuple[int, bytes, bytes, bytes]) -> Group:
    group = Group()
    for row in rows:
        group.add(*row)
    return group


def test_group_packs() -> None:
    group = group_of((1, b"a@x", b"b@x", b"<message/>"))
    assert len(group) == group.count == 1
    assert group.size >= len(b"a@xb@x<message/>")


def test_one_stanza_one_box_row_each(connection: Connection) -> None:
    GroupWriter(connection).write(group_of((5, b"a@x", b"b@x", b"<m>1</m>"), (6, b"b@x", b"a@x", b"<m>2</m>")))
    number = dict(connection.execute("SELECT jid, id FROM address"))
    assert set(number) == {"a@x", "b@x"}
    a, b = number["a@x"], number["b@x"]
    offline = int(M.M_OFFLINE)
    assert connection.execute("SELECT id, a, b, flags, stanza FROM message ORDER BY id") == [
        (5, a, b, offline, b"<m>1</m>"), (6, b, a, offline, b"<m>2</m>")]
    assert connection.execute("SELECT count(*) FROM box") == [(0,)]
    assert boxes.fill(connection) == 2
    assert entries(connection) == [(5, b, a), (6, a, b)]


def test_each_owner_has_a_box_row(connection: Connection) -> None:
    group = Group()
    for id, flags in enumerate((M.M_ARCHIVE_A, M.M_ARCHIVE_B, M.M_ARCHIVE_A | M.M_ARCHIVE_B, M(0)), 1):
        group.add(id, b"a@x", b"b@x", b"<m/>", flags)
    group.add(5, b"a@x", b"b@x", b"<m/>", M.M_OFFLINE, 2**64 - 1, 2**32 - 1)    # a's session is found by an index
    GroupWriter(connection).write(group)
    assert [boxes.fill(connection, most) for most in (1, 2, 9, 9)] == [1, 2, 2, 0]
    a, b = (number for number, in connection.execute("SELECT id FROM address ORDER BY jid"))
    assert entries(connection) == [
        (1, a, b), (2, b, a), (3, a, b), (3, b, a), (5, b, a)]
    assert connection.execute("SELECT sm_key, h FROM message WHERE id = 5") == [(-1, 2**32 - 1)]


def test_message_to_oneself_is_one_row(connection: Connection) -> None:
    group = group_of((1, b"a@x", b"a@x", b"<m/>"))
    for id, flags in enumerate((M.M_ARCHIVE_A, M.M_ARCHIVE_A | M.M_ARCHIVE_B, M.M_ARCHIVE_A | M.M_OFFLINE), 2):
        group.add(id, b"a@x", b"a@x", b"<m/>", flags)
    GroupWriter(connection).write(group)
    assert boxes.fill(connection) == 4
    assert [id for id, _, _ in entries(connection)] == [1, 2, 3, 4]


def test_reservation_goes_with_the_group(connection: Connection) -> None:
    writer = GroupWriter(connection)
    writer.write(group_of((1, b"a@x", b"b@x", b"<m/>")), 77)
    writer.write(group_of((2, b"a@x", b"b@x", b"<m/>")))
    assert connection.execute("SELECT value FROM meta WHERE key = 'reserved_id'") == [(77,)]


def test_failed_group_leaves_nothing(connection: Connection) -> None:
    writer = GroupWriter(connection)
    writer.write(group_of((2, b"a@x", b"b@x", b"<m/>")))
    with pytest.raises(SqliteError, match=r"UNIQUE.*message"):
        writer.write(group_of((1, b"c@x", b"d@x", b"<m/>"), (2, b"a@x", b"b@x", b"<m/>")), 99)
    assert not connection.in_transaction
    assert connection.execute("SELECT id FROM message") == [(2,)]
    assert connection.execute("SELECT count(*) FROM address") == [(2,)]
    assert connection.execute("SELECT value FROM meta WHERE key = 'reserved_id'") == [(0,)]
    writer.write(group_of((3, b"a@x", b"b@x", b"<m/>")))
    assert connection.execute("SELECT id FROM message") == [(2,), (3,)]


def test_locked_database(connection: Connection, tmp_path: Path) -> None:
    other = Connection(tmp_path / "test.db")
    other.execute("BEGIN IMMEDIATE")
    writer, group = GroupWriter(connection), group_of((1, b"a@x", b"b@x", b"<m/>"))
    with pytest.raises(SqliteError, match="locked"):
        writer.write(group)
    other.close()
    writer.write(group)
    assert connection.execute("SELECT id FROM message") == [(1,)]


def test_empty_group(connection: Connection) -> None:
    GroupWriter(connection).write(Group(), 5)
    assert connection.execute("SELECT value FROM meta WHERE key = 'reserved_id'") == [(5,)]


def test_group_is_written_without_the_gil(connection: Connection, tmp_path: Path) -> None:
    """With the GIL held, nobody could end the transaction that the group waits for."""
    other, patient = Connection(tmp_path / "test.db"), Connection(tmp_path / "test.db", patience=10)
    group = group_of(*((n, b"user%d@x" % (n % 50), b"peer@x", b"<m/>") for n in range(1, 1001)))
    writer = GroupWriter(patient)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(writer.write, group)
        time.sleep(0.1)
        other.execute("ROLLBACK")
        waiting.result()
    assert other.execute("SELECT count(*) FROM message") == [(1000,)]
    patient.close()
    other.close()


def test_writer_of_a_closed_connection_refuses(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "other.db")
    migrate(connection, steps("sqlite"))
    writer = GroupWriter(connection)
    connection.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(group_of((1, b"a@x", b"b@x", b"<m/>")))
