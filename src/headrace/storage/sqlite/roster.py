"""Rosters in SQLite."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.storage.connection import Connection
from headrace.storage.ports import ROSTER_MEMORY, RosterChange, RosterItem, RosterRevision
from headrace.storage.sqlite.database import Database

_COLUMNS = "jid, name, subscription, ask, approved, groups, pending_in, listed"
_JOINED = "r." + _COLUMNS.replace(", ", ", r.")
_SELECT = f"SELECT {_COLUMNS} FROM roster WHERE owner = ?"


class SqliteRosters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, owner: str) -> list[RosterItem]:
        rows = await self._database.find(_SELECT, owner, of=(owner,))
        return [_item(row) for row in rows]

    async def get(self, owner: str, contact: str) -> RosterItem | None:
        rows = await self._database.find(_SELECT + " AND jid = ?", owner, contact, of=(owner,))
        return _item(rows[0]) if rows else None

    async def put(self, owner: str, item: RosterItem) -> None:
        await self.apply([RosterChange(owner, item.jid, item)])

    async def put_pair(self, owner: str, item: RosterItem, other: str, other_item: RosterItem) -> None:
        await self.apply([
            RosterChange(owner, item.jid, item), RosterChange(other, other_item.jid, other_item)])

    async def remove(self, owner: str, contact: str) -> bool:
        def remove(connection: Connection) -> bool:
            found = _remove(connection, owner, contact)
            if found:
                _note(connection, owner, contact)
            return found

        return await self._database.change(remove, [owner])

    async def apply(self, changes: Sequence[RosterChange]) -> list[int]:
        def apply(connection: Connection) -> list[int]:
            return [_apply(connection, change) for change in changes]

        return await self._database.change(apply, {change.owner for change in changes})

    async def version(self, owner: str) -> int:
        return await self._database.read(lambda connection: _version(connection, owner), [owner])

    async def revisions(self, owner: str, since: int) -> list[RosterRevision] | None:
        def find(connection: Connection) -> list[RosterRevision] | None:
            if not 0 <= _version(connection, owner) - since <= ROSTER_MEMORY:
                return None
            rows = connection.execute(
                f"SELECT c.version, c.jid, {_JOINED} FROM roster_change c LEFT JOIN roster r USING (owner, jid)"
                " WHERE c.owner = ? AND c.version > ? ORDER BY c.version", (owner, since))
            return [RosterRevision(version, contact, _item(row) if row[0] else None)
                    for version, contact, *row in rows]

        return await self._database.read(find, [owner])


def forget_roster(connection: Connection, owner: str) -> None:
    for table in ("roster", "roster_version", "roster_change"):
        connection.execute(f"DELETE FROM {table} WHERE owner = ?", (owner,))


def _version(connection: Connection, owner: str) -> int:
    rows = connection.execute("SELECT version FROM roster_version WHERE owner = ?", (owner,))
    return rows[0][0] if rows else 0


def _apply(connection: Connection, change: RosterChange) -> int:
    if change.item is None:
        _remove(connection, change.owner, change.contact)
    else:
        _put(connection, change.owner, change.item)
    return _note(connection, change.owner, change.contact) if change.visible else 0


def _note(connection: Connection, owner: str, contact: str) -> int:
    """The version that a visible change of this contact makes."""
    [(version,)] = connection.execute(
        "INSERT INTO roster_version(owner, version) VALUES (?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET version = version + 1 RETURNING version",
        (owner, time.time_ns() // 1000))
    connection.execute("INSERT OR REPLACE INTO roster_change(owner, jid, version) VALUES (?, ?, ?)",
                       (owner, contact, version))
    connection.execute("DELETE FROM roster_change WHERE owner = ? AND version <= ?", (owner, version - ROSTER_MEMORY))
    assert isinstance(version, int)
    return version


def _remove(connection: Connection, owner: str, contact: str) -> bool:
    connection.execute("DELETE FROM roster WHERE owner = ? AND jid = ?", (owner, contact))
    return connection.changes > 0


def _put(connection: Connection, owner: str, item: RosterItem) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO roster(owner, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, item.jid, item.name, item.subscription, item.ask, item.approved,
         msgspec.json.encode(item.groups).decode(), item.pending_in, item.listed))


def _item(row: Sequence[Any]) -> RosterItem:
    jid, name, subscription, ask, approved, groups, pending_in, listed = row
    return RosterItem(
        jid, name, subscription, bool(ask), bool(approved), msgspec.json.decode(groups, type=tuple[str, ...]),
        pending_in, bool(listed))
