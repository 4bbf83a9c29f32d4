"""The statements on messages and boxes in SQLite, inside the transactions of their callers.

Boxes are filled in their owners' order some time after the commit, many messages at once, which costs a fraction of
doing it in the commit. What they lack is few messages and found by looking through these: the tail.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from headrace.router.archive import number_at
from headrace.storage.bounds import (
    GIVEN,
    GOT,
    H_MESSAGES,
    H_SECONDS,
    KEPT,
    OFFLINE,
    SENT,
    STEP,
    archived,
    bounds,
    signed,
)
from headrace.storage.connection import Connection
from headrace.storage.ports import EVER, ArchivedMessage, ArchiveFilter

# In all of them ?1 is the owner's number, ?2 and ?3 are the borders, and ?4 is the peer's number.
_VISIBLE = f"((b = ?1 AND flags & {GOT}) OR (a = ?1 AND flags & {SENT}))"
_OF_ALL = f"FROM box CROSS JOIN message USING (id) WHERE owner = ?1 AND box.id > ?2 AND box.id < ?3 AND {_VISIBLE}"
_OF_PEER = ("FROM box INDEXED BY box_of_peer CROSS JOIN message USING (id) WHERE owner = ?1 AND peer = ?4"
            f" AND box.id > ?2 AND box.id < ?3 AND {_VISIBLE}")
_TAIL = f"FROM message WHERE id > ?2 AND id < ?3 AND {_VISIBLE}"
_TAIL_OF_PEER = f"{_TAIL} AND CASE a WHEN ?1 THEN b ELSE a END = ?4"
_FILL = f"""
INSERT INTO box(owner, id, peer)
SELECT b AS owner, id, a FROM message WHERE id > ?1 AND id <= ?2 AND flags & {OFFLINE | GOT}
UNION ALL
SELECT a, id, b FROM message
WHERE id > ?1 AND id <= ?2 AND a <> b AND (flags & {SENT} OR sm_key)
OR id > ?1 AND id <= ?2 AND a = b AND flags & {KEPT} = {SENT}
ORDER BY 1, 2
"""
_SELECT_IDS = "SELECT value FROM json_each(?2)"


def number_of(connection: Connection, jid: str) -> int:
    """What stands for it in the tables; 0: nothing does."""
    rows = connection.execute("SELECT id FROM address WHERE jid = ?", (jid,))
    return int(rows[0][0]) if rows else 0


def fill(connection: Connection, most: int = EVER) -> int:
    """Put the next so many messages into their boxes; how many those were."""
    boxed = _boxed(connection)
    [(count, last)] = connection.execute(
        "SELECT count(*), max(id) FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?)", (boxed, most))
    if count:
        connection.execute(_FILL, (boxed, last))
        connection.execute("UPDATE meta SET value = ? WHERE key = 'boxed'", (last,))
    return int(count)


def page(connection: Connection, owner: str, filter: ArchiveFilter, limit: int, *,
         backwards: bool) -> list[ArchivedMessage]:
    """The first so many, backwards the last ones from the end on."""
    after, before = bounds(filter)
    boxed, args = _boxed(connection), _args(connection, owner, filter)
    box, tail = (_OF_ALL, _TAIL) if filter.peer is None else (_OF_PEER, _TAIL_OF_PEER)
    parts = [(box, "box.id", after, min(before, boxed + 1)), (tail, "id", max(after, boxed), before)]
    found: list[tuple[Any, ...]] = []
    for sql, id, low, high in reversed(parts) if backwards else parts:
        if len(found) < limit and low < high:
            found += connection.execute(
                f"SELECT message.id, stanza {sql} ORDER BY {id} {'DESC' if backwards else ''} LIMIT ?5",
                (args[0], low, high, args[1], limit - len(found)))
    return [archived(id, stanza) for id, stanza in found]


def count(connection: Connection, owner: str, filter: ArchiveFilter, most: int) -> int:
    after, before = bounds(filter)
    boxed, args = _boxed(connection), _args(connection, owner, filter)
    box, tail = (_OF_ALL, _TAIL) if filter.peer is None else (_OF_PEER, _TAIL_OF_PEER)
    total = 0
    for sql, low, high in (box, after, min(before, boxed + 1)), (tail, max(after, boxed), before):
        if total < most and low < high:
            [(number,)] = connection.execute(
                f"SELECT count(*) FROM (SELECT 1 {sql} LIMIT ?5)", (args[0], low, high, args[1], most - total))
            total += number
    return total


def get(connection: Connection, owner: str, ids: Collection[int]) -> list[ArchivedMessage]:
    rows = connection.execute(
        f"SELECT id, stanza FROM message WHERE id IN ({_SELECT_IDS}) AND {_VISIBLE} ORDER BY id",
        (number_of(connection, owner), _json(ids)))
    return [archived(id, stanza) for id, stanza in rows]


def pending(connection: Connection, owner: str, after: int, limit: int) -> list[tuple[int, bytes, int]]:
    """What the owner's next login is given beyond that id: the first so many, with their flags."""
    number, boxed = number_of(connection, owner), _boxed(connection)
    found = connection.execute(
        "SELECT id, stanza, flags FROM box CROSS JOIN message USING (id)"
        " WHERE owner = ?1 AND box.id > ?2 AND box.id <= ?3"
        f" AND b = ?1 AND flags & {GIVEN | OFFLINE} ORDER BY box.id LIMIT ?4", (number, after, boxed, limit))
    if len(found) < limit:
        found += connection.execute(
            f"SELECT id, stanza, flags FROM message WHERE id > ?2 AND b = ?1 AND flags & {GIVEN | OFFLINE}"
            " ORDER BY id LIMIT ?3", (number, max(after, boxed), limit - len(found)))
    return [(id, stanza, flags) for id, stanza, flags in found]


