"""What is PostgreSQL's alone: one server at a time, dead connections, slow answers, commits in doubt."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from headrace.storage import group, requests
from headrace.storage.ports import RosterItem, StorageError, StorageLocked, StorageUnavailable
from headrace.storage.postgres import PostgresStorage, messages, open_postgres
from support.letters import Letters
from support.postgres import Postgres
from support.proxy import Proxy, proxy

ROMEO, JULIET, TYBALT = "romeo@example.org", "juliet@example.org", "tybalt@example.net"
PATIENCE = 30.0     # s; a bound for what takes well under one


@pytest.fixture
def dsn(postgres: Postgres) -> str:
    return postgres.schema()


@pytest.fixture
def line(postgres: Postgres) -> Iterator[Proxy]:
    with proxy(postgres.folder / ".s.PGSQL.5432") as line:
        yield line


def through(line: Proxy, dsn: str) -> str:
    """The same schema, by way of the proxy."""
    schema = dsn.partition("search_path=")[2]
    return f"postgresql://headrace@127.0.0.1:{line.port}/postgres?sslmode=disable&search_path={schema}"


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    """Tries again until it is so; what fails meanwhile is what the test is about."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if await done():
                return
        except StorageError:
            assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def answers(storage: PostgresStorage) -> bool:
    await storage.roster.load(ROMEO)
    return True


@contextmanager
def impatient(storage: PostgresStorage) -> Iterator[None]:
    """What it is asked meanwhile may take 0.3 s; before and after, as long as a loaded machine needs."""
    storage.database.requests.patience = 0.3
    yield
    storage.database.requests.patience = PATIENCE


class TestOneServer:
    async def test_second_one_is_refused_until_the_first_has_ended(self, dsn: str) -> None:
        first = await open_postgres(dsn, server=True)
        with pytest.raises(StorageLocked, match="another headrace server uses it"):
            await open_postgres(dsn, server=True)
        await first.close()
        await (await open_postgres(dsn, server=True)).close()

    async def test_each_schema_has_its_own(self, postgres: Postgres) -> None:
        servers = [await open_postgres(postgres.schema(), server=True) for _ in range(2)]
        for server in servers:
            await server.close()

    async def test_commands_may_work_beside_it(self, dsn: str) -> None:
        server = await open_postgres(dsn, server=True)
        command = await open_postgres(dsn)
        await command.roster.put(ROMEO, RosterItem(JULIET))
        await command.close()
        assert await server.roster.load(ROMEO) == [RosterItem(JULIET)]
        await server.close()

    async def test_one_that_lost_its_connection_goes_on_above_the_ids_of_who_came_between(
            self, dsn: str, postgres: Postgres) -> None:
        first = await open_postgres(dsn, server=True)
        await Letters(first).add(ROMEO, JULIET, b"<m>1</m>", 1e9)
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        second = await open_postgres(dsn, server=True)
        taken = await Letters(second).add(ROMEO, JULIET, b"<m>2</m>", 2e9)
        waits = Letters(first).add(ROMEO, JULIET, b"<m>3</m>", 1e9)
        await asyncio.sleep(0.1)
        await second.close()
        await asyncio.wait_for(waits, PATIENCE)
        assert await Letters(first).add(ROMEO, JULIET, b"<m>4</m>", 1e9) > taken
        assert await Letters(first).count(ROMEO) == 4
        await first.close()


