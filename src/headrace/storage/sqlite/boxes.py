"""The statements on messages and boxes in SQLite, inside the transactions of their callers.

Boxes are filled some time after the commit, many messages at once, which costs a fraction of doing it in the commit.
What they lack is few messages and found by looking through these: the tail.
"""

from collections.abc import Collection, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

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
from headrace.storage.filler import fill as fill_boxes
from headrace.storage.ports import EVER, ArchivedMessage, ArchiveFilter
from headrace.storage.sqlite import sheets

# In all of them ?1 is the owner's number.
_VISIBLE = f"((b = ?1 AND flags & {GOT}) OR (a = ?1 AND flags & {SENT}))"
_TAIL = f"FROM message WHERE id > ?2 AND id < ?3 AND {_VISIBLE}"
_TAIL_OF_PEER = f"{_TAIL} AND CASE a WHEN ?1 THEN b ELSE a END = ?5"
_SELECT_IDS = "SELECT value FROM json_each(?2)"
LEAST = 50      # messages that are looked for together


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
        fill_boxes(connection, boxed, last)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'boxed'", (last,))
    return int(count)


def many_lack(connection: Connection, many: int) -> bool:
    """Are there so many messages that are in no box yet?"""
    return bool(connection.execute(
        "SELECT 1 FROM message WHERE id > ? LIMIT 1 OFFSET ?", (_boxed(connection), many - 1)))


class _Look(NamedTuple):
    """What a filter lets through of an archive, in the numbers of the tables."""

    owner: int
    peer: int | None
    after: int
    before: int
    boxed: int      # up to which id messages are in their boxes


def _look(connection: Connection, owner: str, filter: ArchiveFilter) -> _Look:
    peer = None if filter.peer is None else number_of(connection, filter.peer)
    return _Look(number_of(connection, owner), peer, *bounds(filter), _boxed(connection))


def page(connection: Connection, owner: str, filter: ArchiveFilter, limit: int, *,
         backwards: bool) -> list[ArchivedMessage]:
    """The first so many, backwards the last ones from the end on."""
    found, look = list[tuple[Any, ...]](), _look(connection, owner, filter)
    parts = [_boxed_page, _tail_page]
    for part in reversed(parts) if backwards else parts:
        if len(found) < limit:
            found += part(connection, look, limit - len(found), backwards)
    return [archived(id, stanza) for id, stanza in found]


def _boxed_page(connection: Connection, look: _Look, limit: int, backwards: bool) -> list[tuple[Any, ...]]:
    order, found = "DESC" if backwards else "", list[tuple[Any, ...]]()
    for ids in _boxed_ids(connection, look, max(limit, LEAST), backwards=backwards):
        found += connection.execute(
            f"SELECT id, stanza FROM message WHERE id IN ({_SELECT_IDS}) AND {_VISIBLE} ORDER BY id {order}",
            (look.owner, _json(ids)))
        if len(found) >= limit:
            break
    return found[:limit]


def _tail_page(connection: Connection, look: _Look, limit: int, backwards: bool) -> list[tuple[Any, ...]]:
    order, (tail, args) = "DESC" if backwards else "", _tail(look, limit)
    return connection.execute(f"SELECT id, stanza {tail} ORDER BY id {order} LIMIT ?4", args)


def count(connection: Connection, owner: str, filter: ArchiveFilter, most: int) -> int:
    total, look = 0, _look(connection, owner, filter)
    for ids in _boxed_ids(connection, look, STEP):
        [(visible,)] = connection.execute(
            f"SELECT count(*) FROM message WHERE id IN ({_SELECT_IDS}) AND {_VISIBLE}", (look.owner, _json(ids)))
        total += visible
        if total >= most:
            return most
    tail, args = _tail(look, most - total)
    [(visible,)] = connection.execute(f"SELECT count(*) FROM (SELECT 1 {tail} LIMIT ?4)", args)
    return total + int(visible)


def _boxed_ids(connection: Connection, look: _Look, at_once: int, *, backwards: bool = False) -> Iterator[list[int]]:
    """What may be visible of an archive's messages, so many at once."""
    ids = chain.from_iterable(sheets.ids(connection, look.owner, look.after, min(look.before, look.boxed + 1),
                                         peer=look.peer, backwards=backwards))
    while some := list(islice(ids, at_once)):
        yield some


def _tail(look: _Look, limit: int) -> tuple[str, tuple[int, ...]]:
    """Of a statement on what is not in boxes yet."""
    args = look.owner, max(look.after, look.boxed), look.before, limit
    return (_TAIL, args) if look.peer is None else (_TAIL_OF_PEER, (*args, look.peer))


def get(connection: Connection, owner: str, ids: Collection[int]) -> list[ArchivedMessage]:
    rows = connection.execute(
        f"SELECT id, stanza FROM message WHERE id IN ({_SELECT_IDS}) AND {_VISIBLE} ORDER BY id",
        (number_of(connection, owner), _json(ids)))
    return [archived(id, stanza) for id, stanza in rows]


