"""The statements on messages and boxes in PostgreSQL. A message's box rows come with it, in one commit."""

from collections.abc import Collection, Sequence
from typing import Any

from asyncpg import Connection

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
from headrace.storage.ports import EVER, ArchivedMessage, ArchiveFilter

# In all of them $1 is the owner's number.
_VISIBLE = f"((b = $1 AND flags & {GOT} <> 0) OR (a = $1 AND flags & {SENT} <> 0))"
_LEAVE = f"""
WITH ids AS MATERIALIZED (
    SELECT id FROM box WHERE owner = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT {STEP}
), mine AS MATERIALIZED (
    SELECT id, a, b, flags, CASE WHEN b <> $1 THEN flags & ~{SENT} ELSE
        CASE WHEN a = $1 THEN 0 ELSE flags & {SENT} END |
        CASE WHEN NOT $4 AND (flags & {OFFLINE} <> 0 OR flags & {GIVEN} <> 0
                 AND id > coalesce((SELECT id FROM mark WHERE owner = $1), 0)) THEN {OFFLINE} ELSE 0 END
        END AS after
    FROM message WHERE id IN (SELECT id FROM ids)
), changed AS (
    UPDATE message SET flags = after FROM mine WHERE message.id = mine.id
    AND (after & {KEPT} <> 0 OR message.id IN (SELECT id FROM spool))
), gone AS (
    DELETE FROM message USING mine WHERE message.id = mine.id AND after & {KEPT} = 0
    AND message.id NOT IN (SELECT id FROM spool)
), unboxed AS (
    DELETE FROM box WHERE owner = $1 AND id IN (SELECT id FROM ids)
    AND id NOT IN (SELECT id FROM mine WHERE b = $1 AND after & {OFFLINE} <> 0)
    RETURNING 1
)
SELECT coalesce(max(id), 0), (SELECT count(*) FROM unboxed) FROM ids
"""
_DROP = f"""
WITH mine AS MATERIALIZED (
    SELECT id, a, b, flags & ~{OFFLINE | GIVEN} AS after FROM message
    WHERE b = $1 AND id <= $2 AND flags & {OFFLINE} <> 0
), changed AS (
    UPDATE message SET flags = after FROM mine WHERE message.id = mine.id AND after & {KEPT} <> 0
), gone AS (
    DELETE FROM message USING mine WHERE message.id = mine.id AND after & {KEPT} = 0
)
DELETE FROM box USING (
    SELECT b AS owner, id FROM mine WHERE NOT (a = b AND after & {SENT} <> 0)
    UNION SELECT a, id FROM mine WHERE after & {KEPT} = 0
) AS entry WHERE box.owner = entry.owner AND box.id = entry.id
"""


async def number_of(connection: Connection, jid: str) -> int:
    """What stands for it in the tables; 0: nothing does."""
    number: int | None = await connection.fetchval("SELECT id FROM address WHERE jid = $1", jid)
    return number or 0


async def page(connection: Connection, owner: str, filter: ArchiveFilter, limit: int, *,
               backwards: bool) -> list[ArchivedMessage]:
    """The first so many, backwards the last ones from the end on."""
    sql, args = await _selected(connection, owner, filter)
    rows = await connection.fetch(
        f"SELECT message.id, stanza {sql} ORDER BY box.id {'DESC' if backwards else ''} LIMIT {limit:d}", *args)
    return [archived(id, stanza) for id, stanza in rows]


async def count(connection: Connection, owner: str, filter: ArchiveFilter, most: int) -> int:
    sql, args = await _selected(connection, owner, filter)
    number: int = await connection.fetchval(f"SELECT count(*) FROM (SELECT 1 {sql} LIMIT {most:d}) AS found", *args)
    return number


async def _selected(connection: Connection, owner: str, filter: ArchiveFilter) -> tuple[str, Sequence[Any]]:
    after, before = bounds(filter)
    sql = (f"FROM box JOIN message ON message.id = box.id WHERE box.owner = $1 AND box.id > $2 AND box.id < $3"
           f" AND {_VISIBLE}")
    args: list[Any] = [await number_of(connection, owner), after, before]
    if filter.peer is not None:
        sql += " AND box.peer = $4"
        args.append(await number_of(connection, filter.peer))
    return sql, args


