"""Reads on a thread of their own, many at a time.

To wake a thread and then the loop costs more than to find a row. What is asked in one turn of the loop, and while
the thread is at work, goes to it together.
"""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from headrace.storage.requests import Requests

J = TypeVar("J")


class _Read(Generic[J]):
    """One read that waits or is under way."""

    __slots__ = ("answer", "due", "job", "result")

    def __init__(self, job: J, answer: asyncio.Future[Any], due: float) -> None:
        self.job = job
        self.answer = answer
        self.due = due          # loop time until which somebody waits; 0: nobody any more
        self.result: Any = None


class Reads(Generic[J]):
    """Asked from one event loop."""

    def __init__(self, requests: Requests, work: Callable[[list[J]], list[Any]]) -> None:
        """work: what each of a group's jobs gives, in order, or the exception that it has failed with. Called on the
        thread; what it raises is every job's."""
        self._requests = requests
        self._work = work
        self._filling: list[_Read[J]] = []
        self._working: list[_Read[J]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Read[J]]] | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="headrace-read", daemon=True)
        self._thread.start()

    def ask(self, job: J) -> asyncio.Future[Any]:
        """What the job gives. StorageUnavailable, now or later: too many wait, or it takes too long."""
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
            try:
                results = self._work([read.job for read in reads])
            except BaseException as error:
                results = [error] * len(reads)
            for read, result in zip(reads, results, strict=True):
                read.result = result
            try:
                loop.call_soon_threadsafe(self._done, loop, reads)
            except RuntimeError:    # the loop is closed: nobody waits
                return

    def _done(self, loop: asyncio.AbstractEventLoop, reads: list[_Read[J]]) -> None:
        self._working = []
        self._begin(loop)   # before those who get answers ask for more: that is the next group
        for read in reads:
            error = read.result if isinstance(read.result, BaseException) else None
            if read.due:
                self._requests.end(error)
            if read.answer.done():      # nobody waits any more
                continue
            if error is not None:
                read.answer.set_exception(error)
            else:
                read.answer.set_result(read.result)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is under way goes on with nobody waiting; what has not begun never does."""
        now = loop.time()
        late = [read for read in (*self._working, *self._filling) if 0 < read.due <= now]
        self._filling = [read for read in self._filling if read.due > now]
        for read in late:
            read.due = 0.0
            error = self._requests.too_late()
            self._requests.end(error)
            if not read.answer.done():
                read.answer.set_exception(error)
        left = [read.due for read in (*self._working, *self._filling) if read.due]
        self._timer = loop.call_at(min(left), self._expire, loop) if left else None
