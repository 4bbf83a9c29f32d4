"""The bounds of requests to a storage: how many at once, and how long one may take, waiting included."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace.storage.health import Health
from headrace.storage.ports import StorageUnavailable

MOST = 1_000    # under way or waiting: one more is refused at once; a healthy storage answers them within a second


class Requests:
    def __init__(self, name: str, patience: float, health: Health) -> None:
        """name: of the storage, for the operator. patience: s."""
        self._name = name
        self.patience = patience
        self._health = health
        self._count = 0

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """The block is cancelled when its time is over. Raises StorageUnavailable."""
        self._count += 1
        try:
            with self._health.watched():
                if self._count > MOST:
                    raise StorageUnavailable(f"too many requests wait for {self._name}")
                try:
                    async with asyncio.timeout(self.patience):
                        yield
                except TimeoutError:
                    raise StorageUnavailable(
                        f"{self._name} does not answer within {self.patience:g} s") from None
        finally:
            self._count -= 1
