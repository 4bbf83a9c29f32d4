"""Numbers of JIDs in memory, by what the group writer makes of them: each JID keeps the number that the table has."""

import random

import pytest

from headrace.router.group import Group
from headrace.storage.connection import Connection, SqliteError
from headrace.storage.writer import GroupWriter

KNOWN = 131_072     # as in addresses.pxd: beyond it, memory starts again from nothing


def names_of(connection: Connection) -> list[tuple[int, str, str]]:
    return connection.execute("SELECT message.id, sender.jid, recipient.jid FROM message"
                              " JOIN address sender ON sender.id = a JOIN address recipient ON recipient.id = b"
                              " ORDER BY message.id")


def test_more_jids_than_are_kept(connection: Connection) -> None:
    writer, group, rng = GroupWriter(connection), Group(), random.Random(3)
    wanted = []
    for id in range(1, KNOWN // 2 + 5_000):
        sender, recipient = f"{id}@x", f"{'r' * rng.randrange(200)}{rng.randrange(id * 2)}@y"
        wanted.append((id, sender, recipient))
        group.add(id, sender.encode(), recipient.encode(), b"<m/>")
    writer.write(group)
    assert names_of(connection) == wanted


def test_numbers_of_a_group_that_failed_are_not_remembered(connection: Connection) -> None:
    writer, group = GroupWriter(connection), Group()
    group.add(1, b"a@x", b"b@x", b"<m/>")
    writer.write(group)
    failing = Group()
    failing.add(2, b"new@x", b"newer@x", b"<m/>")
    failing.add(1, b"a@x", b"b@x", b"<m/>")
    with pytest.raises(SqliteError):
        writer.write(failing)
    connection.execute("INSERT INTO address(jid) VALUES ('other@x')")
    again = Group()
    again.add(2, b"new@x", b"newer@x", b"<m/>")
    writer.write(again)
    assert names_of(connection) == [(1, "a@x", "b@x"), (2, "new@x", "newer@x")]
