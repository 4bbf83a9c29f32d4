"""One file, two connections: changes go one by one on a thread, and reads on another, which waits for no commit."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from headrace.storage.connection import Connection, SqliteError
from headrace.storage.health import Health
from headrace.storage.migrate import steps
from headrace.storage.ports import StorageError, StorageLocked, StorageUnavailable
from headrace.storage.requests import Requests
from headrace.storage.sqlite.boxes import fill, many_lack
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.sqlite.reads import Reads
from headrace.storage.turns import Turns

T = TypeVar("T")
Job = Callable[[Connection], T]
Row = tuple[Any, ...]
Query = tuple[str, tuple[Any, ...]]     # one statement, its values
_Asked = Query | Callable[[Connection], Any]

MANY = 10_000               # messages that get their entries in boxes in one transaction, before anything else
CHECKPOINT_PAGES = 2_000    # of 8 KiB in the write-ahead log: 16 MiB to write back, seldom, between jobs
_BUSY, _LOCKED = 5, 6       # SQLite's result codes

_BEGIN: Query = ("BEGIN", ())

# Pages of 8 KiB (a database that is there keeps its own) and a cache of 32 MB take a fifth off the archive's boxes.
_PRAGMAS = """
PRAGMA page_size = 8192;
PRAGMA cache_size = -32000;
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
            self._fill_boxes()
            self._reading = Connection(path, patience=self._lock_wait)
            self._reading.script("PRAGMA query_only = ON; PRAGMA cache_size = -32000")
        self._writer = ThreadPoolExecutor(1, "headrace-write")
        self._reads = Reads[_Asked](self._requests, self._answer)

    def _fill_boxes(self) -> None:
        """A step may have emptied them all, perhaps before a crash, and every read looks through what has no entry."""
        filled = MANY if many_lack(self.connection, MANY) else 0
        while filled == MANY:
            with _transaction(self.connection, "BEGIN IMMEDIATE"):
                filled = fill(self.connection, MANY)

    def read(self, job: Job[T], of: Collection[str] | None = ()) -> Awaitable[T]:
        """What the job returns; it sees what was asked before about those accounts (None: about all).

        Raises StorageError, now or when awaited. What has begun when its time is over goes on, with nobody waiting."""
        return self._ask(job, of)

    def find(self, sql: str, *args: str | int, of: Collection[str] | None = ()) -> Awaitable[list[Row]]:
        """read() of one statement; those that are asked together run without the GIL, one behind the other."""
        return self._ask((sql, args), of)

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
        await self._reads.ask(Connection.close)
        self._reads.close()
        await asyncio.get_running_loop().run_in_executor(self._writer, self.connection.close)
        self._writer.shutdown()

    async def _write(self, job: Job[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._run, job)

    def _ask(self, asked: _Asked, of: Collection[str] | None) -> Awaitable[Any]:
        return self._ask_in_turn(asked, of) if self._turns.busy(of) else self._reads.ask(asked)

    async def _ask_in_turn(self, asked: _Asked, of: Collection[str] | None) -> Any:
        async with self._requests.bounded():
            await self._turns.settled(of)
        return await self._reads.ask(asked)

    def _answer(self, group: list[_Asked]) -> list[Any]:
        """What each finds, or its error; all their statements see one state."""
        queries = [asked for asked in group if isinstance(asked, tuple)]
        found = iter(self._reading.find_all([_BEGIN, *queries])[1:])
        answers: list[Any] = []
        for asked in group:
            try:
                answers.append(next(found) if isinstance(asked, tuple) else asked(self._reading))
            except Exception as error:
                answers.append(error)
        if self._reading.in_transaction:    # some errors have ended it already
            self._reading.execute("ROLLBACK")
        return [self._explained(a) if isinstance(a, SqliteError) else a for a in answers]

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
