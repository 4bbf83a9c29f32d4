"""Documents of accounts in SQLite."""

from collections.abc import Collection, Mapping

from headrace.storage.connection import Connection
from headrace.storage.sqlite.database import Database


class SqliteDocuments:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner: str, kind: str, name: str) -> bytes | None:
        rows = await self._database.find(
            "SELECT content FROM document WHERE owner = ? AND kind = ? AND name = ?", owner, kind, name, of=(owner,))
        return rows[0][0] if rows else None

    async def put(self, owner: str, kind: str, documents: Mapping[str, bytes]) -> None:
        def put(connection: Connection) -> None:
            for name, content in documents.items():
                connection.execute("INSERT OR REPLACE INTO document(owner, kind, name, content)"
                                   " SELECT jid, ?, ?, ? FROM account WHERE jid = ?", (kind, name, content, owner))

        await self._database.change(put, [owner])

    async def sizes(self, owner: str, kind: str) -> dict[str, int]:
        rows = await self._database.find(
            "SELECT name, length(content) FROM document WHERE owner = ? AND kind = ?", owner, kind, of=(owner,))
        return dict(rows)

    async def all(self, owner: str, kind: str) -> dict[str, bytes]:
        rows = await self._database.find(
            "SELECT name, content FROM document WHERE owner = ? AND kind = ?", owner, kind, of=(owner,))
        return dict(rows)

    async def remove(self, owner: str, kind: str, names: Collection[str]) -> None:
        def remove(connection: Connection) -> None:
            for name in names:
                connection.execute("DELETE FROM document WHERE owner = ? AND kind = ? AND name = ?",
                                   (owner, kind, name))

        await self._database.change(remove, [owner])
