"""One change at a time per account: who reads, decides and writes across an await takes its lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Locks:
    """Locks by bare JID, alive only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, *accounts: str) -> AsyncIterator[None]:
        """Hold the locks of all these accounts; taken in sorted order: two pairs can't block each other."""
        wanted = sorted(set(accounts))
        taken: list[str] = []
        try:
            for account in wanted:
                lock, users = self._locks.get(account, (None, 0))
                lock = lock or asyncio.Lock()
                self._locks[account] = (lock, users + 1)
                try:
                    await lock.acquire()
                except BaseException:
                    self._leave(account)
                    raise
                taken.append(account)
            yield
        finally:
            for account in reversed(taken):
                self._locks[account][0].release()
                self._leave(account)

    def _leave(self, account: str) -> None:
        lock, users = self._locks[account]
        if users == 1:
            del self._locks[account]
        else:
            self._locks[account] = (lock, users - 1)
