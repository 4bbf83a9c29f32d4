"""Offline messages in SQLite, in the shape of the archive: a stanza once, a small row for its owner."""

from collections.abc import Awaitable

from headrace.router.archive import Archive, time_of
from headrace.router.group import Group, MessageFlag
from headrace.storage.connection import Connection
from headrace.storage.group import GroupCommit
from headrace.storage.ports import OfflineMessage
from headrace.storage.sqlite.database import Database
from headrace.storage.writer import GroupWriter

_OF_OWNER = "FROM box JOIN message USING (id) WHERE owner = (SELECT id FROM address WHERE jid = ?)"
_OFFLINE = f"{_OF_OWNER} AND flags & {int(MessageFlag.M_OFFLINE)}"
_EVER = 2**63 - 1


class SqliteOffline:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = GroupWriter(database.connection)
        meta = dict(database.connection.execute(
            "SELECT key, value FROM meta WHERE key IN ('reserved_id', 'stanza_id_key')"))
        self.queue = Archive(meta["stanza_id_key"], meta["reserved_id"])
        self._groups = GroupCommit(self.queue, self._write)

    def add(self, owner: str, peer: str, stanza: bytes, time: float) -> Awaitable[int]:
        return self._groups.add(peer, owner, stanza, time)

    async def fetch(self, owner: str) -> list[OfflineMessage]:
        await self.flush()
        rows = await self._database.read(lambda connection: connection.execute(
            f"SELECT id, stanza {_OFFLINE} ORDER BY box.id", (owner,)))
        return [OfflineMessage(id, time_of(id), stanza) for id, stanza in rows]

    async def remove(self, owner: str, up_to: int) -> int:
        await self.flush()
        return await self._database.change(lambda connection: forget(connection, owner, up_to))

    async def count(self, owner: str) -> int:
        await self.flush()
        [(count,)] = await self._database.read(lambda connection: connection.execute(
            f"SELECT count(*) {_OFFLINE}", (owner,)))
        return int(count)

    async def flush(self) -> None:
        """What was added before is committed."""
        await self._groups.flush()

    async def close(self) -> None:
        """Commits what waits and gives back what of the reservation was not used."""
        await self._groups.close()
        if self.queue.last != self.queue.reserved:
            await self._database.change(lambda connection: connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'reserved_id'", (self.queue.last,)))

    async def _write(self, group: Group) -> None:
        reserved = self.queue.reservation()
        await self._database.write(lambda _: self._writer.write(group, reserved))
        if reserved:
            self.queue.reserve(reserved)


def forget(connection: Connection, owner: str, up_to: int = _EVER) -> int:
    """Its messages with ids up to and including that one; how many there were."""
    connection.execute(
        f"DELETE FROM message WHERE id IN (SELECT id {_OFFLINE} AND box.id <= ?)", (owner, up_to))
    forgotten = connection.changes
    connection.execute(
        "DELETE FROM box WHERE owner = (SELECT id FROM address WHERE jid = ?) AND id <= ?"
        " AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = box.id)", (owner, up_to))
    return forgotten
