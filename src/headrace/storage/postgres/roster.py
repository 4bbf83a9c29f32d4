"""Rosters in PostgreSQL."""

import time
from collections.abc import Sequence

from asyncpg import Connection, Record

from headrace.storage.ports import ROSTER_MEMORY, RosterChange, RosterItem, RosterRevision
from headrace.storage.postgres.database import Database

_COLUMNS = "jid, name, subscription, ask, approved, groups, pending_in, listed"
_JOINED = "r." + _COLUMNS.replace(", ", ", r.")
_OWNER = "(SELECT id FROM address WHERE jid = $1)"
_SELECT = f"SELECT {_COLUMNS} FROM roster WHERE owner = {_OWNER}"
_PUT = (f"INSERT INTO roster(owner, {_COLUMNS}) VALUES ({_OWNER}, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (owner, jid) DO UPDATE SET name = excluded.name, subscription = excluded.subscription,"
        " ask = excluded.ask, approved = excluded.approved, groups = excluded.groups,"
        " pending_in = excluded.pending_in, listed = excluded.listed")


class PostgresRosters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, owner: str) -> list[RosterItem]:
        rows = await self._database.read(lambda connection: connection.fetch(_SELECT, owner), [owner])
        return [_item(row) for row in rows]

    async def get(self, owner: str, contact: str) -> RosterItem | None:
        row = await self._database.read(lambda connection: connection.fetchrow(
            _SELECT + " AND jid = $2", owner, contact), [owner])
        return _item(row) if row else None

    async def put(self, owner: str, item: RosterItem) -> None:
        await self.apply([RosterChange(owner, item.jid, item)])

    async def put_pair(self, owner: str, item: RosterItem, other: str, other_item: RosterItem) -> None:
        await self.apply([
            RosterChange(owner, item.jid, item), RosterChange(other, other_item.jid, other_item)])

    async def remove(self, owner: str, contact: str) -> bool:
        async def remove(connection: Connection) -> bool:
            found = await _remove(connection, owner, contact)
            if found:
                await _note(connection, owner, contact)
            return found

        return await self._database.change(remove, [owner])

    async def apply(self, changes: Sequence[RosterChange]) -> list[int]:
        async def apply(connection: Connection) -> list[int]:
            return [await _apply(connection, change) for change in changes]

        return await self._database.change(apply, {change.owner for change in changes})

    async def version(self, owner: str) -> int:
        return await self._database.read(lambda connection: _version(connection, owner), [owner])

    async def revisions(self, owner: str, since: int) -> list[RosterRevision] | None:
        async def find(connection: Connection) -> list[RosterRevision] | None:
            if not 0 <= await _version(connection, owner) - since <= ROSTER_MEMORY:
                return None
            rows = await connection.fetch(
                f"SELECT c.version, c.jid AS contact, {_JOINED}"
                " FROM roster_change c LEFT JOIN roster r USING (owner, jid)"
                f" WHERE c.owner = {_OWNER} AND c.version > $2 ORDER BY c.version", owner, since)
            return [RosterRevision(row["version"], row["contact"], _item(row) if row["name"] is not None else None)
                    for row in rows]

        return await self._database.snapshot(find, [owner])


async def forget_rosters(connection: Connection, owners: Sequence[str]) -> None:
    for table in ("roster", "roster_version", "roster_change"):
        await connection.execute(
            f"DELETE FROM {table} WHERE owner IN (SELECT id FROM address WHERE jid = ANY($1::text[]))", owners)


async def _version(connection: Connection, owner: str) -> int:
    version: int | None = await connection.fetchval(
        f"SELECT version FROM roster_version WHERE owner = {_OWNER}", owner)
    return version or 0


async def _apply(connection: Connection, change: RosterChange) -> int:
    await connection.execute("INSERT INTO address(jid) VALUES ($1) ON CONFLICT DO NOTHING", change.owner)
    if change.item is None:
        await _remove(connection, change.owner, change.contact)
    else:
        await _put(connection, change.owner, change.item)
    return await _note(connection, change.owner, change.contact) if change.visible else 0


async def _note(connection: Connection, owner: str, contact: str) -> int:
    """The version that a visible change of this contact makes."""
    version: int = await connection.fetchval(
        f"INSERT INTO roster_version AS v (owner, version) VALUES ({_OWNER}, $2)"
        " ON CONFLICT (owner) DO UPDATE SET version = v.version + 1 RETURNING version",
        owner, time.time_ns() // 1000)
    await connection.execute(
        f"INSERT INTO roster_change(owner, jid, version) VALUES ({_OWNER}, $2, $3)"
        " ON CONFLICT (owner, jid) DO UPDATE SET version = excluded.version", owner, contact, version)
    await connection.execute(f"DELETE FROM roster_change WHERE owner = {_OWNER} AND version <= $2",
                             owner, version - ROSTER_MEMORY)
    return version


async def _remove(connection: Connection, owner: str, contact: str) -> bool:
    tag: str = await connection.execute(f"DELETE FROM roster WHERE owner = {_OWNER} AND jid = $2", owner, contact)
    return tag != "DELETE 0"


async def _put(connection: Connection, owner: str, item: RosterItem) -> None:
    await connection.execute(_PUT, owner, item.jid, item.name, item.subscription, item.ask, item.approved,
                             item.groups, item.pending_in, item.listed)


def _item(row: Record) -> RosterItem:
    values = {name: row[name] for name in RosterItem.__struct_fields__}
    return RosterItem(**{**values, "groups": tuple(row["groups"])})