def pending(connection: Connection, owner: str, after: int, limit: int) -> list[tuple[int, bytes, int]]:
    """What the owner's next login is given beyond that id: the first so many, with their flags."""
    number, boxed = number_of(connection, owner), _boxed(connection)
    waiting, found = f"b = ?1 AND flags & {GIVEN | OFFLINE} ORDER BY id LIMIT ?3", list[tuple[Any, ...]]()
    for ids in sheets.ids(connection, number, after, boxed + 1):
        found += connection.execute(
            f"SELECT id, stanza, flags FROM message WHERE id IN ({_SELECT_IDS}) AND {waiting}",
            (number, _json(ids), limit))
        if len(found) >= limit:
            return found[:limit]
    return found + connection.execute(
        f"SELECT id, stanza, flags FROM message WHERE id > ?2 AND {waiting}",
        (number, max(after, boxed), limit - len(found)))


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
    """now: an id. What its archive has of the last day is looked through, the newest first; the rest has an index."""
    number, boxed, key = number_of(connection, owner), _boxed(connection), signed(sm_key)
    since, left = now - number_at(H_SECONDS), H_MESSAGES
    mine = "a = ?1 AND sm_key = ?3 ORDER BY id DESC LIMIT 1"
    found = connection.execute(f"SELECT id, h FROM message WHERE id > ?2 AND {mine}",
                               (number, max(since, boxed), key))
    for ids in sheets.ids(connection, number, since, boxed + 1, backwards=True):
        if found or left <= 0:
            break
        found = connection.execute(f"SELECT id, h FROM message WHERE id IN ({_SELECT_IDS}) AND {mine}",
                                   (number, _json(ids[:left]), key))
        left -= len(ids)
    others = connection.execute(
        "SELECT id, h FROM message INDEXED BY message_of_session"
        f" WHERE id > ?2 AND sm_key <> 0 AND NOT flags & {SENT} AND {mine}", (number, since, key))
    h: int | None = max(found + others, default=(0, None))[1]
    return h


def leave(connection: Connection, owner: str, after: int, up_to: int, *, everything: bool) -> tuple[int, int]:
    """The next messages of its box, a step's number of them, leave it; the last one's id (0: there are none), and how
    many have left. What a login would still be given stays, as an offline message, unless everything is to go."""
    number = number_of(connection, owner)
    if _boxed(connection) < up_to:
        fill(connection)
    ids = list(islice(chain.from_iterable(sheets.ids(connection, number, after, min(up_to, EVER - 1) + 1)), STEP))
    if not ids:
        return 0, 0
    given = f"flags & {GIVEN} AND id > coalesce((SELECT id FROM mark WHERE owner = ?1), 0)"
    kept = "0" if everything else f"CASE WHEN flags & {OFFLINE} OR {given} THEN {OFFLINE} ELSE 0 END"
    args = (number, _json(ids))
    for sql in (
        f"UPDATE message SET flags = (flags & {SENT}) | {kept} WHERE id IN ({_SELECT_IDS}) AND b = ?1",
        f"UPDATE message SET flags = flags & ~{SENT} WHERE id IN ({_SELECT_IDS}) AND a = ?1",
    ):
        connection.execute(sql, args)
    left = _cut(connection, number, ids, f"b = ?1 AND flags & {OFFLINE}")
    connection.execute(
        f"DELETE FROM message WHERE id IN ({_SELECT_IDS}) AND ?1 IN (a, b) AND NOT flags & {KEPT}"
        " AND id NOT IN (SELECT id FROM spool)", args)
    return ids[-1], left


def drop_offline(connection: Connection, owner: str, up_to: int, most: int = EVER) -> int:
    """So many offline messages with ids up to and including that one are done with; how many those were."""
    number = number_of(connection, owner)
    ids = [id for id, in connection.execute(
        f"SELECT id FROM message INDEXED BY message_offline WHERE b = ? AND flags & {OFFLINE} AND id <= ? LIMIT ?",
        (number, up_to, most))]
    if not ids:
        return 0
    args = (number, _json(ids))
    connection.execute(
        f"UPDATE message SET flags = flags & ~{OFFLINE | GIVEN} WHERE id IN ({_SELECT_IDS}) AND b = ?1", args)
    _cut(connection, number, ids, f"a = ?1 AND flags & {SENT}")
    connection.execute(
        f"DELETE FROM message WHERE id IN ({_SELECT_IDS}) AND ?1 IN (a, b) AND NOT flags & {KEPT}", args)
    return len(ids)


def _cut(connection: Connection, owner: int, ids: Collection[int], staying: str) -> int:
    """These messages leave the box, but for those of which that holds; how many have left."""
    stay = {id for id, in connection.execute(
        f"SELECT id FROM message WHERE id IN ({_SELECT_IDS}) AND {staying}", (owner, _json(ids)))}
    gone = [id for id in ids if id not in stay]
    return sheets.cut(connection, owner, gone) if gone else 0


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
    found: list[tuple[str, int]] = []
    for number, jid in connection.execute(
            "SELECT id, jid FROM address WHERE substr(jid, -length(?1)) = ?1"
            " AND EXISTS (SELECT 1 FROM box WHERE owner = address.id)",
            (f"@{host}",)):
        up_to = 0 if most is None else sheets.beyond(connection, number, most)
        if before is not None and sheets.least(connection, number) <= before:
            up_to = max(up_to, before)
        if up_to:
            found.append((jid, up_to))
    return found


def _boxed(connection: Connection) -> int:
    """Up to which id messages are in their boxes."""
    [(boxed,)] = connection.execute("SELECT value FROM meta WHERE key = 'boxed'")
    assert isinstance(boxed, int)
    return boxed


def _json(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
