"""The outgoing spool, the same on every back end: what is in it, what goes with it, what stays."""

import asyncio

import pytest

from headrace.router.group import MessageFlag
from headrace.storage.ports import ArchiveFilter, Storage
from headrace.storage.sqlite import archive as sqlite_archive
from support.world import NOBODY_LOGS_IN

from .conftest import Open

ROMEO, FAR = "romeo@example.org", "x@far.example"
SPOOL, SENT = MessageFlag.M_SPOOL, MessageFlag.M_ARCHIVE_A
START = 1.7e9


@pytest.fixture(params=["tail", "boxes"], autouse=True)
def fill(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite: whether messages have rows in boxes when they leave."""
    monkeypatch.setattr(sqlite_archive, "FILL", {"tail": 10_000, "boxes": 1}[request.param])


async def put(storage: Storage, *flags: int, start: float = START) -> list[int]:
    """One a second, each says which one it is."""
    waiting = [storage.archive.add(ROMEO, FAR, b"<message>%d</message>" % n, flag, start + n)
               for n, flag in enumerate(flags)]
    ids = [await future for future in waiting]
    await asyncio.sleep(0.01)
    return ids


async def spooled(storage: Storage) -> list[int]:
    return [message.id for message in await storage.archive.spooled(0, 100)]


async def archived(storage: Storage) -> list[int]:
    return [message.id for message in (await storage.archive.page(ROMEO, ArchiveFilter(), 100)).messages]


async def done(storage: Storage, *ids: int) -> None:
    """They are gone once the next message is kept."""
    for id in ids:
        storage.queue.done(id)
    await storage.archive.add("a@b.example", "c@d.example", b"<message/>", MessageFlag.M_OFFLINE)


async def test_what_waits_comes_back_in_order(storage: Storage) -> None:
    ids = await put(storage, SPOOL, SENT, SPOOL | SENT, SPOOL)
    found = await storage.archive.spooled(0, 10)
    assert [(m.id, round(m.time - START), m.stanza) for m in found] == [
        (ids[n], n, b"<message>%d</message>" % n) for n in (0, 2, 3)]
    assert [m.id for m in await storage.archive.spooled(ids[0], 1)] == [ids[2]]
    assert await archived(storage) == [ids[1], ids[2]]


async def test_what_is_done_with_stays_in_the_archive_alone(storage: Storage, open_storage: Open) -> None:
    ids = await put(storage, SPOOL, SPOOL | SENT, SPOOL | SENT)
    await done(storage, ids[0], ids[1])
    assert await spooled(storage) == [ids[2]]
    assert await archived(storage) == ids[1:]
    await done(storage, ids[2], ids[2], ids[1])
    assert await spooled(storage) == []
    assert await archived(storage) == ids[1:]


async def test_nothing_is_left_of_what_no_archive_has(storage: Storage) -> None:
    """Also where its sender's session is found by it (protocol.md 4)."""
    number = storage.queue.number(START)
    storage.queue.add_ready(number, b"<message/>", ROMEO.encode(), FAR.encode(), SPOOL)
    await put(storage, SENT, start=START + 1)
    await done(storage, number)
    assert await spooled(storage) == []
    assert await storage.archive.clear(ROMEO) == 1


async def test_a_cleared_archive_stops_nothing_on_its_way(storage: Storage) -> None:
    ids = await put(storage, SPOOL | SENT, SENT, SPOOL)
    assert await storage.archive.clear(ROMEO) >= 2
    assert await archived(storage) == []
    assert await spooled(storage) == [ids[0], ids[2]]
    await done(storage, ids[0])
    assert await spooled(storage) == [ids[2]]


async def test_nor_does_the_end_of_the_account(storage: Storage) -> None:
    await storage.accounts.create(ROMEO, NOBODY_LOGS_IN)
    ids = await put(storage, SPOOL | SENT)
    await storage.accounts.delete(ROMEO)
    assert await archived(storage) == []
    assert await spooled(storage) == ids


async def test_it_is_there_after_a_restart_and_what_was_done_with_is_not(open_storage: Open) -> None:
    storage = await open_storage()
    ids = await put(storage, SPOOL | SENT, SPOOL, SPOOL | SENT)
    storage.queue.done(ids[0])
    await storage.close()
    storage = await open_storage()
    assert await spooled(storage) == ids[1:]
    await storage.close()


async def test_what_is_done_with_needs_no_message_to_go_with(storage: Storage) -> None:
    ids = await put(storage, SPOOL)
    storage.queue.done(ids[0])
    for _ in range(100):
        if not await spooled(storage):
            break
        await asyncio.sleep(0.05)
    assert await spooled(storage) == []


async def test_done_with_before_it_is_committed(storage: Storage) -> None:
    adding = storage.archive.add(ROMEO, FAR, b"<message/>", SPOOL | SENT)
    storage.queue.done(storage.queue.last)
    id = await adding
    assert await spooled(storage) == []
    assert await archived(storage) == [id]
