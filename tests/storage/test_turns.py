"""Who waits for whom."""

import asyncio
from collections.abc import Collection

import pytest

from headrace.storage.turns import Turns


class Play:
    """Changes that go on until they are told to end, and reads; notes who was let in."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.seen: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def change(self, name: str, *accounts: str) -> None:
        self.ends[name] = asyncio.Event()
        await self._start(name, self._change(name, accounts))

    async def read(self, name: str, *accounts: str) -> None:
        await self._start(name, self._read(name, accounts or None))

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.idle()

    async def give_up(self, name: str) -> None:
        self.tasks[name].cancel()
        await self.idle()

    async def idle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _start(self, name: str, work) -> None:
        self.tasks[name] = asyncio.ensure_future(work)
        await self.idle()

    async def _change(self, name: str, accounts: Collection[str]) -> None:
        async with self.turns.change(accounts):
            self.seen.append(name)
            await self.ends[name].wait()

    async def _read(self, name: str, accounts: Collection[str] | None) -> None:
        await self.turns.settled(accounts)
        self.seen.append(name)


@pytest.fixture
async def play() -> Play:
    return Play()


async def test_changes_of_an_account_go_one_by_one(play: Play) -> None:
    await play.change("first", "romeo", "juliet")
    await play.change("second", "juliet", "tybalt")
    await play.change("third", "tybalt")
    assert play.seen == ["first"]
    await play.end("first")
    assert play.seen == ["first", "second"]
    await play.end("second")
    assert play.seen == ["first", "second", "third"]


async def test_others_do_not_wait(play: Play) -> None:
    await play.change("first", "romeo")
    await play.change("other", "juliet")
    await play.read("read", "tybalt")
    assert play.seen == ["first", "other", "read"]


async def test_read_sees_what_was_asked_before_and_does_not_hold_up_what_comes_after(play: Play) -> None:
    await play.change("first", "romeo")
    await play.read("read", "romeo")
    await play.read("all")
    await play.change("second", "romeo")
    assert play.seen == ["first"]
    await play.end("first")
    assert sorted(play.seen) == ["all", "first", "read", "second"]


@pytest.mark.parametrize("accounts", [("romeo",), ("romeo", "romeo")])
async def test_one_that_is_given_up_lets_nobody_pass_those_before_it(play: Play, accounts: tuple[str, ...]) -> None:
    await play.change("first", "romeo")
    await play.change("given up", *accounts)
    await play.change("third", "romeo")
    await play.give_up("given up")
    assert play.seen == ["first"]
    await play.end("first")
    assert play.seen == ["first", "third"]


async def test_nothing_is_kept_of_what_is_over(play: Play) -> None:
    await play.change("first", "romeo", "juliet", "romeo")
    await play.end("first")
    assert vars(play.turns) == {"_pending": {}}
