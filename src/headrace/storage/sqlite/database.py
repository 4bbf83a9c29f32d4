"""One file, two connections: changes go one by one on a thread, and reads on another, which waits for no commit."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from headrace.storage.connection import Connection, SqliteError
from headrace.storage.health import Health
from headrace.storage.migrate import steps
from headrace.storage.ports import StorageError, StorageLocked, StorageUnavailable
from headrace.storage.requests import Requests
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.sqlite.reads import Reads
from headrace.storage.turns import Turns

T = TypeVar("T")
Job = Callable[[Connection], T]

CHECKPOINT_PAGES = 4_000    # of 4 KiB in the write-ahead log: 16 MiB to write back, seldom, between jobs
_BUSY, _LOCKED = 5, 6       # SQLite's result codes

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = OFF;
PRAGMA foreign_keys = ON;
"""


class Database:
    def __init__(self, path: Path, *, full_sync: bool, patience: float, health: Health) -> None:
        """patience: s that a request may take in all, and half of it waiting for another process's lock."""
        self.path = path
        self._lock_wait = patience / 2
        self._health = health
        self._requests = Requests(str(path), patience, health)
        self._turns = Turns()
        self._checkpoint_due = False
        with self._in_words():
            self.connection = Connection(path, patience=self._lock_wait)
            self.connection.script(_PRAGMAS)
            self.connection.script(f"PRAGMA synchronous = {'FULL' if full_sync else 'NORMAL'}")
            migrate(self.connection, steps("sqlite"))
            self._reading = Connection(path, patience=self._lock_wait)
            self._reading.script("PRAGMA query_only = ON")
        self._writer = ThreadPoolExecutor(1, "headrace-write")
        self._reads = Reads(self._requests, self._end_reading)

    async def read(self, job: Job[T], of: Collection[str] | None = ()) -> T:
        """What the job returns; it sees what was asked before about those accounts (None: about all).

        Raises StorageError. What has begun when its time is over goes on, with nobody waiting."""
        if self._turns.busy(of):
            async with self._requests.bounded():
                await self._turns.settled(of)
        found: T = await self._reads.ask(partial(self._read, job))
        return found

    async def change(self, job: Job[T], of: Collection[str] = ()) -> T:
        """read() of those accounts, inside one transaction; what is asked later sees it."""
        def inside(connection: Connection) -> T:
            with _transaction(connection, "BEGIN IMMEDIATE"):
                return job(connection)

        async with self._requests.bounded(), self._turns.change(of):
            return await self._write(inside)

    async def write(self, job: Job[T]) -> T:
        """What the job returns, which has a transaction of its own and may take as long as it needs."""
        with self._health.watched():
            return await self._write(job)

    async def close(self) -> None:
        await self._reads.ask(self._reading.close)
        self._reads.close()
        await asyncio.get_running_loop().run_in_executor(self._writer, self.connection.close)
        self._writer.shutdown()

    async def _write(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._run, job)

    def _read(self, job: Job[T]) -> T:
        with self._in_words():
            if not self._reading.in_transaction:    # of the whole group: all its statements see one state
                self._reading.execute("BEGIN")
            return job(self._reading)

    def _end_reading(self) -> None:
        if self._reading.in_transaction:
            with self._in_words():
                self._reading.execute("ROLLBACK")

    def _run(self, job: Job[T]) -> T:
        with self._in_words():
            result = job(self.connection)
        if self.connection.wal_pages >= CHECKPOINT_PAGES and not self._checkpoint_due:
            self._checkpoint_due = True
            self._writer.submit(self._checkpoint)
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
                f"{self.path} is locked: another process writes to it for over {self._lock_wait:g} s")
        return StorageUnavailable(f"{self.path}: {error}")


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:   # some errors have ended it already
            connection.execute("ROLLBACK")
        raise
