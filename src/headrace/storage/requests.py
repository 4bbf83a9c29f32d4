"""The bounds of requests to a storage: how many at once, and how long one may take, waiting included."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace.storage.health import Health
from headrace.storage.ports import StorageError, StorageUnavailable

MOST = 1_000    # under way or waiting: one more is refused at once; a healthy storage answers them within a second


class Requests:
    def __init__(self, name: str, patience: float, health: Health) -> None:
        """name: of the storage, for the operator. patience: s."""
        self._name = name
        self.patience = patience
        self._health = health
        self._count = 0

    def begin(self) -> None:
        """One more; end() has to follow. Raises StorageUnavailable, and then it must not."""
        if self._count >= MOST:
            error = StorageUnavailable(f"too many requests wait for {self._name}")
            self._health.failed(error)
            raise error
        self._count += 1

    def end(self, error: BaseException | None) -> None:
        self._count -= 1
        if error is None:
            self._health.worked()
        elif isinstance(error, StorageError):
            self._health.failed(error)

    def too_late(self) -> StorageUnavailable:
        return StorageUnavailable(f"{self._name} does not answer within {self.patience:g} s")

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """The block is cancelled when its time is over. Raises StorageUnavailable."""
        self.begin()
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self.patience):
                yield
        except TimeoutError:
            failure = self.too_late()
            raise failure from None
        except BaseException as error:
            failure = error
            raise
        finally:
            self.end(failure)
