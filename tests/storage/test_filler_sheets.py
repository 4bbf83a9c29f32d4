"""The boxes of SQLite, of many sheets: they say what a look at all messages says, whatever has left them."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from headrace.router.group import Group
from headrace.router.group import MessageFlag as M
from headrace.storage import filler
from headrace.storage.bounds import GOT, SENT
from headrace.storage.connection import Connection, SqliteError
from headrace.storage.filler import SHEET
from headrace.storage.migrate import steps
from headrace.storage.ports import EVER, ArchiveFilter
from headrace.storage.sqlite import boxes, open_sqlite, sheets
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter
from support.boxes import entries, indexed, peers_of_sheets

JIDS = ("romeo@x", "juliet@x", "nurse@x", "tybalt@y")
BOTH = M.M_ARCHIVE_A | M.M_ARCHIVE_B


def write(connection: Connection, ids: Sequence[int], rng: random.Random, flags: Sequence[M] = (BOTH,)) -> None:
    group = Group()
    for id in ids:
        group.add(id, rng.choice(JIDS).encode(), rng.choice(JIDS).encode(), b"<m/>", rng.choice(flags))
    GroupWriter(connection).write(group)


def sizes(connection: Connection, owner: str) -> list[int]:
    return [len(sheet) // 16 for sheet, in connection.execute(
        "SELECT entries FROM box WHERE owner = ? ORDER BY first", (boxes.number_of(connection, owner),))]


def consistent(connection: Connection) -> None:
    """All sheets but the last ones are in the index, which knows nobody who has no entry."""
    known = indexed(connection)
    firsts = connection.execute("SELECT owner, first FROM box")
    here = {(owner, max(first for other, first in firsts if other == owner and first <= id), peer)
            for id, owner, peer in entries(connection)}
    assert set(peers_of_sheets(connection)) <= set(known) <= here


@pytest.mark.parametrize("at_once", [1_700, 70, 499, 500, 501])
def test_sheets_are_full_but_the_last(connection: Connection, at_once: int) -> None:
    rng = random.Random(1)
    write(connection, range(1, 1_701), rng)
    while boxes.fill(connection, at_once):
        consistent(connection)
    number = boxes.number_of(connection, "romeo@x")
    count = sum(owner == number for _, owner, _ in entries(connection))
    assert count > SHEET
    assert sizes(connection, "romeo@x") == [SHEET] * (count // SHEET) + [count % SHEET]


@pytest.mark.parametrize("seed", range(6))
def test_boxes_say_what_all_messages_say(connection: Connection, seed: int) -> None:
    rng, flags, last = random.Random(seed), (BOTH, BOTH, M.M_ARCHIVE_A, M.M_ARCHIVE_B | M.M_GIVEN, M.M_OFFLINE), 0
    for _ in range(12):
        count = rng.choice((10, 300, 1_100))
        write(connection, range(last + 10, last + 10 * count + 10, 10), rng, flags)
        last += 10 * count
        boxes.fill(connection, rng.choice((count // 2, EVER)))
        owner = rng.choice(JIDS)
        if rng.random() < 0.5:
            boxes.drop_offline(connection, owner, rng.randrange(last))
        else:
            boxes.leave(connection, owner, 0, rng.randrange(last), everything=rng.random() < 0.3)
        consistent(connection)
        for _ in range(40):
            compare(connection, rng, last)
    assert max(len(sizes(connection, owner)) for owner in JIDS) > 2


def compare(connection: Connection, rng: random.Random, last: int) -> None:
    owner, backwards, limit = rng.choice(JIDS), rng.random() < 0.5, rng.choice((1, 50, 700))
    filter = ArchiveFilter(rng.choice((None, None, *JIDS, "nobody@x")), after=rng.choice((0, rng.randrange(last))),
                           before=rng.choice((EVER, rng.randrange(last))))
    ids = visible(connection, owner, filter)
    found = boxes.page(connection, owner, filter, limit, backwards=backwards)
    assert [message.id for message in found] == (ids[::-1] if backwards else ids)[:limit]
    assert boxes.count(connection, owner, filter, limit) == min(len(ids), limit)


def visible(connection: Connection, owner: str, filter: ArchiveFilter) -> list[int]:
    """By looking at each message."""
    found = []
    for id, a, b, flags in connection.execute(
            "SELECT message.id, a.jid, b.jid, flags FROM message JOIN address AS a ON a.id = a JOIN address AS b"
            " ON b.id = b WHERE message.id > ? AND message.id < ? ORDER BY message.id", (filter.after, filter.before)):
        shown = (owner == b and flags & GOT) or (owner == a and flags & SENT)
        if shown and filter.peer in (None, b if owner == a else a):
            found.append(id)
    return found


def test_what_leaves_takes_its_sheets_along(connection: Connection) -> None:
    write(connection, range(1, 3_001), random.Random(2))
    boxes.fill(connection)
    for owner in JIDS:
        boxes.forget(connection, owner)
    assert connection.execute("SELECT count(*) FROM box") == [(0,)]
    assert indexed(connection) == []
    assert connection.execute("SELECT count(*) FROM message") == [(0,)]


def test_a_full_sheet_that_has_become_the_last_is_written_to_again(connection: Connection) -> None:
    rng = random.Random(3)
    write(connection, range(1, 2_401), rng)
    boxes.fill(connection)
    owner = boxes.number_of(connection, "juliet@x")
    mine = [id for id, whose, _ in entries(connection) if whose == owner]
    assert sheets.cut(connection, owner, mine[SHEET - 100:]) == len(mine) - SHEET + 100
    assert sizes(connection, "juliet@x") == [SHEET - 100]
    write(connection, range(3_001, 4_001), rng)
    boxes.fill(connection)
    consistent(connection)
    assert sizes(connection, "juliet@x")[0] == SHEET


def test_what_is_kept_for_a_while_leaves_nothing_behind(connection: Connection) -> None:
    """Of managed streams: offline messages that are acknowledged, and what waits until another server has it."""
    writer, owner = GroupWriter(connection), "romeo@x"
    for id in range(1, 2_001):
        group = Group()
        group.add(id, owner.encode(), b"juliet@x", b"<m/>", M.M_OFFLINE if id % 2 else M.M_SPOOL, sm_key=7, h=id)
        writer.write(group)
    boxes.fill(connection)
    assert boxes.last_h(connection, owner, 7, 2_000) == 2_000
    assert boxes.last_h(connection, owner, 8, 2_000) is boxes.last_h(connection, "juliet@x", 7, 2_000) is None
    boxes.drop_offline(connection, "juliet@x", 2_000)
    assert boxes.last_h(connection, owner, 7, 2_000) == 2_000
    assert entries(connection) == []


def test_who_holds_too_many_or_too_old_ones(connection: Connection) -> None:
    write(connection, range(1, 2_001), random.Random(4))
    boxes.fill(connection)
    number = boxes.number_of(connection, "nurse@x")
    mine = [id for id, owner, _ in entries(connection) if owner == number]
    assert dict(boxes.owners_over(connection, "x", None, len(mine) - 1))["nurse@x"] == mine[0]
    assert "nurse@x" not in dict(boxes.owners_over(connection, "x", None, len(mine)))
    sheets.cut(connection, number, mine[:10])
    assert "nurse@x" not in dict(boxes.owners_over(connection, "x", mine[9], None))
    assert dict(boxes.owners_over(connection, "x", mine[10], None))["nurse@x"] == mine[10]
    assert "tybalt@y" not in dict(boxes.owners_over(connection, "x", EVER - 1, 0))


def test_a_filling_that_fails_changes_nothing(connection: Connection) -> None:
    write(connection, range(1, 1_001), random.Random(5))
    connection.script("PRAGMA query_only = ON")
    with pytest.raises(SqliteError, match="readonly"):
        filler.fill(connection, 0, 1_000)
    connection.script("PRAGMA query_only = OFF")
    assert entries(connection) == []
    assert boxes.fill(connection) == 1_000


@pytest.mark.parametrize("crashed", [False, True])
async def test_boxes_of_an_earlier_version_come_along(tmp_path: Path, crashed: bool) -> None:
    """Also if the server was killed when the step was done and nothing was filled yet."""
    path = tmp_path / "headrace.db"
    old = Connection(path)
    migrate(old, steps("sqlite")[:11])
    old.script("INSERT INTO address(id, jid) VALUES (1, 'romeo@x'), (2, 'juliet@x')")
    old.execute("BEGIN")
    for id in range(1, 12_001):     # more than one transaction fills
        old.execute(
            "INSERT INTO message(id, a, b, flags, sm_key, h, stanza) VALUES (?, 1, 2, ?, 0, 0, x'')", (id, SENT | GOT))
        old.execute("INSERT INTO box(owner, id, peer) VALUES (1, ?1, 2), (2, ?1, 1)", (id,))
    old.execute("UPDATE meta SET value = 12000 WHERE key = 'boxed'")
    old.execute("COMMIT")
    if crashed:
        migrate(old, steps("sqlite"))
    old.close()
    storage = open_sqlite(path)
    try:
        assert await storage.archive.count("romeo@x", ArchiveFilter("juliet@x")) == 12_000
        there = await storage.database.read(entries)
        assert len(there) == 24_000
    finally:
        await storage.close()
