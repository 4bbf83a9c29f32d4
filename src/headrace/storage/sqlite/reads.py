"""Reads on a thread of their own, many at a time.

To wake a thread and then the loop costs more than to find a row. What is asked in one turn of the loop, and while
the thread is at work, goes to it together.
"""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from headrace.storage.requests import Requests

Jobs = list["_Read"]


class _Read:
    """One read that waits or is under way."""

    __slots__ = ("answer", "due", "error", "job", "result")

    def __init__(self, job: Callable[[], Any], answer: asyncio.Future[Any], due: float) -> None:
        self.job = job
        self.answer = answer
        self.due = due          # loop time until which somebody waits
        self.result: Any = None
        self.error: BaseException | None = None


class Reads:
    """Asked from one event loop; a group's jobs run one after the other."""

    def __init__(self, requests: Requests, finish: Callable[[], None]) -> None:
        """finish: called on the thread behind each group."""
        self._requests = requests
        self._finish = finish
        self._filling: Jobs = []
        self._working: Jobs = []
        self._timer: asyncio.TimerHandle | None = None
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, Jobs] | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="headrace-read", daemon=True)
        self._thread.start()

    def ask(self, job: Callable[[], Any]) -> asyncio.Future[Any]:
        """What the job returns or raises. StorageUnavailable, now or later: too many wait, or it takes too long."""
        self._requests.begin()
        loop = asyncio.get_running_loop()
        read = _Read(job, loop.create_future(), loop.time() + self._requests.patience)
        if not self._filling and not self._working:
            loop.call_soon(self._begin, loop)
        self._filling.append(read)
        if self._timer is None:
            self._timer = loop.call_at(read.due, self._expire, loop)
        return read.answer

    def close(self) -> None:
        """Nothing waits any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._groups.put(None)
        self._thread.join()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._filling and not self._working:
            self._working, self._filling = self._filling, []
            self._groups.put((loop, self._working))

    def _serve(self) -> None:
        """The thread."""
        while (group := self._groups.get()) is not None:
            loop, reads = group
            self._work(reads)
            try:
                loop.call_soon_threadsafe(self._done, loop, reads)
            except RuntimeError:    # the loop is closed: nobody waits
                return

    def _work(self, reads: Jobs) -> None:
        for read in reads:
            try:
                read.result = read.job()
            except BaseException as error:
                read.error = error
        try:
            self._finish()
        except BaseException as error:
            for read in reads:
                read.error = read.error or error

    def _done(self, loop: asyncio.AbstractEventLoop, reads: Jobs) -> None:
        self._working = []
        self._begin(loop)   # before those who get answers ask for more: that is the next group
        for read in reads:
            if read.due:
                self._requests.end(read.error)
            if read.answer.done():      # nobody waits any more
                continue
            if read.error is not None:
                read.answer.set_exception(read.error)
            else:
                read.answer.set_result(read.result)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is under way goes on with nobody waiting; what has not begun never does."""
        now, late = loop.time(), []
        for read in (*self._working, *self._filling):
            if read.due and read.due <= now:
                late.append(read)
        self._filling = [read for read in self._filling if read.due > now]
        for read in late:
            read.due = 0.0
            error = self._requests.too_late()
            self._requests.end(error)
            if not read.answer.done():
                read.answer.set_exception(error)
        left = [read.due for read in (*self._working, *self._filling) if read.due]
        self._timer = loop.call_at(min(left), self._expire, loop) if left else None