def count_offline(connection: Connection, owner: str) -> int:
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM message INDEXED BY message_offline WHERE b = ? AND flags & {OFFLINE}",
        (number_of(connection, owner),))
    return int(count)


def spooled(connection: Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    rows = connection.execute(
        "SELECT id, stanza FROM spool CROSS JOIN message USING (id) WHERE spool.id > ? ORDER BY spool.id LIMIT ?",
        (after, limit))
    return [(id, stanza) for id, stanza in rows]


def last_h(connection: Connection, owner: str, sm_key: int, now: int) -> int | None:
    """now: an id. What is there of the last day is looked through, the newest first."""
    number, boxed, key = number_of(connection, owner), _boxed(connection), signed(sm_key)
    since = now - number_at(H_SECONDS)
    rows = connection.execute(
        "SELECT h FROM message WHERE id > ?2 AND a = ?1 AND sm_key = ?3 ORDER BY id DESC LIMIT 1",
        (number, max(since, boxed), key))
    rows = rows or connection.execute(
        "SELECT h FROM (SELECT id FROM box WHERE owner = ?1 AND id > ?2 AND id <= ?3 ORDER BY id DESC LIMIT ?5)"
        " CROSS JOIN message USING (id) WHERE a = ?1 AND sm_key = ?4 ORDER BY id DESC LIMIT 1",
        (number, since, boxed, key, H_MESSAGES))
    return int(rows[0][0]) if rows else None


def leave(connection: Connection, owner: str, after: int, up_to: int, *, everything: bool) -> tuple[int, int]:
    """The next messages of its box, a step's number of them, leave it; the last one's id (0: there are none), and how
    many have left. What a login would still be given stays, as an offline message, unless everything is to go."""
    number = number_of(connection, owner)
    if _boxed(connection) < up_to:
        fill(connection)
    rows = connection.execute(
        "SELECT id FROM box WHERE owner = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?", (number, after, up_to, STEP))
    if not rows:
        return 0, 0
    given = f"flags & {GIVEN} AND id > coalesce((SELECT id FROM mark WHERE owner = ?1), 0)"
    kept = "0" if everything else f"CASE WHEN flags & {OFFLINE} OR {given} THEN {OFFLINE} ELSE 0 END"
    args = (number, _json([id for id, in rows]))
    left = 0
    for sql in (
        f"UPDATE message SET flags = (flags & {SENT}) | {kept} WHERE id IN ({_SELECT_IDS}) AND b = ?1",
        f"UPDATE message SET flags = flags & ~{SENT} WHERE id IN ({_SELECT_IDS}) AND a = ?1",
        f"DELETE FROM box WHERE owner = ?1 AND id IN ({_SELECT_IDS})"
        f" AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = box.id AND b = ?1 AND flags & {OFFLINE})",
        f"DELETE FROM message WHERE id IN ({_SELECT_IDS}) AND ?1 IN (a, b) AND NOT flags & {KEPT}"
        " AND id NOT IN (SELECT id FROM spool)",
    ):
        connection.execute(sql, args)
        left = connection.changes if sql.startswith("DELETE FROM box") else left
    return int(rows[-1][0]), left


def drop_offline(connection: Connection, owner: str, up_to: int) -> None:
    """Offline messages with ids up to and including that one are done with."""
    number = number_of(connection, owner)
    ids = [id for id, in connection.execute(
        f"SELECT id FROM message INDEXED BY message_offline WHERE b = ? AND flags & {OFFLINE} AND id <= ?",
        (number, up_to))]
    if not ids:
        return
    args = (number, _json(ids))
    for sql in (
        f"UPDATE message SET flags = flags & ~{OFFLINE | GIVEN} WHERE id IN ({_SELECT_IDS}) AND b = ?1",
        f"DELETE FROM box WHERE owner = ?1 AND id IN ({_SELECT_IDS})"
        f" AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = box.id AND a = ?1 AND flags & {SENT})",
        f"DELETE FROM message WHERE id IN ({_SELECT_IDS}) AND ?1 IN (a, b) AND NOT flags & {KEPT}",
    ):
        connection.execute(sql, args)


def forget(connection: Connection, owner: str) -> None:
    """All messages of its box, and its mark."""
    number, last = number_of(connection, owner), 0
    while number and (step := leave(connection, owner, last, EVER, everything=True))[0]:
        last = step[0]
    forget_mark(connection, owner)


def forget_mark(connection: Connection, owner: str) -> None:
    connection.execute("DELETE FROM mark WHERE owner = ?", (number_of(connection, owner),))


def owners_over(connection: Connection, host: str, before: int | None, most: int | None) -> list[tuple[str, int]]:
    """Whose boxes on that host hold messages with ids up to `before`, or more than `most`: and up to which id they
    have to leave."""
    local = "SELECT id, jid FROM address WHERE substr(jid, -length(?1)) = ?1"
    found: dict[str, int] = {}
    if before is not None:
        found.update((jid, before) for jid, in connection.execute(
            f"SELECT jid FROM ({local}) own WHERE EXISTS (SELECT 1 FROM box WHERE owner = own.id AND box.id <= ?2)",
            (f"@{host}", before)))
    if most is not None:
        for jid, id in connection.execute(
                "SELECT jid, (SELECT id FROM box WHERE owner = own.id ORDER BY id DESC LIMIT 1 OFFSET ?2) AS last"
                f" FROM ({local}) own WHERE last IS NOT NULL", (f"@{host}", most)):
            found[jid] = max(id, found.get(jid, 0))
    return list(found.items())


def _boxed(connection: Connection) -> int:
    """Up to which id messages are in their boxes."""
    [(boxed,)] = connection.execute("SELECT value FROM meta WHERE key = 'boxed'")
    assert isinstance(boxed, int)
    return boxed


def _args(connection: Connection, owner: str, filter: ArchiveFilter) -> tuple[int, int]:
    """The owner's number and the peer's."""
    return number_of(connection, owner), 0 if filter.peer is None else number_of(connection, filter.peer)


def _json(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
