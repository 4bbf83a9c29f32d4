"""Modules over a real storage and a recorded home of accounts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.modules.api import Context
from headrace.modules.archiving import Archiving
from headrace.modules.blocklists import Blocklists
from headrace.modules.hosts import Host
from headrace.modules.lifecycle import Lifecycle
from headrace.modules.locks import Locks
from headrace.modules.marks import Marks
from headrace.storage.sqlite import open_sqlite
from support.world import Clock, FakeHome, World, derive


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    storage = open_sqlite(tmp_path / "headrace.db", durability="process")
    home, clock = FakeHome(), Clock()
    blocklists = Blocklists(storage.blocks)
    hosts = {"example.org": Host(), "example.net": Host()}
    archiving = Archiving(storage.documents, storage.roster, hosts)
    context = Context(hosts, storage, home, Locks(), blocklists, Marks(storage.archive, home), archiving,
                      Lifecycle(storage, home, blocklists, archiving, derive), clock)
    yield World(context, home, clock, storage)
    await storage.close()
