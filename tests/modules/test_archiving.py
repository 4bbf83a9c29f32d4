"""Whose messages accounts have archived, asked by the control plane."""

import pytest

from headrace.modules import archiving
from headrace.modules.archiving import Archiving
from headrace.modules.hosts import Host
from headrace.storage.ports import RosterItem
from headrace.xep.mam import Preferences
from support.world import World

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"


async def test_an_account_that_said_nothing_has_its_host_s(world: World) -> None:
    hosts = {"example.org": Host(archive="never"), "example.net": Host()}
    kept = Archiving(world.storage.documents, world.storage.roster, hosts)
    assert await kept.of(ROMEO) == Preferences("never")
    assert await kept.of(JULIET) == Preferences("always")
    assert not await kept.takes(ROMEO, JULIET)
    assert await kept.takes(JULIET, ROMEO)


async def test_nobody_is_archived_who_has_no_account(world: World) -> None:
    kept = Archiving(world.storage.documents, world.storage.roster, {"example.org": Host(anonymous=True)})
    assert await kept.of("a1b2@example.org") == Preferences("never")


async def test_what_it_said_is_stored(world: World) -> None:
    await world.account(ROMEO)
    wanted = Preferences("roster", (JULIET,), ("far.example", "nurse@example.net/<&'>"))
    await world.context.archiving.change(ROMEO, wanted)
    assert await world.context.archiving.of(ROMEO) == wanted
    again = Archiving(world.storage.documents, world.storage.roster, world.context.hosts)
    assert await again.of(ROMEO) == wanted


async def test_roster_counts_entries_of_any_subscription_but_no_hidden_ones(world: World) -> None:
    await world.account(ROMEO)
    await world.context.archiving.change(ROMEO, Preferences("roster"))
    assert not await world.context.archiving.takes(ROMEO, f"{JULIET}/balcony")
    await world.storage.roster.put(ROMEO, RosterItem(JULIET))
    assert await world.context.archiving.takes(ROMEO, f"{JULIET}/balcony")
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, listed=False, pending_in=b"<presence/>"))
    assert not await world.context.archiving.takes(ROMEO, JULIET)


async def test_gone_with_the_account(world: World) -> None:
    await world.account(ROMEO)
    await world.context.archiving.change(ROMEO, Preferences("never"))
    assert await world.context.life.delete(ROMEO)
    await world.account(ROMEO)
    assert await world.context.archiving.of(ROMEO) == Preferences("always")


async def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "KEPT", 2)
    for name in "abcd":
        await world.context.archiving.of(f"{name}@example.org")
    assert len(world.context.archiving._known) == 2
