"""Offline messages in SQLite: they lie among the archive's."""

from collections.abc import Awaitable

from headrace.storage.bounds import OFFLINE
from headrace.storage.ports import OfflineMessage
from headrace.storage.sqlite import boxes
from headrace.storage.sqlite.archive import SqliteArchive
from headrace.storage.sqlite.boxes import EVER
from headrace.storage.sqlite.database import Database


class SqliteOffline:
    def __init__(self, database: Database, archive: SqliteArchive) -> None:
        self._database = database
        self._archive = archive

    def add(self, owner: str, peer: str, stanza: bytes, time: float) -> Awaitable[int]:
        return self._archive.add(peer, owner, stanza, OFFLINE, time)

    async def fetch(self, owner: str) -> list[OfflineMessage]:
        return await self._archive.waiting(owner, 0, OFFLINE, EVER)

    async def remove(self, owner: str, up_to: int) -> int:
        await self._archive.flush()
        return await self._database.change(lambda connection: boxes.drop_offline(connection, owner, up_to))

    async def count(self, owner: str) -> int:
        return len(await self._archive.read(lambda connection: boxes.waiting(connection, owner, 0, OFFLINE, EVER)))
