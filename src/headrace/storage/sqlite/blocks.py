"""Block lists in SQLite."""

from collections.abc import Collection

from headrace.storage.connection import Connection
from headrace.storage.sqlite.database import Database


class SqliteBlocks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, owner: str) -> frozenset[str]:
        rows = await self._database.find("SELECT jid FROM block WHERE owner = ?", owner, of=(owner,))
        return frozenset(jid for jid, in rows)

    async def add(self, owner: str, jids: Collection[str]) -> None:
        def add(connection: Connection) -> None:
            for jid in jids:
                connection.execute("INSERT OR IGNORE INTO block(owner, jid) SELECT jid, ? FROM account WHERE jid = ?",
                                   (jid, owner))

        await self._database.change(add, [owner])

    async def remove(self, owner: str, jids: Collection[str]) -> None:
        def remove(connection: Connection) -> None:
            for jid in jids:
                connection.execute("DELETE FROM block WHERE owner = ? AND jid = ?", (owner, jid))

        await self._database.change(remove, [owner])
