"""Links that are cut, stalled and reset at random, with resumption: nothing lost, nothing doubled, order kept."""

import asyncio
import random
from pathlib import Path

import pytest

from support.badlink import BadLink
from support.faithful import PATIENCE, Faithful
from support.server import running

PASSWORD = "secret"
NAMES = ("ann", "ben", "cat", "dan")
USERS = {f"{name}@localhost": PASSWORD for name in NAMES}
SECONDS = 6         # of trouble
PAUSE = 0.02        # s between the messages of one


async def talk(people: list[Faithful], dice: random.Random, seconds: float) -> None:
    """Everybody writes to everybody, numbered, for so long."""
    loop = asyncio.get_running_loop()
    end, number = loop.time() + seconds, 0
    while loop.time() < end:
        number += 1
        for one in people:
            other = dice.choice([p for p in people if p is not one])
            one.write(other.bare if dice.random() < 0.5 else f"{other.bare}/{other.resource}",
                      f"{one.user}-{other.user}-{number}")
        await asyncio.sleep(PAUSE)


def between(one: Faithful, other: Faithful, texts: list[str]) -> list[str]:
    return [text for text in texts if text.startswith(f"{one.user}-{other.user}-")]


def kept(one: Faithful) -> list[str]:
    """What it wrote, but for what was refused, and so must not have come: on a machine that stands still for 2 s the
    storage is too slow (protocol.md 3)."""
    refused = set(one.refused)
    return [text for text in one.sent if text not in refused]


def wanted(one: Faithful, people: list[Faithful]) -> list[str]:
    return [text for other in people if other is not one for text in between(other, one, kept(other))]


@pytest.mark.parametrize(("backend", "twins"), [("sqlite", False), ("postgres", False), ("sqlite", True)])
def test_bad_links_lose_nothing(backend: str, twins: bool, tmp_path: Path, soak: int, storage: str) -> None:
    """twins: two workers, to which connections are dealt in turn."""
    dice = random.Random(backend)
    with running(tmp_path, users=USERS, more=storage, twins=twins) as server:
        asyncio.run(conversation(server.plain, dice, SECONDS * soak))


async def conversation(port: int, dice: random.Random, seconds: float) -> None:
    async with BadLink(port, dice) as link:
        people = [Faithful(name, PASSWORD, "desk", link.port) for name in NAMES]
        link.calm = True
        for one in people:
            one.start()
        for one in people:
            await one.online()
        link.calm = False
        await talk(people, dice, seconds)
        link.calm = True
        for one in people:
            await one.acknowledged()
        async with asyncio.timeout(PATIENCE):
            while any(len({message.text for message in one.seen}) < len(wanted(one, people)) for one in people):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)        # what came twice has come by now
        for one in people:
            await one.leave()
    assert min(link.cuts, link.stalls, link.resets) > 0
    assert sum(one.resumptions for one in people) > 0
    for one in people:
        assert one.failures == 0
        came = [message.text for message in one.seen]   # as it came: nobody has had to ask the archive
        for other in people:
            if other is not one:
                assert between(other, one, came) == between(other, one, kept(other)) != []
