"""The storages that the port suite runs against."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from headrace.storage.ports import Storage
from headrace.storage.postgres import open_postgres
from headrace.storage.sqlite import open_sqlite

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
