"""The storages that the port suite runs against."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from headrace.storage.ports import Storage
from headrace.storage.sqlite import open_sqlite

Open = Callable[[], Storage]    # the same data each time


@pytest.fixture(params=["sqlite"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return {"sqlite": lambda: open_sqlite(tmp_path / "headrace.db")}[request.param]


@pytest.fixture
async def storage(open_storage: Open) -> AsyncIterator[Storage]:
    storage = open_storage()
    yield storage
    await storage.close()
