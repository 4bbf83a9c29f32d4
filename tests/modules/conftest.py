"""Modules over a real storage and a recorded home of accounts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.modules.api import Context
from headrace.modules.blocklists import Blocklists
from headrace.modules.locks import Locks
from headrace.storage.sqlite import open_sqlite
from support.world import Clock, FakeHome, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    storage = open_sqlite(tmp_path / "headrace.db", durability="process")
    home, clock = FakeHome(), Clock()
    context = Context({"example.org", "example.net"}, storage, home, Locks(), Blocklists(storage.blocks), clock)
    yield World(context, home, clock, storage)
    await storage.close()
