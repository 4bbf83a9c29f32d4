"""The connection that commits groups of messages, and does nothing else."""

import asyncio

import asyncpg
from asyncpg import Connection

from headrace.router.archive import Archive
from headrace.router.group import Group
from headrace.storage import pgcopy
from headrace.storage.bounds import KEPT
from headrace.storage.ports import StorageError, StorageLocked
from headrace.storage.postgres.database import Database, in_words

KNOWN = 100_000     # numbers of JIDs that stay in memory, about 20 MB
LOCK_WAIT = 2.0     # s; for a server that was just killed: PostgreSQL notices soon

# Ids are given from memory and sessions live in memory: two servers would each know half. The lock lasts as long as the
# connection; its name is the table, so that servers with schemas of their own can share a database.
_LOCK = f"""
BEGIN;
SET LOCAL lock_timeout = {LOCK_WAIT * 1000:.0f};
SELECT pg_advisory_lock((1::bigint << 32) | 'message'::regclass::oid::bigint);
COMMIT
"""
_KEY = "SELECT data FROM meta WHERE key = 'stanza_id_key'"
_RESERVED = "SELECT number FROM meta WHERE key = 'reserved_id'"
_RESERVE = "UPDATE meta SET number = {:d} WHERE key = 'reserved_id'"
# What is in nobody's archive goes with its row in the spool, and from the box of whose session sent it.
_FINISH = f"""
WITH spooled AS (DELETE FROM spool WHERE id = ANY($1::bigint[])),
gone AS (DELETE FROM message WHERE id = ANY($1::bigint[]) AND flags & {KEPT} = 0 RETURNING id, a)
DELETE FROM box USING gone WHERE box.owner = gone.a AND box.id = gone.id
"""
_NUMBERS = "SELECT jid, id FROM address WHERE jid = ANY($1::text[])"
_NEW_NUMBERS = "INSERT INTO address(jid) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"


class MessageWriter:
    def __init__(self, database: Database, *, alone: bool) -> None:
        """alone: hold the lock that one server at a time can have."""
        self._database = database
        self._alone = alone
        self._connection: Connection | None = None
        self._numbers: dict[bytes, int] = {}
        self._doubtful: Group | None = None     # the connection broke while it was committed

    async def open(self) -> None:
        """To be called once, first. Raises StorageLocked if another server has the lock, StorageUnavailable."""
        self.queue = Archive(await self._database.read(lambda connection: connection.fetchval(_KEY)))
        if not self._alone:
            await self._database.read(self._catch_up)
            return
        with in_words():
            await self._connected()

    async def write(self, group: Group) -> None:
        """Commits the group; StorageError says that it must be tried again."""
        with self._database.health.watched():
            try:
                with in_words():
                    async with asyncio.timeout(self._database.patience):
                        await self._commit(await self._connected(), group)
            except StorageError as error:
                self._drop()
                # It was committed already if the connection broke just then.
                known = group is self._doubtful and isinstance(error.__cause__, asyncpg.UniqueViolationError)
                if not known:
                    raise

    async def close(self) -> None:
        """Gives back what of the reservation was not used."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if self.queue.last != self.queue.reserved:
                await connection.execute(_RESERVE.format(self.queue.last), timeout=self._database.patience)
            await connection.close(timeout=self._database.patience)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()      # nothing is lost but numbers

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
            if self._alone:
                await self._lock(self._connection)
            await self._catch_up(self._connection)
        return self._connection

    def _drop(self) -> None:
        """Whatever went wrong, the next try begins with a new connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _lock(self, connection: Connection) -> None:
        try:
            await connection.execute(_LOCK)
        except asyncpg.LockNotAvailableError:
            raise StorageLocked("the database is locked: another headrace server uses it") from None

    async def _catch_up(self, connection: Connection) -> None:
        """Ids go on above what was given before us or, while we had no connection, by another server."""
        reserved = await connection.fetchval(_RESERVED)
        if reserved != self.queue.reserved:
            self.queue.start_above(reserved)

    async def _commit(self, connection: Connection, group: Group) -> None:
        messages, boxes, spooled = pgcopy.copies(group, await self._numbers_of(connection, group))
        reserved = self.queue.reservation()
        await connection.execute("BEGIN")
        # As memoryviews, since asyncpg takes bytes for a path.
        await connection.copy_to_table("message", source=memoryview(messages), format="binary")
        await connection.copy_to_table("box", source=memoryview(boxes), format="binary")
        if spooled:
            await connection.copy_to_table("spool", source=memoryview(spooled), format="binary")
        if finished := group.finished:
            await connection.execute(_FINISH, finished)
        if reserved:
            await connection.execute(_RESERVE.format(reserved))
        self._doubtful = group
        await connection.execute("COMMIT")
        self._doubtful = None
        if reserved:
            self.queue.reserve(reserved)

    async def _numbers_of(self, connection: Connection, group: Group) -> dict[bytes, int]:
        """The numbers that stand for its bare JIDs, given at their first use."""
        unknown = sorted(jid.decode() for jid in pgcopy.jids(group) - self._numbers.keys())
        if unknown:
            if len(self._numbers) + len(unknown) > KNOWN:
                self._numbers = {}
                return await self._numbers_of(connection, group)
            await connection.execute(_NEW_NUMBERS, unknown)
            self._numbers.update((jid.encode(), id) for jid, id in await connection.fetch(_NUMBERS, unknown))
        return self._numbers
