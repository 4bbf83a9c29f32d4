"""Block lists in PostgreSQL."""

from collections.abc import Collection

from asyncpg import Connection

from headrace.storage.postgres.database import Database


class PostgresBlocks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, owner: str) -> frozenset[str]:
        rows = await self._database.read(lambda connection: connection.fetch(
            "SELECT jid FROM block WHERE owner = $1", owner), [owner])
        return frozenset(jid for jid, in rows)

    async def add(self, owner: str, jids: Collection[str]) -> None:
        async def add(connection: Connection) -> None:
            await _remove(connection, owner, jids)
            await connection.execute("INSERT INTO block(owner, jid) SELECT account.jid, unnest($2::text[]) FROM account"
                                     " WHERE account.jid = $1", owner, list(set(jids)))

        await self._database.change(add, [owner])

    async def remove(self, owner: str, jids: Collection[str]) -> None:
        await self._database.change(lambda connection: _remove(connection, owner, jids), [owner])


async def _remove(connection: Connection, owner: str, jids: Collection[str]) -> None:
    await connection.execute("DELETE FROM block WHERE owner = $1 AND jid = ANY($2::text[])", owner, list(jids))
