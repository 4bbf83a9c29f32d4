"""A small pool of connections to PostgreSQL: bounded waiting, deadlines, errors in the operator's words."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import asyncpg
from asyncpg import Connection

from headrace.storage.health import Health
from headrace.storage.migrate import steps
from headrace.storage.ports import StorageUnavailable
from headrace.storage.postgres.migrate import migrate
from headrace.storage.requests import Requests
from headrace.storage.turns import Turns

T = TypeVar("T")
Job = Callable[[Connection], Awaitable[T]]

# What a stopped server or a broken connection makes of a request.
LOST = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError,
        asyncpg.InterfaceError, OSError)
ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class Database:
    def __init__(self, dsn: str, *, size: int, patience: float, full_sync: bool, health: Health) -> None:
        """size: connections in the pool. patience: s that a request may take in all, waiting included."""
        self.health = health
        self.requests = Requests("PostgreSQL", patience, health)
        self._dsn = dsn
        self._settings = _settings(patience, full_sync=full_sync)
        self._turns = Turns()
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @property
    def patience(self) -> float:
        """s"""
        return self.requests.patience

    async def connect(self) -> Connection:
        """A connection outside the pool. Raises one of ERRORS."""
        return await asyncpg.connect(self._dsn, timeout=self.patience, server_settings=self._settings)

    async def prepare(self) -> None:
        """Brings the database to the shape that this version knows; to be called once. Raises StorageUnavailable."""
        with in_words():
            try:
                connection = await self.connect()
            except ValueError as error:     # whose text could show a piece of the password
                raise StorageUnavailable("PostgreSQL: the DSN is wrong: write postgresql://user@host/database,"
                                         " with %xx for what is special in it") from error
            try:
                if await connection.fetchval("SHOW server_encoding") != "UTF8":
                    raise StorageUnavailable("PostgreSQL: create the database with encoding UTF8")
                await migrate(connection, steps("postgres"))
            finally:
                await connection.close(timeout=self.patience)

    async def read(self, job: Job[T], of: Collection[str] | None = ()) -> T:
        """What the job returns; it sees what was asked before about those accounts (None: about all).

        Raises StorageError. A job runs again if it met a connection that had died."""
        async with self.requests.bounded():
            await self._turns.settled(of)
            return await self._run(job)

    async def snapshot(self, job: Job[T], of: Collection[str] | None = ()) -> T:
        """read() whose statements all see one state."""
        return await self.read(partial(_in_transaction, job, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), of)

    async def change(self, job: Job[T], of: Collection[str] = ()) -> T:
        """read() of those accounts, inside one transaction; what is asked later sees it."""
        async with self.requests.bounded(), self._turns.change(of):
            return await self._run(partial(_in_transaction, job, "BEGIN"))

    async def close(self) -> None:
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=self.patience)
            except ERRORS:
                connection.terminate()

    async def _run(self, job: Job[T]) -> T:
        with in_words():
            async with self._slots:
                while self._idle:
                    try:
                        return await self._use(self._idle.pop(), job)
                    except LOST:
                        continue    # the server closed it while it was idle; others may be as dead
                return await self._use(await self.connect(), job)

    async def _use(self, connection: Connection, job: Job[T]) -> T:
        try:
            return await job(connection)
        except BaseException as error:
            if isinstance(error, LOST) or not isinstance(error, asyncpg.PostgresError):
                connection.terminate()      # who knows what still comes on it
            raise
        finally:
            if not connection.is_closed():
                self._idle.append(connection)


@contextmanager
def in_words() -> Iterator[None]:
    """What asyncpg and the network raise comes out as StorageUnavailable."""
    try:
        yield
    except TimeoutError as error:
        raise StorageUnavailable("PostgreSQL does not answer") from error
    except ERRORS as error:
        raise StorageUnavailable(f"PostgreSQL: {error}") from error


async def _in_transaction(job: Job[T], begin: str, connection: Connection) -> T:
    """An error other than PostgreSQL's own ends the connection, and the transaction with it."""
    await connection.execute(begin)
    try:
        result = await job(connection)
    except asyncpg.PostgresError:
        await connection.execute("ROLLBACK")
        raise
    try:
        await connection.execute("COMMIT")
    except LOST as error:   # it may be done or not: not to be tried again
        raise StorageUnavailable(f"PostgreSQL: the connection broke in a commit: {error}") from error
    return result


def _settings(patience: float, *, full_sync: bool) -> dict[str, str]:
    """What the server's side of a connection is told: not to work, wait or hold locks for somebody who has gone."""
    milliseconds = str(int(patience * 1000))
    return {
        "application_name": "headrace",
        "statement_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
        "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "2",
        "synchronous_commit": "on" if full_sync else "off",
    }