class TestOpening:
    async def test_settings_as_promised(self, dsn: str) -> None:
        for durability, expected in (("power", "on"), ("process", "off")):
            storage = await open_postgres(dsn, durability=durability)
            shown = [await storage.database.read(lambda connection, name=name: connection.fetchval(f"SHOW {name}"))
                     for name in ("synchronous_commit", "statement_timeout", "application_name")]
            assert shown == [expected, "5s", "headrace"]
            await storage.close()

    async def test_another_encoding_is_refused(self, postgres: Postgres) -> None:
        postgres.sql("CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0")
        with pytest.raises(StorageUnavailable, match="encoding UTF8"):
            await open_postgres(postgres.dsn.replace("/postgres?", "/ascii?"))

    async def test_a_newer_database_is_refused(self, dsn: str, postgres: Postgres) -> None:
        await (await open_postgres(dsn)).close()
        schema = dsn.partition("search_path=")[2]
        postgres.sql(f"INSERT INTO {schema}.migration(number, name) VALUES (9999, '9999_future.sql')")
        with pytest.raises(StorageUnavailable, match=r"newer headrace's \(format 9999"):
            await open_postgres(dsn)

    async def test_several_at_once_migrate_it_once(self, dsn: str) -> None:
        for storage in await asyncio.gather(*(open_postgres(dsn) for _ in range(5))):
            await storage.close()

    @pytest.mark.parametrize("dsn", [
        "postgresql://headrace@127.0.0.1:1/postgres", "postgresql://headrace@/postgres?host=/nowhere",
        "postgresql://headrace@/nothing?host={folder}"])
    async def test_what_is_not_there(self, dsn: str, postgres: Postgres) -> None:
        with pytest.raises(StorageUnavailable, match=r"^PostgreSQL: "):
            await open_postgres(dsn.format(folder=postgres.folder))

    @pytest.mark.parametrize("dsn", ["postgresql://headrace:secret@[bad/", "postgresql://headrace:sec#ret@host/x"])
    async def test_a_wrong_dsn_is_not_shown(self, dsn: str) -> None:
        with pytest.raises(StorageUnavailable, match=r"^PostgreSQL: the DSN is wrong") as caught:
            await open_postgres(dsn)
        assert "sec" not in str(caught.value)


