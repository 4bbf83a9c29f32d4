"""Documents of accounts in PostgreSQL."""

from collections.abc import Collection, Mapping

from asyncpg import Connection

from headrace.storage.postgres.database import Database

_THAT = "owner = $1 AND kind = $2"


class PostgresDocuments:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner: str, kind: str, name: str) -> bytes | None:
        content: bytes | None = await self._database.read(lambda connection: connection.fetchval(
            f"SELECT content FROM document WHERE {_THAT} AND name = $3", owner, kind, name), [owner])
        return content

    async def put(self, owner: str, kind: str, documents: Mapping[str, bytes]) -> None:
        async def put(connection: Connection) -> None:
            names, contents = list(documents), list(documents.values())
            await connection.execute(f"DELETE FROM document WHERE {_THAT} AND name = ANY($3::text[])",
                                     owner, kind, names)
            await connection.execute(
                "INSERT INTO document(owner, kind, name, content) SELECT jid, $2, new.name, new.content"
                " FROM account, unnest($3::text[], $4::bytea[]) new(name, content) WHERE jid = $1",
                owner, kind, names, contents)

        await self._database.change(put, [owner])

    async def sizes(self, owner: str, kind: str) -> dict[str, int]:
        rows = await self._database.read(lambda connection: connection.fetch(
            f"SELECT name, length(content) FROM document WHERE {_THAT}", owner, kind), [owner])
        return dict(rows)

    async def all(self, owner: str, kind: str) -> dict[str, bytes]:
        rows = await self._database.read(lambda connection: connection.fetch(
            f"SELECT name, content FROM document WHERE {_THAT}", owner, kind), [owner])
        return dict(rows)

    async def remove(self, owner: str, kind: str, names: Collection[str]) -> None:
        await self._database.change(lambda connection: connection.execute(
            f"DELETE FROM document WHERE {_THAT} AND name = ANY($3::text[])", owner, kind, list(names)), [owner])
