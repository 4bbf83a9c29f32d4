"""Archives in SQLite: a message once, appended in the order of ids, and a small entry in the box of each owner."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

from headrace.router.archive import Archive, number_at
from headrace.router.control import Ticket
from headrace.router.group import Group
from headrace.storage.bounds import STEP, in_steps, page_of, spooled, waiting
from headrace.storage.connection import Connection
from headrace.storage.group import GroupCommit
from headrace.storage.ports import (
    EVER,
    ArchivedMessage,
    ArchiveFilter,
    ArchivePage,
    OfflineMessage,
    SpooledMessage,
    StorageError,
)
from headrace.storage.sqlite import boxes
from headrace.storage.sqlite.boxes import number_of
from headrace.storage.sqlite.database import Database
from headrace.storage.writer import GroupWriter

T = TypeVar("T")

_SET_MARK = ("INSERT INTO mark(owner, id) SELECT ?1, ?2 WHERE ?1 > 0"
             " ON CONFLICT (owner) DO UPDATE SET id = max(id, excluded.id)")
FILL = 5_000            # messages at which boxes are filled: 10 ms of 100 owners, 50 of many; the next commit waits
LONGEST_TAIL = 5.0      # s that fewer than these wait for more: every read looks through them


class SqliteArchive:
    """headrace.storage.ports.ArchiveStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = GroupWriter(database.connection)
        meta = dict(database.connection.execute(
            "SELECT key, value FROM meta WHERE key IN ('reserved_id', 'stanza_id_key')"))
        self.queue = Archive(meta["stanza_id_key"], meta["reserved_id"])
        self._groups = GroupCommit(self.queue, self._write)
        [(self._unboxed,)] = database.connection.execute(
            "SELECT count(*) FROM message WHERE id > (SELECT value FROM meta WHERE key = 'boxed')")
        self._filling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, a: str, b: str, stanza: bytes, flags: int, time: float | None = None, *,
            ticket: Ticket | None = None) -> Awaitable[int]:
        return self._groups.add(a, b, stanza, time, flags, ticket=ticket)

    async def page(self, owner: str, filter: ArchiveFilter, limit: int, *, backwards: bool = False) -> ArchivePage:
        found = await self.read(lambda connection: boxes.page(
            connection, owner, filter, limit + 1, backwards=backwards))
        return page_of(found, limit, backwards=backwards)

    async def count(self, owner: str, filter: ArchiveFilter, most: int | None = None) -> int:
        return await self.read(lambda connection: boxes.count(
            connection, owner, filter, EVER if most is None else most))

    async def get(self, owner: str, ids: Collection[int]) -> list[ArchivedMessage]:
        return await self.read(lambda connection: boxes.get(connection, owner, ids))

    async def ends(self, owner: str) -> tuple[ArchivedMessage, ArchivedMessage] | None:
        def find(connection: Connection) -> list[ArchivedMessage]:
            return [message for backwards in (False, True)
                    for message in boxes.page(connection, owner, ArchiveFilter(), 1, backwards=backwards)]

        found = await self.read(find)
        return (found[0], found[1]) if found else None

    async def mark(self, owner: str) -> int:
        rows = await self._database.find(
            "SELECT mark.id FROM mark JOIN address ON address.id = owner WHERE jid = ?", owner, of=[owner])
        return int(rows[0][0]) if rows else 0

    async def set_marks(self, marks: Mapping[str, int]) -> None:
        def change(connection: Connection) -> None:
            for owner, id in marks.items():
                connection.execute(_SET_MARK, (number_of(connection, owner), id))

        def drop(connection: Connection) -> None:
            room = STEP
            while left and room:
                dropped = boxes.drop_offline(connection, *left[-1], room)
                room -= dropped
                if room:
                    left.pop()

        await self.flush()
        await self._database.change(change, marks.keys())
        left = list(marks.items())
        while left:     # a step at a time: groups wait to be committed
            await self._database.change(drop, marks.keys())

    async def pending(self, owner: str, after: int, limit: int) -> list[OfflineMessage]:
        return waiting(await self.read(lambda connection: boxes.pending(connection, owner, after, limit)))

    async def offline(self, owner: str) -> int:
        return await self.read(lambda connection: boxes.count_offline(connection, owner))

    async def spooled(self, after: int, limit: int) -> list[SpooledMessage]:
        return spooled(await self.read(lambda connection: boxes.spooled(connection, after, limit)))

    async def last_h(self, owner: str, sm_key: int) -> int | None:
        return await self.read(lambda connection: boxes.last_h(connection, owner, sm_key, self.queue.last))

    async def clear(self, owner: str) -> int:
        return await self._leave(owner, EVER)

    async def purge(self, host: str, before: float | None, most: int | None) -> int:
        id = None if before is None else number_at(before) - 1
        await self.flush()
        await self._database.change(boxes.fill)
        owners = await self._database.read(lambda connection: boxes.owners_over(connection, host, id, most))
        left = 0
        for owner, up_to in owners:
            left += await self._leave(owner, up_to)
        return left

    async def forget(self, owner: str) -> None:
        await self.flush()
        await self._leave(owner, self.queue.last, everything=True)
        await self._database.change(lambda connection: boxes.forget_mark(connection, owner), [owner])

    async def read(self, job: Callable[[Connection], T]) -> T:
        """The database's read(), which sees what was added before."""
        await self.flush()
        return await self._database.read(job)

    async def flush(self) -> None:
        """What was added before is committed."""
        await self._groups.flush()

    async def close(self) -> None:
        """Commits what waits, fills boxes, and gives back what of the reservation was not used."""
        await self._groups.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._filling is not None:
            await asyncio.wait([self._filling])
        if self.queue.last != self.queue.reserved:
            def settle(connection: Connection) -> None:
                boxes.fill(connection)
                connection.execute("UPDATE meta SET value = ? WHERE key = 'reserved_id'", (self.queue.last,))

            await self._database.change(settle)

    async def _leave(self, owner: str, up_to: int, *, everything: bool = False) -> int:
        await self.flush()
        return await in_steps(lambda last: self._database.change(
            partial(boxes.leave, owner=owner, after=last, up_to=up_to, everything=everything)))

    async def _write(self, group: Group) -> None:
        reserved = self.queue.reservation()
        await self._database.write(lambda _: self._writer.write(group, reserved))
        if reserved:
            self.queue.reserve(reserved)
        self._unboxed += len(group)
        if self._unboxed >= FILL:
            self._begin_filling()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_TAIL, self._begin_filling)

    def _begin_filling(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._filling is None:
            self._filling = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        try:
            filled = await self._database.change(lambda connection: boxes.fill(connection, 2 * FILL))
            # What leaves archives fills boxes, too, also in another process: what is left is known only if all is done.
            self._unboxed = self._unboxed - filled if filled == 2 * FILL else 0
        except StorageError:    # which tells the operator; the next group tries again
            pass
        finally:
            self._filling = None
