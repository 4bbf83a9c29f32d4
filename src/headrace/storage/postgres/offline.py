"""Offline messages in PostgreSQL: they lie among the archive's."""

from collections.abc import Awaitable

from headrace.storage.bounds import OFFLINE
from headrace.storage.ports import OfflineMessage
from headrace.storage.postgres import boxes
from headrace.storage.postgres.archive import PostgresArchive
from headrace.storage.postgres.database import Database


class PostgresOffline:
    def __init__(self, database: Database, archive: PostgresArchive) -> None:
        self._database = database
        self._archive = archive

    def add(self, owner: str, peer: str, stanza: bytes, time: float) -> Awaitable[int]:
        return self._archive.add(peer, owner, stanza, OFFLINE, time)

    async def fetch(self, owner: str) -> list[OfflineMessage]:
        return await self._archive.waiting(owner, 0, OFFLINE, None)

    async def remove(self, owner: str, up_to: int) -> int:
        await self._archive.flush()
        return await self._database.change(lambda connection: boxes.drop_offline(connection, owner, up_to))

    async def count(self, owner: str) -> int:
        return len(await self._archive.read(lambda connection: boxes.waiting(connection, owner, 0, OFFLINE, None)))
