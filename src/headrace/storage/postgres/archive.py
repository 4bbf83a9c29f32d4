"""Archives in PostgreSQL: a message once, and a small row in the box of each owner."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

from asyncpg import Connection

from headrace.router.archive import number_at
from headrace.router.control import Ticket
from headrace.storage.bounds import OFFLINE, in_steps, page_of, spooled, waiting
from headrace.storage.group import GroupCommit
from headrace.storage.ports import EVER, ArchivedMessage, ArchiveFilter, ArchivePage, OfflineMessage, SpooledMessage
from headrace.storage.postgres import boxes
from headrace.storage.postgres.database import Database
from headrace.storage.postgres.messages import MessageWriter

T = TypeVar("T")

_MARK = "SELECT mark.id FROM mark JOIN address ON address.id = owner WHERE jid = $1"
_SET_MARK = ("INSERT INTO mark(owner, id) SELECT id, $2 FROM address WHERE jid = $1"
             " ON CONFLICT (owner) DO UPDATE SET id = greatest(mark.id, excluded.id)")
_WITH_OFFLINE = ("SELECT jid FROM address WHERE jid = ANY($1::text[])"
                 f" AND EXISTS (SELECT 1 FROM message WHERE b = address.id AND flags & {OFFLINE} <> 0)")


class PostgresArchive:
    """headrace.storage.ports.ArchiveStore."""

    def __init__(self, database: Database, writer: MessageWriter) -> None:
        self._database = database
        self._writer = writer
        self.queue = writer.queue
        self._groups = GroupCommit(writer.queue, writer.write)

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
        async def find(connection: Connection) -> list[ArchivedMessage]:
            return [message for backwards in (False, True)
                    for message in await boxes.page(connection, owner, ArchiveFilter(), 1, backwards=backwards)]

        await self.flush()
        found = await self._database.snapshot(find)
        return (found[0], found[1]) if found else None

    async def mark(self, owner: str) -> int:
        id: int | None = await self._database.read(lambda connection: connection.fetchval(_MARK, owner), [owner])
        return id or 0

    async def set_marks(self, marks: Mapping[str, int]) -> None:
        async def change(connection: Connection) -> None:
            await connection.executemany(_SET_MARK, list(marks.items()))
            for owner, in await connection.fetch(_WITH_OFFLINE, list(marks)):
                await boxes.drop_offline(connection, owner, marks[owner])

        await self.flush()
        await self._database.change(change, marks.keys())

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
        owners = await self.read(lambda connection: boxes.owners_over(connection, host, id, most))
        left = 0
        for owner, up_to in owners:
            left += await self._leave(owner, up_to)
        return left

    async def forget(self, owner: str) -> None:
        await self.flush()
        await self._leave(owner, self.queue.last, everything=True)
        await self._database.change(lambda connection: boxes.forget_mark(connection, owner), [owner])

    async def read(self, job: Callable[[Connection], Awaitable[T]]) -> T:
        """The database's read(), which sees what was added before."""
        await self.flush()
        return await self._database.read(job)

    async def flush(self) -> None:
        """What was added before is committed."""
        await self._groups.flush()

    async def close(self) -> None:
        """Commits what waits."""
        await self._groups.close()
        await self._writer.close()

    async def _leave(self, owner: str, up_to: int, *, everything: bool = False) -> int:
        await self.flush()
        return await in_steps(lambda last: self._database.change(
            partial(boxes.leave, owner=owner, after=last, up_to=up_to, everything=everything)))
