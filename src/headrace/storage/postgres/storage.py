"""Opening the PostgreSQL back end."""

import secrets

from asyncpg import Connection

from headrace.storage.health import Health, Log
from headrace.storage.ports import Durability
from headrace.storage.postgres.accounts import PostgresAccounts
from headrace.storage.postgres.archive import PostgresArchive
from headrace.storage.postgres.blocks import PostgresBlocks
from headrace.storage.postgres.database import Database
from headrace.storage.postgres.documents import PostgresDocuments
from headrace.storage.postgres.messages import MessageWriter
from headrace.storage.postgres.roster import PostgresRosters
from headrace.storage.postgres.tokens import PostgresTokens


class PostgresStorage:
    """Implements headrace.storage.ports.Storage."""

    def __init__(self, database: Database, writer: MessageWriter) -> None:
        self.archive = PostgresArchive(database, writer)
        self.queue = self.archive.queue
        self.accounts = PostgresAccounts(database, self.archive)
        self.tokens = PostgresTokens(database)
        self.roster = PostgresRosters(database)
        self.blocks = PostgresBlocks(database)
        self.documents = PostgresDocuments(database)
        self.database = database

    async def secret(self) -> bytes:
        async def read_or_make(connection: Connection) -> bytes:
            await connection.execute("INSERT INTO meta(key, data) VALUES ('secret', $1) ON CONFLICT DO NOTHING",
                                     secrets.token_bytes(32))
            secret: bytes = await connection.fetchval("SELECT data FROM meta WHERE key = 'secret'")
            return secret

        return await self.database.change(read_or_make)

    async def close(self) -> None:
        await self.archive.close()
        await self.database.close()


async def open_postgres(dsn: str, *, size: int = 4, durability: Durability = "power", server: bool = False,
                        patience: float = 5.0, log: Log | None = None) -> PostgresStorage:
    """Connects, and migrates the database.

    dsn: postgresql://user@host/database; what it leaves out is as for psql (PGPASSFILE and so on). size: connections,
    one more is for messages. `server`: this process serves from it, and is the only one to do so; commands that change
    accounts beside it leave it False. patience: seconds that a request may take, waiting included.

    Raises StorageLocked for a second server, and StorageUnavailable."""
    full_sync = durability == "power"
    database = Database(dsn, size=size, patience=patience, full_sync=full_sync, health=Health(log))
    writer = MessageWriter(database, alone=server)
    try:
        await database.prepare()
        await writer.open()
    except BaseException:
        await writer.close()
        await database.close()
        raise
    return PostgresStorage(database, writer)
