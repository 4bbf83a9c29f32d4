"""The storages that the port suite runs against."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from headrace.storage.connection import Connection
from headrace.storage.migrate import steps
from headrace.storage.ports import Storage
from headrace.storage.postgres import open_postgres
from headrace.storage.sqlite import open_sqlite
from headrace.storage.sqlite.migrate import migrate

Open = Callable[[], Awaitable[Storage]]     # the same data each time


@pytest.fixture(params=["sqlite", "postgres"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "postgres":
        dsn = request.getfixturevalue("postgres").schema()
        return lambda: open_postgres(dsn)

    async def open_file() -> Storage:
        return open_sqlite(tmp_path / "headrace.db")

    return open_file


@pytest.fixture
async def storage(open_storage: Open) -> AsyncIterator[Storage]:
    storage = await open_storage()
    yield storage
    await storage.close()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """To a SQLite database of all tables, in test.db; another's lock is not waited for."""
    connection = Connection(tmp_path / "test.db", patience=0.05)
    connection.script("PRAGMA journal_mode = WAL")
    migrate(connection, steps("sqlite"))
    yield connection
    connection.close()