async def get(connection: Connection, owner: str, ids: Collection[int]) -> list[ArchivedMessage]:
    rows = await connection.fetch(
        f"SELECT id, stanza FROM message WHERE id = ANY($2::bigint[]) AND {_VISIBLE} ORDER BY id",
        await number_of(connection, owner), list(ids))
    return [archived(id, stanza) for id, stanza in rows]


async def pending(connection: Connection, owner: str, after: int, limit: int) -> list[tuple[int, bytes, int]]:
    """What the owner's next login is given beyond that id: the first so many, with their flags."""
    rows = await connection.fetch(
        "SELECT box.id, stanza, flags FROM box JOIN message ON message.id = box.id WHERE owner = $1 AND box.id > $2"
        f" AND b = $1 AND flags & {GIVEN | OFFLINE} <> 0 ORDER BY box.id LIMIT $3",
        await number_of(connection, owner), after, limit)
    return [(id, stanza, flags) for id, stanza, flags in rows]


async def count_offline(connection: Connection, owner: str) -> int:
    count: int = await connection.fetchval(
        f"SELECT count(*) FROM message WHERE b = $1 AND flags & {OFFLINE} <> 0", await number_of(connection, owner))
    return count


async def spooled(connection: Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        "SELECT id, stanza FROM spool JOIN message USING (id) WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
    return [(id, stanza) for id, stanza in rows]


async def last_h(connection: Connection, owner: str, sm_key: int, now: int) -> int | None:
    """now: an id. What is there of the last day is looked through, the newest first."""
    h: int | None = await connection.fetchval(
        f"SELECT h FROM (SELECT id FROM box WHERE owner = $1 AND id > $2 ORDER BY id DESC LIMIT {H_MESSAGES}) AS found"
        " JOIN message USING (id) WHERE a = $1 AND sm_key = $3 ORDER BY id DESC LIMIT 1",
        await number_of(connection, owner), now - number_at(H_SECONDS), signed(sm_key))
    return h


async def leave(connection: Connection, owner: str, after: int, up_to: int, *, everything: bool) -> tuple[int, int]:
    """The next messages of its box, a step's number of them, leave it; the last one's id (0: there are none), and how
    many have left. What a login would still be given stays, as an offline message, unless everything is to go."""
    last, left = await connection.fetchrow(_LEAVE, await number_of(connection, owner), after, up_to, everything)
    return last, left


async def drop_offline(connection: Connection, owner: str, up_to: int) -> None:
    """Offline messages with ids up to and including that one are done with."""
    await connection.execute(_DROP, await number_of(connection, owner), up_to)


async def forget(connection: Connection, owners: Sequence[str]) -> None:
    """All messages of their boxes, and their marks."""
    rows = await connection.fetch(
        "SELECT jid FROM address WHERE jid = ANY($1::text[])"
        " AND (EXISTS (SELECT 1 FROM box WHERE owner = address.id)"
        " OR EXISTS (SELECT 1 FROM mark WHERE owner = address.id))",
        owners)
    for owner, in rows:
        last = 0
        while (step := await leave(connection, owner, last, EVER, everything=True))[0]:
            last = step[0]
        await forget_mark(connection, owner)


async def forget_mark(connection: Connection, owner: str) -> None:
    await connection.execute("DELETE FROM mark WHERE owner = (SELECT id FROM address WHERE jid = $1)", owner)


async def owners_over(connection: Connection, host: str, before: int | None, most: int | None) -> list[tuple[str, int]]:
    """Whose boxes on that host hold messages with ids up to `before`, or more than `most`: and up to which id they
    have to leave."""
    local = "SELECT id, jid FROM address WHERE right(jid, length($1)) = $1"
    found: dict[str, int] = {}
    if before is not None:
        for jid, in await connection.fetch(
                f"SELECT jid FROM ({local}) own WHERE EXISTS"
                " (SELECT 1 FROM box WHERE owner = own.id AND box.id <= $2)", f"@{host}", before):
            found[jid] = before
    if most is not None:
        for jid, id in await connection.fetch(
                f"SELECT jid, last.id FROM ({local}) own CROSS JOIN LATERAL (SELECT id FROM box WHERE owner = own.id"
                " ORDER BY id DESC LIMIT 1 OFFSET $2) last", f"@{host}", most):
            found[jid] = max(id, found.get(jid, 0))
    return list(found.items())
