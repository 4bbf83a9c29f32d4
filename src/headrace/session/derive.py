"""Key derivations in threads of their own: PBKDF2 takes a millisecond, too long for the loop.

It lets go of the GIL meanwhile, so a thread is enough. What waits is bounded for each address: a
stranger who sends passwords as fast as he can fills his own queue, not everybody's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class TooBusy(Exception):
    """That address, or everybody together, already has as many derivations waiting as may be."""


class DerivePool:
    """A few threads that derive keys, fed by one event loop."""

    def __init__(
        self, *,
        threads: int = 2,       # a derivation burns a core: more threads would only take it from the loop
        per_address: int = 4,   # a household behind one address logging in at once, and no more
        total: int = 2000,      # 1.1 s of work for two threads, inside any client's patience
        shared: Callable[[str], bool] = lambda address: False,
    ) -> None:
        """shared: does this address stand for many (a proxy)? Then only `total` bounds it."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="derive")
        self._per_address = per_address
        self._total = total
        self._shared = shared
        self._waiting: Counter[str] = Counter()

    async def run(self, address: str, derive: Callable[[], T]) -> T:
        """derive(), in a thread. Raises TooBusy at once if too much waits already."""
        full = self._waiting[address] >= self._per_address and not self._shared(address)
        if full or self._waiting.total() >= self._total:
            raise TooBusy(address)
        self._waiting[address] += 1
        work = self._threads.submit(derive)
        try:
            return await asyncio.wrap_future(work)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    def close(self) -> None:
        """Drops what has not begun and ends the threads; call it when the loop needs no logins any more."""
        self._threads.shutdown(cancel_futures=True)
