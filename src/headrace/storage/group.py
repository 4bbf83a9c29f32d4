"""Group commit: what waits in the archive's queue goes to the writer together, one group at a time (protocol.md 3)."""

import asyncio
from collections.abc import Awaitable, Callable

from headrace.router.archive import Archive
from headrace.router.control import Ticket
from headrace.router.group import Group, MessageFlag
from headrace.storage.ports import StorageError, StorageUnavailable

RETRY = 0.5                 # s between attempts to commit a group that failed

Write = Callable[[Group], Awaitable[None]]


class GroupCommit:
    """Used from one event loop. `write` commits a group; it raises StorageError if nothing of it is stored.

    A group that failed is tried again until the store is back: what was taken is never dropped."""

    def __init__(self, archive: Archive, write: Write) -> None:
        self.archive = archive
        self._write = write
        self._task: asyncio.Task[None] | None = None
        self._start: asyncio.Handle | None = None
        archive.wake = self._wake

    def add(self, a: str, b: str, stanza: bytes, time: float | None = None,
            flags: int = MessageFlag.M_OFFLINE, *, ticket: Ticket | None = None) -> asyncio.Future[int]:
        """Resolves to the message's number after the commit. Raises StorageUnavailable if nothing more is taken.

        a, b: prepared bare JIDs of sender and recipient; ticket: settled by the commit."""
        number = self.archive.number(time)
        if not number:
            raise StorageUnavailable(self.archive.refuses or "the storage takes no more messages now")
        return self.archive.add_ready(number, stanza, a.encode(), b.encode(), flags, *(ticket or (None, 0)))

    async def flush(self) -> None:
        """Waits until all that was added before is committed; StorageUnavailable if that takes too long."""
        last = self.archive.flushed()
        if last is None:
            return
        if self._task is None:
            self._begin()
        await asyncio.wait([last], timeout=self.archive.stale)
        if not last.done():
            last.cancel()
            raise StorageUnavailable(
                f"the storage does not commit: messages wait for more than {self.archive.stale:g} s")
        last.result()

    async def close(self) -> None:
        """Commits what waits, with one attempt more if the store is down; then its tickets fail."""
        self.archive.closed = True
        while not self.archive.idle:
            if self._task is None:
                self._begin()
            if self._task is not None:
                await asyncio.wait([self._task])

    def _wake(self, seconds: float) -> None:
        """The writer is idle and something waits, for so long."""
        loop = asyncio.get_running_loop()
        self._cancel_start()
        self._start = loop.call_later(seconds, self._begin) if seconds else loop.call_soon(self._begin)

    def _cancel_start(self) -> None:
        if self._start is not None:
            self._start.cancel()
            self._start = None

    def _begin(self) -> None:
        self._cancel_start()
        group = self.archive.take()
        if group is not None:
            self._task = asyncio.get_running_loop().create_task(self._commit(group))

    async def _commit(self, group: Group) -> None:
        failure = None
        while True:
            try:
                await self._write(group)
            except StorageError as error:
                if self.archive.closed:
                    failure = error
                    break
                await asyncio.sleep(RETRY)
            else:
                break
        self._task = None
        if failure is None:
            self.archive.committed()
        else:
            self.archive.failed(failure)
