"""Key derivations in threads of their own: PBKDF2 takes a millisecond, too long for the loop.

It lets go of the GIL meanwhile, so a thread is enough. What waits is bounded for each address: a
stranger who sends passwords as fast as he can fills his own queue, not everybody's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class TooBusy(Exception):
    """That address, or everybody together, already has as many derivations waiting as may be."""


class _Job(NamedTuple):
    derive: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class DerivePool:
    """A few threads that derive keys, fed by one event loop.

    No ThreadPoolExecutor: its futures have a lock each, and another future on the loop's side."""

    def __init__(
        self, *,
        threads: int = 2,       # a derivation burns a core: more threads would only take it from the loop
        per_address: int = 4,   # a household behind one address logging in at once, and no more
        total: int = 2000,      # 1.1 s of work for two threads, inside any client's patience
        shared: Callable[[str], bool] = lambda address: False,
    ) -> None:
        """shared: does this address stand for many (a proxy)? Then only `total` bounds it."""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()    # None: a thread ends
        self._threads = [Thread(target=self._serve, name=f"derive-{n}", daemon=True) for n in range(threads)]
        self._per_address = per_address
        self._total = total
        self._shared = shared
        self._waiting: Counter[str] = Counter()
        for thread in self._threads:
            thread.start()

    async def run(self, address: str, derive: Callable[[], T]) -> T:
        """derive(), in a thread. Raises TooBusy at once if too much waits already."""
        full = self._waiting[address] >= self._per_address and not self._shared(address)
        if full or self._waiting.total() >= self._total:
            raise TooBusy(address)
        self._waiting[address] += 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(derive, loop, answer))
        try:
            return await answer
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    def close(self) -> None:
        """Drops what has not begun and ends the threads; call it when the loop needs no logins any more."""
        with suppress(Empty):
            while job := self._jobs.get_nowait():
                job.answer.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """One thread."""
        while (job := self._jobs.get()) is not None:
            if job.answer.cancelled():      # who asked has gone
                continue
            result, error = None, None
            try:
                result = job.derive()
            except BaseException as failure:
                error = failure
            with suppress(RuntimeError):    # the loop is closed: nobody waits
                job.loop.call_soon_threadsafe(_settle, job.answer, result, error)


def _settle(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
