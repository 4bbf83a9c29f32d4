"""Opening the SQLite back end."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

from headrace.storage.connection import Connection
from headrace.storage.health import Health, Log
from headrace.storage.ports import Durability, StorageLocked, StorageUnavailable
from headrace.storage.sqlite.accounts import SqliteAccounts
from headrace.storage.sqlite.archive import SqliteArchive
from headrace.storage.sqlite.blocks import SqliteBlocks
from headrace.storage.sqlite.database import Database
from headrace.storage.sqlite.documents import SqliteDocuments
from headrace.storage.sqlite.roster import SqliteRosters
from headrace.storage.sqlite.tokens import SqliteTokens


class SqliteStorage:
    """Implements headrace.storage.ports.Storage."""

    def __init__(self, database: Database, lock: IO[str] | None) -> None:
        self.archive = SqliteArchive(database)
        self.queue = self.archive.queue
        self.accounts = SqliteAccounts(database, self.archive)
        self.tokens = SqliteTokens(database)
        self.roster = SqliteRosters(database)
        self.blocks = SqliteBlocks(database)
        self.documents = SqliteDocuments(database)
        self.database = database
        self._lock = lock

    async def secret(self) -> bytes:
        def read_or_make(connection: Connection) -> bytes:
            connection.execute("INSERT INTO meta(key, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING",
                               (secrets.token_bytes(32),))
            [(secret,)] = connection.execute("SELECT value FROM meta WHERE key = 'secret'")
            assert isinstance(secret, bytes)
            return secret

        return await self.database.change(read_or_make)

    async def close(self) -> None:
        await self.archive.close()
        await self.database.close()
        if self._lock is not None:
            self._lock.close()


def open_sqlite(path: Path, *, durability: Durability = "power", server: bool = False,
                patience: float = 5.0, log: Log | None = None) -> SqliteStorage:
    """Opens the database, makes it if there is none, and migrates it.

    `server`: this process serves from it, and is the only one to do so; commands that change accounts beside
    it leave it False. `patience`: seconds that a request may take, and half of them waiting for
    another process's write. `log` is told of failures.

    Raises StorageLocked for a second server and for a database that another process keeps locked, and
    StorageUnavailable."""
    lock = _lock(path) if server else None
    try:
        database = Database(path, full_sync=durability == "power", patience=patience, health=Health(log))
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return SqliteStorage(database, lock)


def _lock(path: Path) -> IO[str]:
    """Message ids are given from memory and sessions live in memory: two servers would each know half."""
    name = path.with_name(path.name + ".lock")
    try:
        file = open(name, "a+", encoding="ascii")   # noqa: SIM115  held for the server's life
    except OSError as error:
        raise StorageUnavailable(f"{name}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise StorageLocked(f"{path} is locked: a headrace server uses it (process {holder})") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
