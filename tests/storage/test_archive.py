"""Archives, the same on every back end: what is found, what stays when something goes."""

import asyncio
import random
import time as clock

import pytest

from headrace.router.archive import number_at
from headrace.router.group import MessageFlag
from headrace.storage import bounds
from headrace.storage.ports import ArchivedMessage, ArchiveFilter, Storage
from headrace.storage.sqlite import archive as sqlite_archive
from support.letters import Letters
from support.world import NOBODY_LOGS_IN

from .conftest import Open

ROMEO, JULIET, NURSE, FAR = "romeo@example.org", "juliet@example.net", "nurse@example.net", "x@far.example"
OFFLINE, SENT, GOT, GIVEN = MessageFlag.M_OFFLINE, MessageFlag.M_ARCHIVE_A, MessageFlag.M_ARCHIVE_B, MessageFlag.M_GIVEN
BOTH = SENT | GOT | GIVEN
EVERYTHING = ArchiveFilter()


@pytest.fixture(params=["tail", "boxes", "mixed"])
def fill(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """SQLite: whether what is added stays in the tail, goes into boxes at once, or some of each."""
    monkeypatch.setattr(sqlite_archive, "FILL", {"tail": 10_000, "boxes": 1, "mixed": 20}[request.param])
    return str(request.param)


async def put(storage: Storage, *messages: tuple[str, str, int], start: float = 1.7e9) -> list[int]:
    """One a second; each message says which one it is."""
    waiting = [storage.archive.add(a, b, b"<message>%d</message>" % n, flags, start + n)
               for n, (a, b, flags) in enumerate(messages)]
    ids = [await future for future in waiting]
    await asyncio.sleep(0.01)
    return ids


def numbers(messages: list[ArchivedMessage]) -> list[int]:
    return [int(message.stanza[9:-10]) for message in messages]


async def all_of(storage: Storage, owner: str, filter: ArchiveFilter = EVERYTHING) -> list[int]:
    page = await storage.archive.page(owner, filter, 1000)
    assert page.complete
    assert await storage.archive.count(owner, filter) == len(page.messages)
    return numbers(page.messages)


@pytest.mark.usefixtures("fill")
class TestPages:
    async def test_each_owner_sees_what_its_archive_took(self, storage: Storage) -> None:
        await put(storage, (ROMEO, JULIET, BOTH), (JULIET, ROMEO, SENT), (ROMEO, JULIET, GOT | GIVEN),
                  (ROMEO, JULIET, OFFLINE), (ROMEO, JULIET, OFFLINE | SENT), (ROMEO, ROMEO, SENT | GOT),
                  (FAR, ROMEO, GOT), (ROMEO, FAR, SENT))
        assert await all_of(storage, ROMEO) == [0, 4, 5, 6, 7]
        assert await all_of(storage, JULIET) == [0, 1, 2]
        assert await all_of(storage, "nobody@example.org") == []
        assert await all_of(storage, NURSE) == []

    async def test_by_peer_and_what_was_sent_to_oneself(self, storage: Storage) -> None:
        await put(storage, *[(ROMEO, JULIET, BOTH), (JULIET, ROMEO, BOTH), (ROMEO, NURSE, BOTH), (ROMEO, ROMEO, BOTH),
                             (NURSE, JULIET, BOTH)] * 5)
        assert await all_of(storage, ROMEO, ArchiveFilter(JULIET)) == [0, 1, 5, 6, 10, 11, 15, 16, 20, 21]
        assert await all_of(storage, ROMEO, ArchiveFilter(ROMEO)) == [3, 8, 13, 18, 23]
        assert await all_of(storage, JULIET, ArchiveFilter(NURSE)) == [4, 9, 14, 19, 24]
        assert await all_of(storage, ROMEO, ArchiveFilter("nobody@example.org")) == []

    async def test_paging_both_ways(self, storage: Storage) -> None:
        ids = await put(storage, *[(ROMEO, JULIET, BOTH)] * 50)
        seen, after = [], 0
        for _ in range(20):
            page = await storage.archive.page(JULIET, ArchiveFilter(after=after), 7)
            seen += numbers(page.messages)
            after = page.messages[-1].id
            if page.complete:
                break
        assert seen == list(range(50))
        seen, before = [], 2**63 - 1
        for _ in range(20):
            page = await storage.archive.page(JULIET, ArchiveFilter(before=before), 7, backwards=True)
            seen = numbers(page.messages) + seen
            before = page.messages[0].id
            if page.complete:
                break
        assert seen == list(range(50))
        page = await storage.archive.page(JULIET, ArchiveFilter(after=ids[4], before=ids[8]), 3)
        assert (numbers(page.messages), page.complete) == ([5, 6, 7], True)
        page = await storage.archive.page(JULIET, ArchiveFilter(after=ids[4], before=ids[8]), 2, backwards=True)
        assert (numbers(page.messages), page.complete) == ([6, 7], False)
        assert (await storage.archive.page(JULIET, ArchiveFilter(), 0)).complete is False
        assert await storage.archive.count(JULIET, ArchiveFilter(), 10) == 10

    async def test_by_time_as_it_is_shown(self, storage: Storage) -> None:
        """To the millisecond below, at both ends."""
        start = 1_700_000_000.123_456
        await put(storage, *[(ROMEO, JULIET, BOTH)] * 4, start=start)
        shown = [message.time for message in (await storage.archive.page(ROMEO, ArchiveFilter(), 9)).messages]
        assert shown == [1_700_000_000.123 + n for n in range(4)]
        assert await all_of(storage, ROMEO, ArchiveFilter(start=shown[1], end=shown[2])) == [1, 2]
        assert await all_of(storage, ROMEO, ArchiveFilter(start=shown[1] + 0.001)) == [2, 3]
        assert await all_of(storage, ROMEO, ArchiveFilter(end=shown[1] - 0.001)) == [0]
        assert await all_of(storage, ROMEO, ArchiveFilter(start=4e9)) == []
        assert await all_of(storage, ROMEO, ArchiveFilter(end=-1e12)) == []
        assert await all_of(storage, ROMEO, ArchiveFilter(start=-1e12, end=1e15)) == [0, 1, 2, 3]

    async def test_by_id(self, storage: Storage) -> None:
        ids = await put(storage, (ROMEO, JULIET, BOTH), (ROMEO, NURSE, BOTH), (ROMEO, JULIET, OFFLINE))
        assert numbers(await storage.archive.get(ROMEO, ids)) == [0, 1]
        assert numbers(await storage.archive.get(JULIET, [*ids, 5, 2**62])) == [0]
        assert await storage.archive.get(JULIET, []) == []

    async def test_ends(self, storage: Storage) -> None:
        assert await storage.archive.ends(ROMEO) is None
        ids = await put(storage, *[(ROMEO, JULIET, BOTH)] * 30, (ROMEO, JULIET, OFFLINE))
        ends = await storage.archive.ends(JULIET)
        assert ends is not None
        assert [end.id for end in ends] == [ids[0], ids[29]]

    async def test_what_was_just_added_is_seen(self, storage: Storage) -> None:
        for n in range(30):
            future = asyncio.ensure_future(storage.archive.add(ROMEO, JULIET, b"<message>%d</message>" % n, BOTH))
            page = await storage.archive.page(JULIET, ArchiveFilter(), 1, backwards=True)
            assert numbers(page.messages) == [n]
            assert future.done()


async def test_against_a_list(storage: Storage, monkeypatch: pytest.MonkeyPatch, soak: int) -> None:
    monkeypatch.setattr(sqlite_archive, "FILL", 40)
    rng = random.Random(11)
    people = [ROMEO, JULIET, NURSE, FAR]
    sent = [(rng.choice(people), rng.choice(people), rng.choice([BOTH, SENT, GOT, OFFLINE, SENT | OFFLINE]))
            for _ in range(150)]
    ids = await put(storage, *sent)
    for _ in range(60 * soak):
        owner, peer = rng.choice(people), rng.choice([None, *people])
        low, high = sorted(rng.choices(range(150), k=2))
        expected = [n for n, (a, b, flags) in enumerate(sent) if low < n < high and (
            (b == owner and flags & GOT and peer in (None, a)) or (a == owner and flags & SENT and peer in (None, b)))]
        limit, backwards = rng.randrange(1, 12), rng.random() < 0.5
        page = await storage.archive.page(owner, ArchiveFilter(peer, after=ids[low], before=ids[high]), limit,
                                          backwards=backwards)
        assert numbers(page.messages) == (expected[-limit:] if backwards else expected[:limit])
        assert page.complete == (len(expected) <= limit)


@pytest.mark.usefixtures("fill")
class TestGoing:
    async def test_clear_leaves_others_their_copies(self, storage: Storage) -> None:
        await put(storage, *[(ROMEO, JULIET, BOTH), (JULIET, ROMEO, BOTH), (ROMEO, ROMEO, BOTH)] * 7)
        await storage.archive.set_marks({ROMEO: 2**62})
        assert await storage.archive.clear(ROMEO) == 21
        assert await all_of(storage, ROMEO) == []
        assert len(await all_of(storage, JULIET)) == 14
        assert await storage.archive.clear(ROMEO) == 0
        await put(storage, (ROMEO, JULIET, BOTH), start=clock.time())
        assert await all_of(storage, ROMEO) == [0]

    async def test_clear_keeps_what_a_login_would_be_given(self, storage: Storage) -> None:
        ids = await put(storage, (ROMEO, JULIET, BOTH), (ROMEO, JULIET, BOTH), (ROMEO, JULIET, SENT | GOT),
                        (ROMEO, JULIET, OFFLINE), (JULIET, ROMEO, BOTH))
        await storage.archive.set_marks({JULIET: ids[0]})
        await storage.archive.clear(JULIET)
        assert await all_of(storage, JULIET) == []
        assert [m.id for m in await storage.archive.pending(JULIET, ids[0], 10)] == [ids[1], ids[3]]
        assert [m.id for m in await Letters(storage).fetch(JULIET)] == [ids[1], ids[3]]
        assert await all_of(storage, ROMEO) == [0, 1, 2, 4]
        assert await Letters(storage).remove(JULIET, ids[3]) == 2
        assert await all_of(storage, ROMEO) == [0, 1, 2, 4]

    async def test_account_takes_all_of_it_along(self, storage: Storage) -> None:
        await storage.accounts.create(JULIET, NOBODY_LOGS_IN)
        ids = await put(storage, (ROMEO, JULIET, BOTH), (ROMEO, JULIET, OFFLINE), (JULIET, ROMEO, BOTH))
        await storage.archive.set_marks({JULIET: ids[0]})
        assert await storage.accounts.delete(JULIET)
        assert await all_of(storage, ROMEO) == [0, 2]
        await put(storage, (ROMEO, JULIET, BOTH), start=clock.time())
        await storage.accounts.create(JULIET, NOBODY_LOGS_IN)
        assert await all_of(storage, JULIET) == []
        assert await storage.archive.mark(JULIET) == 0
        assert await storage.archive.pending(JULIET, 0, 10) == []

    async def test_purge_by_age(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "STEP", 3)
        ids = await put(storage, *[(ROMEO, JULIET, BOTH), (NURSE, JULIET, BOTH)] * 10)
        await storage.archive.set_marks({JULIET: ids[-1]})
        await storage.archive.set_marks({ROMEO: ids[-1]})
        assert await storage.archive.purge("example.net", 1.7e9 + 8, None) == 8 + 4
        assert await all_of(storage, JULIET) == list(range(8, 20))
        assert await all_of(storage, NURSE) == list(range(9, 20, 2))
        assert await all_of(storage, ROMEO) == list(range(0, 20, 2))
        assert await storage.archive.purge("example.net", 1.7e9 + 8, None) == 0
        assert await storage.archive.purge("ample.net", 4e9, 0) == 0

    async def test_purge_by_count(self, storage: Storage) -> None:
        ids = await put(storage, *[(ROMEO, JULIET, BOTH), (NURSE, JULIET, BOTH)] * 10)
        await storage.archive.set_marks({JULIET: ids[-1]})
        await put(storage, start=1.7e9 + 50)
        assert await storage.archive.purge("example.net", None, 12) == 8
        assert await all_of(storage, JULIET) == list(range(8, 20))
        assert len(await all_of(storage, NURSE)) == 10
        assert await storage.archive.purge("example.net", 1.7e9 + 10, 4) == 16 - 8 + 8 - 2
        assert await all_of(storage, JULIET) == list(range(16, 20))


@pytest.mark.usefixtures("fill")
class TestPending:
    async def test_what_login_is_given_in_order(self, storage: Storage) -> None:
        ids = await put(storage, *[(ROMEO, JULIET, BOTH), (ROMEO, JULIET, SENT | GOT), (ROMEO, JULIET, OFFLINE),
                                   (JULIET, ROMEO, BOTH), (NURSE, JULIET, OFFLINE | SENT)] * 6)
        wanted = [id for n, id in enumerate(ids) if n % 5 in (0, 2, 4)]
        assert [m.id for m in await storage.archive.pending(JULIET, 0, 100)] == wanted
        assert [m.id for m in await storage.archive.pending(JULIET, wanted[3], 5)] == wanted[4:9]
        first = (await storage.archive.pending(JULIET, 0, 1))[0]
        assert (first.stanza, first.time) == (b"<message>0</message>", 1.7e9)

    async def test_offline_rows_go_one_way(self, storage: Storage) -> None:
        three = [(ROMEO, JULIET, BOTH), (ROMEO, JULIET, OFFLINE), (ROMEO, JULIET, OFFLINE | SENT)]
        ids = await put(storage, *three * 6)
        assert await Letters(storage).count(JULIET) == 12
        assert await Letters(storage).remove(JULIET, ids[8]) == 6
        left = [id for n, id in enumerate(ids) if n > 8 and n % 3]
        assert [m.id for m in await Letters(storage).fetch(JULIET)] == left
        assert await all_of(storage, JULIET) == list(range(0, 18, 3))
        assert await all_of(storage, ROMEO) == [n for n in range(18) if n % 3 != 1]

    async def test_mark_never_goes_back(self, storage: Storage) -> None:
        await storage.archive.set_marks({JULIET: 5})       # who never had a message has no mark
        assert await storage.archive.mark(JULIET) == 0
        await put(storage, (ROMEO, JULIET, BOTH))
        for id, kept in (7, 7), (5, 7), (2**62, 2**62):
            await storage.archive.set_marks({JULIET: id})
            assert await storage.archive.mark(JULIET) == kept


class TestSessions:
    @pytest.fixture(autouse=True)
    def every_way(self, fill: str) -> None:
        """Tail and boxes."""

    async def put(self, storage: Storage, sm_key: int, h: int, *, flags: int = BOTH, time: float | None = None) -> None:
        group_id = storage.queue.number(time)
        await storage.queue.add_ready(group_id, b"<message/>", ROMEO.encode(), JULIET.encode(), flags,
                                      Ticketed(sm_key, h), 1)   # type: ignore[arg-type]

    async def test_last_h(self, storage: Storage) -> None:
        now = clock.time()
        for n in range(1, 25):
            await self.put(storage, 2**63 + 5, n, time=now + n / 1000)
        await self.put(storage, 9, 2**32 - 1)
        assert await storage.archive.last_h(ROMEO, 2**63 + 5) == 24
        assert await storage.archive.last_h(ROMEO, 9) == 2**32 - 1
        assert await storage.archive.last_h(ROMEO, 10) is None
        assert await storage.archive.last_h(JULIET, 9) is None      # somebody else's session

    async def test_without_an_archive_of_its_own(self, storage: Storage) -> None:
        for n in range(1, 30):
            await self.put(storage, 77, n, flags=OFFLINE)
        assert await storage.archive.last_h(ROMEO, 77) == 29
        assert await all_of(storage, ROMEO) == []

    async def test_no_entry_outlives_its_message(self, storage: Storage) -> None:
        for n in range(1, 30):
            await self.put(storage, 77, n, flags=OFFLINE)
        await storage.archive.set_marks({JULIET: storage.queue.last})
        assert await storage.archive.clear(ROMEO) == 0

    async def test_not_after_a_day(self, storage: Storage) -> None:
        now = clock.time()
        await self.put(storage, 77, 5, time=now - 90_000)
        for n in range(25):
            await self.put(storage, 78, n + 1, time=now + n / 1000)
        assert await storage.archive.last_h(ROMEO, 77) is None
        assert await storage.archive.last_h(ROMEO, 78) == 25


class Ticketed:
    """What a session is to the queue."""

    def __init__(self, sm_key: int, h: int) -> None:
        self.sm_key = sm_key
        self._h = h

    def committing(self, ticket: int) -> int:
        return self._h

    def settle(self, ticket: int) -> None:
        pass


async def test_all_is_there_after_a_restart(open_storage: Open) -> None:
    storage = await open_storage()
    ids = await put(storage, *[(ROMEO, JULIET, BOTH)] * 10)
    text = storage.queue.id_of(ids[3], JULIET.encode())
    await storage.close()
    storage = await open_storage()
    try:
        assert await all_of(storage, JULIET) == list(range(10))
        assert storage.queue.number_of(text, JULIET.encode()) == ids[3]
        assert storage.queue.number() > ids[-1]
    finally:
        await storage.close()


def test_borders_lie_around_the_milliseconds() -> None:
    assert bounds.bounds(ArchiveFilter()) == (0, 2**63 - 1)
    assert bounds.bounds(ArchiveFilter(start=1.5, end=2.5)) == (number_at(1.5) - 1, number_at(2.501))
    assert bounds.bounds(ArchiveFilter(start=1.5, after=number_at(9))) == (number_at(9), 2**63 - 1)
