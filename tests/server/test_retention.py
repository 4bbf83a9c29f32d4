"""How long archives last."""

import time
from pathlib import Path
from typing import Any

import pytest

from headrace.router.group import MessageFlag
from headrace.server.config import HostConfig
from headrace.server.retention import Retention, purge
from headrace.storage.ports import ArchiveFilter, Storage, StorageUnavailable
from headrace.storage.sqlite import open_sqlite

JULIET = "juliet@example.net"
DAY = 86_400


class Log:
    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(fields)


@pytest.fixture
async def storage(tmp_path: Path):
    storage = open_sqlite(tmp_path / "headrace.db", durability="process")
    now = time.time()
    for age in range(20, -1, -1):      # one a day, of which nobody has to be given any more
        await storage.archive.add("romeo@example.org", JULIET, b"<message/>",
                                  MessageFlag.M_ARCHIVE_A | MessageFlag.M_ARCHIVE_B, now - age * DAY - 60)
    yield storage
    await storage.close()


async def left(storage: Storage, owner: str = JULIET) -> int:
    return await storage.archive.count(owner, ArchiveFilter())


@pytest.mark.parametrize(("host", "kept"), [
    (HostConfig("example.net"), 7),
    (HostConfig("example.net", archive_days=0), 21),
    (HostConfig("example.net", archive_days=2.5), 3),
    (HostConfig("example.net", archive_days=0, archive_messages=5), 5),
    (HostConfig("example.net", archive_messages=5), 5),
    (HostConfig("example.net", archive_messages=15), 7),
    (HostConfig("elsewhere.example"), 21),
])
async def test_what_a_host_keeps(storage: Storage, host: HostConfig, kept: int) -> None:
    assert await purge(storage, host) == 21 - kept
    assert await left(storage) == kept
    assert await left(storage, "romeo@example.org") == 21


async def test_every_host_has_its_turn_and_failures_end_nothing(storage: Storage) -> None:
    class Failing:
        async def purge(self, host: str, before: float | None, most: int | None) -> int:
            if host == "example.org":
                raise StorageUnavailable("away")
            return await storage.archive.purge(host, before, most)

    class Half:
        archive = Failing()

    log = Log()
    hosts = [HostConfig("example.org", archive_days=1), HostConfig("example.net", archive_days=1)]
    await Retention(Half(), hosts, log).once()      # type: ignore[arg-type]
    assert log.said == [{"host": "example.net", "messages": 20}]


async def test_it_ends_when_told(storage: Storage) -> None:
    retention = Retention(storage, [], Log())       # type: ignore[arg-type]
    retention.start()
    await retention.stop()
    assert retention._task is not None
    assert retention._task.cancelled()
