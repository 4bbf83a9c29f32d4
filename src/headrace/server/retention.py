"""How long archives last: what is too old, or too much, goes every hour."""

import asyncio
import time
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from headrace.server.config import HostConfig
from headrace.storage.ports import Storage, StorageError

FIRST = 60.0        # s after the start, which has enough to do
EVERY = 3_600.0     # s


class Retention:
    def __init__(self, storage: Storage, hosts: Sequence[HostConfig], log: FilteringBoundLogger) -> None:
        self._storage = storage
        self._hosts = hosts
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """What it has begun is done, or can be done again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        await asyncio.sleep(FIRST)
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        for host in self._hosts:
            try:
                left = await purge(self._storage, host)
            except StorageError:    # which tells the operator by itself, once
                continue
            if left:
                self._log.info("archives pruned", host=host.name, messages=left)


async def purge(storage: Storage, host: HostConfig) -> int:
    """How many messages have left archives of the host. Raises StorageError."""
    before = time.time() - host.archive_days * 86_400 if host.archive_days else None
    if before is None and not host.archive_messages:
        return 0
    return await storage.archive.purge(host.name, before, host.archive_messages or None)
