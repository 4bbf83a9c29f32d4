"""Rosters in SQLite."""

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.storage.connection import Connection
from headrace.storage.ports import RosterChange, RosterItem
from headrace.storage.sqlite.database import Database

_COLUMNS = "jid, name, subscription, ask, approved, groups, pending_in, listed"
_SELECT = f"SELECT {_COLUMNS} FROM roster WHERE owner = ?"


class SqliteRosters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, owner: str) -> list[RosterItem]:
        rows = await self._database.read(lambda connection: connection.execute(_SELECT, (owner,)), [owner])
        return [_item(row) for row in rows]

    async def get(self, owner: str, contact: str) -> RosterItem | None:
        rows = await self._database.read(lambda connection: connection.execute(
            _SELECT + " AND jid = ?", (owner, contact)), [owner])
        return _item(rows[0]) if rows else None

    async def put(self, owner: str, item: RosterItem) -> None:
        await self.apply([RosterChange(owner, item.jid, item)])

    async def put_pair(self, owner: str, item: RosterItem, other: str, other_item: RosterItem) -> None:
        await self.apply([
            RosterChange(owner, item.jid, item), RosterChange(other, other_item.jid, other_item)])

    async def remove(self, owner: str, contact: str) -> bool:
        def remove(connection: Connection) -> bool:
            _remove(connection, owner, contact)
            return connection.changes > 0

        return await self._database.change(remove, [owner])

    async def apply(self, changes: Sequence[RosterChange]) -> None:
        def apply(connection: Connection) -> None:
            for owner, contact, item in changes:
                if item is None:
                    _remove(connection, owner, contact)
                else:
                    _put(connection, owner, item)

        await self._database.change(apply, {change.owner for change in changes})


def _remove(connection: Connection, owner: str, contact: str) -> None:
    connection.execute("DELETE FROM roster WHERE owner = ? AND jid = ?", (owner, contact))


def _put(connection: Connection, owner: str, item: RosterItem) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO roster(owner, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, item.jid, item.name, item.subscription, item.ask, item.approved,
         msgspec.json.encode(item.groups).decode(), item.pending_in, item.listed))


def _item(row: tuple[Any, ...]) -> RosterItem:
    jid, name, subscription, ask, approved, groups, pending_in, listed = row
    return RosterItem(
        jid, name, subscription, bool(ask), bool(approved), msgspec.json.decode(groups, type=tuple[str, ...]),
        pending_in, bool(listed))
