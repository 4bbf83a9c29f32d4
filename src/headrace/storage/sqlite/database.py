"""One connection on one thread: jobs run there in the order they were asked for; the loop never waits."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from headrace.storage.connection import Connection, SqliteError
from headrace.storage.migrate import steps
from headrace.storage.ports import StorageError, StorageLocked, StorageUnavailable
from headrace.storage.sqlite.migrate import migrate

T = TypeVar("T")

CHECKPOINT_PAGES = 4_000    # of 4 KiB in the write-ahead log: 16 MiB to write back, seldom, between jobs
_BUSY, _LOCKED = 5, 6       # SQLite's result codes

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = OFF;
PRAGMA foreign_keys = ON;
"""


class Database:
    def __init__(self, path: Path, *, full_sync: bool, patience: float) -> None:
        self.path = path
        self._patience = patience
        self._checkpoint_due = False
        with self._in_words():
            connection = Connection(path, patience=patience)
            connection.script(_PRAGMAS)
            connection.script(f"PRAGMA synchronous = {'FULL' if full_sync else 'NORMAL'}")
            migrate(connection, steps("sqlite"))
        self.connection = connection
        self._thread = ThreadPoolExecutor(1, "headrace-storage")

    async def run(self, job: Callable[[Connection], T]) -> T:
        """What the job returns, run on the thread after all that was asked before. Raises StorageError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, job)

    async def change(self, job: Callable[[Connection], T]) -> T:
        """run() inside one transaction."""
        def inside(connection: Connection) -> T:
            with _transaction(connection):
                return job(connection)

        return await self.run(inside)

    async def close(self) -> None:
        await self.run(Connection.close)
        self._thread.shutdown()

    def _run(self, job: Callable[[Connection], T]) -> T:
        with self._in_words():
            result = job(self.connection)
        if self.connection.wal_pages >= CHECKPOINT_PAGES and not self._checkpoint_due:
            self._checkpoint_due = True
            self._thread.submit(self._checkpoint)
        return result

    def _checkpoint(self) -> None:
        """Copies the log into the file. If another process stands in the way, the next commit asks again."""
        self._checkpoint_due = False
        with self._in_words():
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except SqliteError as error:
            raise self._explained(error) from error

    def _explained(self, error: SqliteError) -> StorageError:
        if error.code & 255 in (_BUSY, _LOCKED):
            return StorageLocked(
                f"{self.path} is locked: another process writes to it for over {self._patience:g} s")
        return StorageUnavailable(f"{self.path}: {error}")


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:   # some errors have ended it already
            connection.execute("ROLLBACK")
        raise
