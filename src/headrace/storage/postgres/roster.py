"""Rosters in PostgreSQL."""

from collections.abc import Sequence

from asyncpg import Connection, Record

from headrace.storage.ports import RosterChange, RosterItem
from headrace.storage.postgres.database import Database

_COLUMNS = "jid, name, subscription, ask, approved, groups, pending_in, listed"
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
        return await self._database.change(lambda connection: _remove(connection, owner, contact), [owner])

    async def apply(self, changes: Sequence[RosterChange]) -> None:
        async def apply(connection: Connection) -> None:
            for owner, contact, item in changes:
                if item is None:
                    await _remove(connection, owner, contact)
                else:
                    await _put(connection, owner, item)

        await self._database.change(apply, {change.owner for change in changes})


async def _remove(connection: Connection, owner: str, contact: str) -> bool:
    tag: str = await connection.execute(f"DELETE FROM roster WHERE owner = {_OWNER} AND jid = $2", owner, contact)
    return tag != "DELETE 0"


async def _put(connection: Connection, owner: str, item: RosterItem) -> None:
    await connection.execute("INSERT INTO address(jid) VALUES ($1) ON CONFLICT DO NOTHING", owner)
    await connection.execute(_PUT, owner, item.jid, item.name, item.subscription, item.ask, item.approved,
                             item.groups, item.pending_in, item.listed)


def _item(row: Record) -> RosterItem:
    return RosterItem(**{**row, "groups": tuple(row["groups"])})