class TestDeadConnections:
    async def test_a_restart_is_not_noticed(self, dsn: str, postgres: Postgres) -> None:
        storage = await open_postgres(dsn, server=True)
        await asyncio.gather(*(storage.roster.put(jid, RosterItem(TYBALT)) for jid in (ROMEO, JULIET)))
        await Letters(storage).add(ROMEO, JULIET, b"<m>1</m>", 1e9)
        with postgres.stopped():
            pass
        assert await storage.roster.load(ROMEO) == [RosterItem(TYBALT)]
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        await Letters(storage).add(ROMEO, JULIET, b"<m>2</m>", 1e9)
        assert await Letters(storage).count(ROMEO) == 2
        await storage.close()

    async def test_stopped_database(self, dsn: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was taken is kept until it is back; what would have to wait for too long is refused."""
        storage = await open_postgres(dsn, server=True)
        with postgres.stopped(), monkeypatch.context() as meanwhile:
            meanwhile.setattr(storage.queue, "stale", 0.2)
            with pytest.raises(StorageUnavailable, match="PostgreSQL: "):
                await storage.roster.load(ROMEO)
            taken = Letters(storage).add(ROMEO, JULIET, b"<m>1</m>", 1e9)
            await asyncio.sleep(0.3)
            with pytest.raises(StorageUnavailable, match="does not commit"):
                Letters(storage).add(ROMEO, JULIET, b"<m>2</m>", 1e9)
            assert not taken.done()
        await asyncio.wait_for(taken, PATIENCE)
        await Letters(storage).add(ROMEO, JULIET, b"<m>3</m>", 1e9)
        assert [message.stanza for message in await Letters(storage).fetch(ROMEO)] == [b"<m>1</m>", b"<m>3</m>"]
        await storage.close()

    async def test_frozen_database(self, dsn: str, postgres: Postgres) -> None:
        storage = await open_postgres(dsn, server=True, size=2)
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        with postgres.frozen(), impatient(storage):
            failed = await asyncio.gather(*(storage.roster.load(ROMEO) for _ in range(5)), return_exceptions=True)
            assert {str(error) for error in failed} == {"PostgreSQL does not answer within 0.3 s"}
            with pytest.raises(StorageUnavailable, match="does not answer"):
                await storage.roster.put(ROMEO, RosterItem(TYBALT))
            waits = Letters(storage).add(ROMEO, JULIET, b"<m>1</m>", 1e9)
            await asyncio.sleep(1)
            assert not waits.done()
        await until(lambda: answers(storage))
        await asyncio.wait_for(waits, PATIENCE)
        assert await Letters(storage).count(ROMEO) == 1
        await storage.close()


class TestSlowAnswers:
    async def test_requests_end_in_time_and_their_connections_with_them(self, dsn: str, line: Proxy) -> None:
        storage = await open_postgres(through(line, dsn), size=2)
        line.delay = 2.0
        with impatient(storage), pytest.raises(StorageUnavailable, match=r"PostgreSQL does not answer within 0\.3 s"):
            await storage.roster.load(ROMEO)
        line.delay = 0.0
        await until(lambda: answers(storage))
        await storage.close()

    async def test_a_change_that_is_broken_off_is_not_committed_with_the_next_one(self, dsn: str) -> None:
        """Its connection, in the middle of a transaction, is not used again."""
        storage, begun = await open_postgres(dsn, size=1), asyncio.Event()

        async def half(connection: asyncpg.Connection) -> None:
            await connection.execute("CREATE TABLE left_over (number integer)")
            begun.set()
            await asyncio.sleep(PATIENCE)

        change = asyncio.ensure_future(storage.database.change(half))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        change.cancel()
        await asyncio.wait([change])
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        found = await storage.database.read(lambda connection: connection.fetchval("SELECT to_regclass('left_over')"))
        assert found is None
        await storage.close()

    async def test_a_pool_whose_connections_are_all_held_up(self, dsn: str, postgres: Postgres) -> None:
        storage = await open_postgres(dsn, size=2)
        schema = dsn.partition("search_path=")[2]
        with postgres.transaction(f"LOCK TABLE {schema}.roster"), impatient(storage):
            asked = [storage.roster.load(ROMEO) for _ in range(4)] + [storage.accounts.exists(ROMEO) for _ in range(4)]
            failed = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(error, StorageUnavailable) for error in failed)
        await until(lambda: answers(storage))
        await storage.close()

    async def test_more_than_may_wait_are_refused_at_once(
            self, dsn: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(requests, "MOST", 5)
        storage = await open_postgres(dsn)
        with postgres.frozen(), impatient(storage):
            waiting = [asyncio.ensure_future(storage.roster.load(ROMEO)) for _ in range(5)]
            await asyncio.sleep(0)
            with pytest.raises(StorageUnavailable, match="too many requests wait for PostgreSQL"):
                await storage.roster.load(ROMEO)
            failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert {str(error) for error in failed} == {"PostgreSQL does not answer within 0.3 s"}
        await until(lambda: answers(storage))
        await storage.close()


class TestDoubt:
    """The connection breaks when a commit is done, and before its answer has come."""

    async def test_a_group_is_stored_once(self, dsn: str, line: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(group, "RETRY", 0.01)
        storage = await open_postgres(through(line, dsn), server=True)
        for number in range(5):
            line.cut_after = b"COMMIT"
            await asyncio.wait_for(Letters(storage).add(ROMEO, JULIET, b"<m>%d</m>" % number, 1e9), PATIENCE)
            assert line.cut_after == b"", "it was not cut"
        kept = await Letters(storage).fetch(ROMEO)
        assert [message.stanza for message in kept] == [b"<m>%d</m>" % number for number in range(5)]
        await storage.close()

    async def test_a_change_is_not_tried_again(self, dsn: str, line: Proxy) -> None:
        storage = await open_postgres(through(line, dsn))
        line.cut_after = b"COMMIT"
        with pytest.raises(StorageUnavailable, match="the connection broke in a commit"):
            await storage.roster.put(ROMEO, RosterItem(JULIET))
        assert await storage.roster.load(ROMEO) == [RosterItem(JULIET)]
        await storage.close()

    async def test_what_was_not_committed_is_tried_again(self, dsn: str, line: Proxy) -> None:
        storage = await open_postgres(through(line, dsn))
        await answers(storage)
        line.cut_after = b"BEGIN"
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        assert line.cut_after == b"", "it was not cut"
        assert await storage.roster.load(ROMEO) == [RosterItem(JULIET)]
        await storage.close()


class TestNumbers:
    async def test_of_jids_are_forgotten_when_they_are_many(self, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(messages, "KNOWN", 5)
        storage = await open_postgres(dsn)
        for number in range(20):
            await Letters(storage).add(f"user{number % 7}@example.org", JULIET, b"<m/>", 1e9)
        counts = [await Letters(storage).count(f"user{number}@example.org") for number in range(7)]
        assert counts == [3, 3, 3, 3, 3, 3, 2]
        await storage.close()
