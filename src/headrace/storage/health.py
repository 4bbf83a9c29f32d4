"""Tells the operator when the storage fails and when it works again, in few lines however many requests it fails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from headrace.storage.ports import StorageError

AGAIN = 30.0        # s between two lines about one failure that goes on
STEADY = 1.0        # s without a failure after which it works again


class Log(Protocol):
    """structlog's way of calling: an event and its fields."""

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...


class Health:
    def __init__(self, log: Log | None) -> None:
        self._log = log
        self._failures = 0          # since it worked
        self._since = self._last = self._told = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The block is an attempt to use the storage; StorageError says that it failed."""
        try:
            yield
        except StorageError as error:
            self.failed(error)
            raise
        else:
            self.worked()

    def failed(self, error: StorageError) -> None:
        now = time.monotonic()
        if not self._failures:
            self._since = now
        if self._log is not None and (not self._failures or now - self._told >= AGAIN):
            self._log.warning("storage fails", error=str(error), failures=self._failures + 1)
            self._told = now
        self._failures += 1
        self._last = now

    def worked(self) -> None:
        if self._failures and (now := time.monotonic()) - self._last >= STEADY:
            if self._log is not None:
                self._log.info("storage works again", failures=self._failures, seconds=round(now - self._since, 1))
            self._failures = 0
