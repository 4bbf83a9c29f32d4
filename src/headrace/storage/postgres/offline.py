"""Offline messages in PostgreSQL, in the shape of the archive: a stanza once, a small row for its owner."""

from collections.abc import Awaitable, Sequence

from asyncpg import Connection

from headrace.router.archive import time_of
from headrace.router.group import MessageFlag
from headrace.storage.group import GroupCommit
from headrace.storage.ports import OfflineMessage
from headrace.storage.postgres.database import Database
from headrace.storage.postgres.messages import MessageWriter

_OFFLINE = ("FROM box JOIN message USING (id) WHERE owner = (SELECT id FROM address WHERE jid = $1)"
            f" AND flags & {int(MessageFlag.M_OFFLINE)} <> 0")
_FORGET = f"""
WITH owners AS (SELECT id FROM address WHERE jid = ANY($1::text[])),
     forgotten AS (DELETE FROM message USING box
                   WHERE box.owner IN (SELECT id FROM owners) AND box.id <= $2 AND message.id = box.id
                   AND flags & {int(MessageFlag.M_OFFLINE)} <> 0 RETURNING message.id),
     unboxed AS (DELETE FROM box USING forgotten
                 WHERE box.owner IN (SELECT id FROM owners) AND box.id = forgotten.id)
SELECT count(*) FROM forgotten
"""
_EVER = 2**63 - 1


class PostgresOffline:
    def __init__(self, database: Database, writer: MessageWriter) -> None:
        self._database = database
        self._writer = writer
        self.queue = writer.queue
        self._groups = GroupCommit(writer.queue, writer.write)

    def add(self, owner: str, peer: str, stanza: bytes, time: float) -> Awaitable[int]:
        return self._groups.add(peer, owner, stanza, time)

    async def fetch(self, owner: str) -> list[OfflineMessage]:
        await self.flush()
        rows = await self._database.read(lambda connection: connection.fetch(
            f"SELECT id, stanza {_OFFLINE} ORDER BY id", owner))
        return [OfflineMessage(id, time_of(id), stanza) for id, stanza in rows]

    async def remove(self, owner: str, up_to: int) -> int:
        await self.flush()
        return await self._database.change(lambda connection: forget(connection, [owner], up_to))

    async def count(self, owner: str) -> int:
        await self.flush()
        number: int = await self._database.read(lambda connection: connection.fetchval(
            f"SELECT count(*) {_OFFLINE}", owner))
        return number

    async def flush(self) -> None:
        """What was added before is committed."""
        await self._groups.flush()

    async def close(self) -> None:
        """Commits what waits."""
        await self._groups.close()
        await self._writer.close()


async def forget(connection: Connection, owners: Sequence[str], up_to: int = _EVER) -> int:
    """Their messages with ids up to and including that one; how many there were."""
    number: int = await connection.fetchval(_FORGET, owners, up_to)
    return number
