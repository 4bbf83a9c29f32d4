"""Acknowledged means kept (protocol.md 3 and 4): the server is killed under load, again and again.

Who writes resends only what no h has covered. In the end each message is in its reader's archive: once, or at most as
often as it had to be sent. And each reader has seen what is there, by its stanza-ids, once it has caught up.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from support.faithful import PATIENCE, Faithful
from support.server import Server, running

PASSWORD = "secret"
WRITERS = ("w0", "w1", "w2", "w3")
READERS = ("managed", "plain", "asleep", "away")    # with stream management, without, hibernated, logged out
MESSAGES = 1_000            # written in the time of one server's life
USERS = {f"{name}@localhost": PASSWORD for name in (*WRITERS, *READERS)}


class Town:
    """Writers and readers, who stay when servers come and go."""

    def __init__(self) -> None:
        self.writers = [Faithful(name, PASSWORD, "desk", 0) for name in WRITERS]
        self.managed = Faithful("managed", PASSWORD, "chair", 0)
        self.plain = Faithful("plain", PASSWORD, "chair", 0, managed=False)
        self.asleep = Faithful("asleep", PASSWORD, "bed", 0)
        self.away = Faithful("away", PASSWORD, "abroad", 0)
        self.written = 0

    @property
    def readers(self) -> list[Faithful]:
        return [self.managed, self.plain, self.asleep, self.away]

    async def wake(self, port: int) -> None:
        for somebody in (*self.writers, self.managed, self.plain):
            somebody.port = port
            somebody.start()
        for somebody in (*self.writers, self.managed, self.plain):
            await somebody.online()

    async def doze(self, port: int) -> None:
        """Its session is there, its link is not."""
        self.asleep.port = port
        self.asleep.start()
        await self.asleep.online()
        await self.asleep.vanish()

    def write(self, count: int) -> None:
        for _ in range(count):
            writer = self.writers[self.written % len(WRITERS)]
            reader = READERS[self.written // len(WRITERS) % len(READERS)]
            writer.write(f"{reader}@localhost", f"{reader}-{self.written}")
            self.written += 1

    def covered(self) -> int:
        """How many messages are acknowledged."""
        return sum(len(writer.covered) for writer in self.writers)

    async def rest(self) -> None:
        for somebody in (*self.writers, *self.readers):
            await somebody.vanish()


def moments(kills: int, dice: random.Random) -> list[str]:
    """When each server dies by itself; "": it is killed, some time."""
    kinds = ["before", "after", "", "resume"]
    return [f"{kind}:{dice.randint(1, 2 if kind == 'resume' else 4)}" if (kind := kinds[n % 4]) else ""
            for n in range(kills)]


async def live_through(server: Server, moment: str, town: Town, dice: random.Random) -> None:
    """Messages are on their way when it dies, by itself at its moment, or killed."""
    died = asyncio.create_task(asyncio.to_thread(server.process.wait))
    life = asyncio.create_task(live(server.plain, town, dice))
    blow = asyncio.create_task(strike(server, town, dice) if not moment else asyncio.sleep(0))
    await asyncio.wait([died, life], return_when=asyncio.FIRST_COMPLETED)
    if not died.done():
        life.result()
    await asyncio.wait([died], timeout=PATIENCE)
    assert died.done(), f"{moment} did not come"
    assert died.result() == -signal.SIGKILL
    life.cancel()
    await asyncio.wait([life, blow])
    town.write(MESSAGES - town.written % MESSAGES if town.written % MESSAGES else 0)   # those it did not live to see
    await town.rest()


async def strike(server: Server, town: Town, dice: random.Random) -> None:
    """When so many more messages are covered."""
    enough = town.covered() + dice.randint(1, MESSAGES // 2)
    while town.covered() < enough:
        await asyncio.sleep(0)
    server.process.kill()


async def live(port: int, town: Town, dice: random.Random) -> None:
    await town.wake(port)
    await town.doze(port)
    for _ in range(MESSAGES // 50):
        town.write(50)
        await asyncio.sleep(dice.uniform(0, 0.01))
    for somebody in (town.managed, *town.writers):      # who resume
        somebody.cut()
        await asyncio.sleep(dice.uniform(0, 0.2))


def archived(reader: Faithful) -> Counter[str]:
    """What its archive holds, read from the start."""
    return Counter(seen.text for seen in reader.seen if seen.archived)


async def judge(server: Server, town: Town) -> None:
    """All is well again: everybody comes, catches up and leaves."""
    await town.wake(server.plain)
    for writer in town.writers:
        await writer.acknowledged()
    for reader in (town.asleep, town.away):
        reader.port = server.plain
        reader.start()
        await reader.online()
    times = {text: count for writer in town.writers for text, count in writer.times.items()}
    for name, reader in zip(READERS, town.readers, strict=True):
        mine = {text for writer in town.writers for text in writer.sent if text.startswith(f"{name}-")}
        await reader.saw(len(mine))
        assert {seen.text for seen in reader.seen} == mine
        clerk = Faithful(reader.user, PASSWORD, "clerk", server.plain)
        clerk.start()
        await clerk.online()
        # What it saw and a crash took away it has by another id: its writer sent it again.
        assert {seen.id for seen in clerk.seen} - {seen.id for seen in reader.seen} == set()
        assert set(kept := archived(clerk)) == mine
        assert {text: count for text, count in kept.items() if count > times[text]} == {}
        await clerk.leave()
    for writer in town.writers:
        assert writer.refused == []
        assert writer.covered == set(writer.sent)
    await town.rest()


@asynccontextmanager
async def serving(folder: Path, more: str, fragile: str = "", *, twins: bool = False) -> AsyncIterator[Server]:
    """running(), for those who live on this loop."""
    with ExitStack() as stack:
        server = running(folder, users=USERS, more=more, fragile=fragile, twins=twins)
        yield await asyncio.to_thread(stack.enter_context, server)


@pytest.mark.parametrize(("backend", "kills"), [("sqlite", 5), ("postgres", 2)])
async def test_what_was_acknowledged_is_kept(backend: str, kills: int, soak: int, tmp_path: Path,
                                             storage: str) -> None:
    dice = random.Random(backend)
    town = Town()
    for moment in moments(kills * soak, dice):
        async with serving(tmp_path, storage, moment) as server:
            await live_through(server, moment, town, dice)
    async with serving(tmp_path, storage) as server:
        await judge(server, town)


@pytest.mark.parametrize(("backend", "kills"), [("sqlite", 3)])
async def test_what_two_workers_acknowledged_is_kept(kills: int, soak: int, tmp_path: Path, storage: str) -> None:
    """Both die at once, with messages on the bus (protocol.md 19): handing one over is no reason to acknowledge it."""
    dice = random.Random(19)
    town = Town()
    for _ in range(kills * soak):
        async with serving(tmp_path, storage, twins=True) as server:
            await live_through(server, "", town, dice)
    async with serving(tmp_path, storage, twins=True) as server:
        await judge(server, town)
