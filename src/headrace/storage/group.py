"""Group commit: messages wait on the loop while the writer is busy and go to it together (protocol.md 3)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from headrace.storage.ports import StorageError, StorageUnavailable
from headrace.storage.writer import Group

FULL_GROUP = 500            # messages that start a commit at once: larger groups cost a third per message
LONGEST_WAIT = 0.005        # s; the oldest waits no longer for company
QUIET = 10                  # with fewer messages in the last LONGEST_WAIT there is no company to wait for
STALE = 2.0                 # s; with one uncommitted for longer no more are taken: the store is too slow
MOST_BYTES = 64 << 20       # uncommitted, packed: beyond it no more are taken
RETRY = 0.5                 # s between attempts to commit a group that failed

Write = Callable[[Group], Awaitable[None]]


class _Batch:
    """A group that is being filled or written, and who waits for it."""

    def __init__(self) -> None:
        self.group = Group()
        self.tickets: list[tuple[asyncio.Future[int], int]] = []
        self.since = 0.0    # loop time of the first message

    def resolve(self) -> None:
        for ticket, id in self.tickets:
            if not ticket.done():
                ticket.set_result(id)

    def fail(self, error: StorageError) -> None:
        for ticket, _ in self.tickets:
            if not ticket.done():
                ticket.set_exception(error)


class GroupCommit:
    """Used from one event loop. `write` commits a group; it raises StorageError if nothing of it is stored.

    A group that failed is tried again until the store is back: what was taken is never dropped."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._filling = _Batch()
        self._writing: _Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._start: asyncio.Handle | None = None
        self._arrivals: deque[float] = deque(maxlen=QUIET - 1)
        self._closing = False

    def add(self, id: int, owner: bytes, peer: bytes, stanza: bytes) -> asyncio.Future[int]:
        """Resolves to the id after the commit. Raises StorageUnavailable if nothing more is taken."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._refuse_if_stuck(now)
        batch = self._filling
        if not batch.tickets:
            batch.since = now
        batch.group.add(id, owner, peer, stanza)
        ticket: asyncio.Future[int] = loop.create_future()
        batch.tickets.append((ticket, id))
        quiet = len(self._arrivals) < QUIET - 1 or now - self._arrivals[0] > LONGEST_WAIT
        self._arrivals.append(now)
        if self._task is None:
            self._schedule(loop, at_once=quiet)
        return ticket

    async def flush(self) -> None:
        """Waits until all that was added before is committed; StorageUnavailable if that takes too long."""
        batch = self._filling if self._filling.tickets else self._writing
        if batch is None:
            return
        if self._task is None:
            self._begin()
        last, _ = batch.tickets[-1]
        await asyncio.wait([last], timeout=STALE)
        if not last.done():
            raise StorageUnavailable("the storage does not commit: messages wait for more than 2 s")

    async def close(self) -> None:
        """Commits what waits, with one attempt more if the store is down; then its tickets fail."""
        self._closing = True
        while self._filling.tickets or self._task is not None:
            if self._task is None:
                self._begin()
            if self._task is not None:
                await asyncio.wait([self._task])

    def _refuse_if_stuck(self, now: float) -> None:
        oldest = self._writing or self._filling
        size = self._filling.group.size + (self._writing.group.size if self._writing else 0)
        if oldest.tickets and now - oldest.since > STALE:
            raise StorageUnavailable("the storage does not commit: messages wait for more than 2 s")
        if size > MOST_BYTES or self._closing:
            raise StorageUnavailable("the storage takes no more messages now")

    def _schedule(self, loop: asyncio.AbstractEventLoop, *, at_once: bool) -> None:
        """The writer is idle and something waits: when does it start? At the end of the turn at the earliest, so
        that what one turn brings goes together."""
        if at_once or len(self._filling.group) >= FULL_GROUP:
            self._cancel_start()
            self._start = loop.call_soon(self._begin)
        elif self._start is None:
            self._start = loop.call_at(self._filling.since + LONGEST_WAIT, self._begin)

    def _cancel_start(self) -> None:
        if self._start is not None:
            self._start.cancel()
            self._start = None

    def _begin(self) -> None:
        self._cancel_start()
        self._writing, self._filling = self._filling, _Batch()
        self._task = asyncio.get_running_loop().create_task(self._commit(self._writing))

    async def _commit(self, batch: _Batch) -> None:
        while True:
            try:
                await self._write(batch.group)
            except StorageError as error:
                if self._closing:
                    batch.fail(error)
                    break
                await asyncio.sleep(RETRY)
            else:
                batch.resolve()
                break
        self._writing = self._task = None
        if self._filling.tickets:
            self._schedule(asyncio.get_running_loop(), at_once=self._closing)
