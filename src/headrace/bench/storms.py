"""Connections that come and go: in a closed loop so many at once, in an open one at their due times."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

from headrace.bench.errors import BenchError
from headrace.bench.tally import Tally

MOST = 20_000       # under way in an open loop: the server has stopped

One = Callable[[int], Awaitable[None]]


class Storm:
    """Calls one(number) over and over; counts and times what has come to its end."""

    def __init__(self, one: One, at_once: int, rate: float = 0.0) -> None:
        self.done = 0
        self.latency = Tally()
        self.lag = Tally()
        self._one = one
        self._at_once = at_once
        self._rate = rate
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    def begin(self) -> None:
        if self._rate:
            self._add(self._open_loop())
        else:
            for _ in range(self._at_once):
                self._add(self._closed_loop())

    async def end(self) -> None:
        """Those under way are given up."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def clear(self) -> None:
        """Warm-up is over."""
        self.latency.clear()
        self.lag.clear()

    def check(self) -> None:
        """Raises what has gone wrong."""
        if self._error is not None:
            raise self._error

    @property
    def failed(self) -> bool:
        return self._error is not None

    def _add(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._error = self._error or error

    async def _closed_loop(self) -> None:
        while self._error is None:
            await self._timed(time.monotonic())

    async def _open_loop(self) -> None:
        began = time.monotonic()
        for turn in count():
            due = began + turn / self._rate
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self.lag.record(int((time.monotonic() - due) * 1e9))
            if len(self._tasks) > MOST:
                raise BenchError(f"{MOST} connections are under way: the server has stopped")
            self._add(self._timed(due))

    async def _timed(self, due: float) -> None:
        await self._one(next(self._numbers))
        self.latency.record(int((time.monotonic() - due) * 1e9))
        self.done += 1
