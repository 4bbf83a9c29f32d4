"""When a group is committed, on a clock of the test's own; what happens when the store is down."""

import asyncio

import pytest

from headrace.router import archive
from headrace.router.archive import Archive
from headrace.router.group import Group
from headrace.storage import group as rules
from headrace.storage.group import GroupCommit
from headrace.storage.ports import StorageUnavailable


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time stands still until the test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = 0.0

    def time(self) -> float:
        return self.moved

    async def move(self, seconds: float) -> None:
        self.moved += seconds
        for _ in range(10):
            await asyncio.sleep(0)


class Store:
    """Notes how large the groups are; commits when told to."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.gate = asyncio.Event()
        self.failures = 0

    async def write(self, group: Group) -> None:
        self.groups.append(len(group))
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("disk full")
        await self.gate.wait()


@pytest.fixture
def run():
    """Runs a scenario on a Clock; gives it the clock, an idle store that commits at once, and the group commit."""
    def run(scenario) -> None:
        async def main() -> None:
            store = Store()
            store.gate.set()
            groups = GroupCommit(Archive(bytes(16), clock=loop.time), store.write)
            await scenario(loop, store, groups)
            store.gate.set()
            await groups.close()

        loop = Clock()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()

    return run


def add(groups: GroupCommit, count: int) -> list[asyncio.Future[int]]:
    return [groups.add("romeo@example.org", "juliet@example.org", b"<message/>") for _ in range(count)]


def test_quiet_message_is_committed_at_once(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        for _ in range(3):
            [ticket] = add(groups, 1)
            await clock.move(0)
            assert ticket.done()
        assert store.groups == [1, 1, 1]

    run(scenario)


def test_what_one_turn_brings_goes_together(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        add(groups, 7)
        await clock.move(0)
        assert store.groups == [7]

    run(scenario)


def test_busy_times_wait_5_ms_for_company(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        add(groups, archive.QUIET)
        await clock.move(0)
        late = add(groups, 1)
        await clock.move(0.004)
        late += add(groups, 1)
        await clock.move(0)
        assert store.groups == [archive.QUIET]
        await clock.move(0.0011)
        assert store.groups == [archive.QUIET, 2]
        assert all(ticket.done() for ticket in late)

    run(scenario)


def test_500_waiting_go_at_once(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        add(groups, archive.QUIET)
        await clock.move(0)
        add(groups, archive.FULL_GROUP - 1)
        await clock.move(0)
        assert len(store.groups) == 1
        add(groups, 1)
        await clock.move(0)
        assert store.groups == [archive.QUIET, archive.FULL_GROUP]

    run(scenario)


def test_one_group_at_a_time_and_the_next_is_all_that_came_meanwhile(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        store.gate.clear()
        first = add(groups, 1)
        await clock.move(0)
        rest = add(groups, 600)
        await clock.move(1)
        assert store.groups == [1]
        assert not first[0].done()
        store.gate.set()
        await clock.move(0)
        assert store.groups == [1, 600]
        assert all(ticket.done() for ticket in first + rest)

    run(scenario)


def test_tickets_bring_their_own_ids(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        ids = await asyncio.gather(*add(groups, 20))
        assert len(ids) == 20
        assert ids == sorted(set(ids))
        assert ids[-1] == groups.archive.last

    run(scenario)


def test_nothing_is_taken_once_the_oldest_is_2_s_old(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        store.gate.clear()
        [old] = add(groups, 1)
        await clock.move(archive.STALE - 0.1)
        [young] = add(groups, 1)
        await clock.move(0.2)
        with pytest.raises(StorageUnavailable, match="more than 2 s"):
            add(groups, 1)
        store.gate.set()
        await clock.move(0.01)
        assert old.done()
        assert young.done()
        [again] = add(groups, 1)
        await clock.move(0.01)
        assert again.done()
        assert store.groups == [1, 1, 1]

    run(scenario)


def test_nothing_is_taken_beyond_the_bytes_allowed(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        groups.archive.most_bytes = 1000
        store.gate.clear()
        add(groups, 5)
        with pytest.raises(StorageUnavailable, match="no more"):
            add(groups, 50)

    run(scenario)


def test_failed_group_is_tried_again_and_stays_in_front(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        store.failures = 2
        [first] = add(groups, 1)
        await clock.move(0)
        [second] = add(groups, 1)
        await clock.move(rules.RETRY)
        assert not first.done()
        await clock.move(rules.RETRY + 0.01)
        assert first.done()
        assert second.done()
        assert store.groups == [1, 1, 1, 1]

    run(scenario)


def test_close_commits_everything_and_takes_no_more(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        tickets = add(groups, 12)
        await clock.move(0)
        tickets += add(groups, 3)
        await groups.close()
        assert all(ticket.done() for ticket in tickets)
        assert store.groups == [12, 3]
        with pytest.raises(StorageUnavailable):
            add(groups, 1)

    run(scenario)


def test_close_commits_what_is_done_with(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        groups.archive.done(7)
        await clock.move(0)
        assert store.groups == []
        await groups.close()
        assert store.groups == [0]

    run(scenario)


def test_close_with_the_store_down_fails_the_tickets(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        store.failures = 1000
        [ticket] = add(groups, 1)
        await groups.close()
        with pytest.raises(StorageUnavailable, match="disk full"):
            await ticket

    run(scenario)


def test_flush_waits_for_both_groups_without_delay(run) -> None:
    async def scenario(clock: Clock, store: Store, groups: GroupCommit) -> None:
        add(groups, archive.QUIET)
        await clock.move(0)
        tickets = add(groups, 2)
        await groups.flush()
        assert all(ticket.done() for ticket in tickets)
        await groups.flush()
        assert store.groups == [archive.QUIET, 2]

    run(scenario)
