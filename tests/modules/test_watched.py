"""Whom users see, as a component hears of it: contacts elsewhere, and contacts here on hosts that are not granted."""

from dataclasses import replace
from typing import Any

import pytest

from headrace.modules import watched
from headrace.modules.contacts import Side, seers, settle
from headrace.modules.grants import Grant
from headrace.modules.watched import ContactPresence
from headrace.storage.ports import RosterItem
from support.stanzas import tree
from support.world import World, effects, request

SEER = "seer.example"
ROMEO, BENVOLIO, JULIET = "romeo@example.org", "benvolio@example.org", "juliet@example.net"
FAR = "far@elsewhere.example"
DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2026-11-30T00:00:00Z'/>"


@pytest.fixture
async def seer(world: World) -> ContactPresence:
    """It may see whom users of example.org see; of example.net it knows nothing."""
    grant = Grant(frozenset({"example.org"}), "get", presence=True, contacts=True)
    world.context = replace(world.context, grants={SEER: grant})
    await world.account(ROMEO, BENVOLIO, JULIET)
    for account in (ROMEO, BENVOLIO):
        await world.storage.roster.put(account, RosterItem(FAR, subscription="both"))
    return world.module(ContactPresence)  # type: ignore[no-any-return]


async def hears(seer: ContactPresence, account: str, inside: str = "", sender: str = f"{FAR}/x",
                type: str | None = None) -> list[tuple[Any, ...]]:
    """What the component gets when this presence has come for the account."""
    kind = f" type='{type}'" if type else ""
    got = await effects(seer.watched(request(f"<presence id='1'{kind}>{inside}</presence>", sender, account)))
    assert {tree(route.stanza).get("to") for route in got} <= {SEER}
    return seen(got)


def seen(routes: list[Any]) -> list[tuple[Any, ...]]:
    found = [tree(route.stanza) for route in routes]
    return [(each.get("from"), each.get("type"), each.findtext("{jabber:client}status")) for each in found]


async def test_each_presence_once(seer: ContactPresence) -> None:
    """However many users get it; a probe's answer may say since when."""
    assert await hears(seer, ROMEO, "<status>a</status>") == [(f"{FAR}/x", None, "a")]
    assert await hears(seer, BENVOLIO, "<status>a</status>") == []
    assert await hears(seer, ROMEO, f"<status>a</status>{DELAY}") == []
    assert await hears(seer, ROMEO, "<status>b</status>") == [(f"{FAR}/x", None, "b")]
    assert await hears(seer, BENVOLIO, "<status>b</status>") == []
    assert await hears(seer, BENVOLIO, "<status>b</status>", f"{FAR}/y") == [(f"{FAR}/y", None, "b")]


async def test_the_end_is_when_nobody_sees_it_any_more(seer: ContactPresence) -> None:
    for account in (ROMEO, BENVOLIO):
        await hears(seer, account)
    assert await hears(seer, ROMEO, type="unavailable") == []
    assert await hears(seer, ROMEO, type="unavailable") == []
    assert await hears(seer, BENVOLIO, "<status>z</status>", type="unavailable") == [(f"{FAR}/x", "unavailable", "z")]
    assert await hears(seer, BENVOLIO, type="unavailable") == []
    assert await effects(seer.connected(SEER)) == []


async def test_a_probe_that_finds_nobody(seer: ContactPresence) -> None:
    """Its answer is from the bare JID, for all that was there."""
    for resource in ("x", "y"):
        await hears(seer, ROMEO, sender=f"{FAR}/{resource}")
    assert await hears(seer, ROMEO, sender=FAR, type="unavailable") == [
        (f"{FAR}/x", "unavailable", None), (f"{FAR}/y", "unavailable", None)]


async def test_strangers(seer: ContactPresence, world: World) -> None:
    """Whom the user is not subscribed to, whoever sends him presence; nor what the component itself says."""
    assert await hears(seer, ROMEO, sender="stranger@elsewhere.example/x") == []
    await world.storage.roster.put(ROMEO, RosterItem(FAR, subscription="from"))
    assert await hears(seer, ROMEO) == []
    await world.storage.roster.put(ROMEO, RosterItem(f"irc@{SEER}", subscription="both"))
    assert await hears(seer, ROMEO, sender=f"irc@{SEER}") == []
    assert await hears(seer, JULIET, sender=f"{FAR}/x") == []   # on a host that is not granted


async def test_one_that_connects_is_told(seer: ContactPresence, world: World) -> None:
    """What it would have been; also whom users see here."""
    await hears(seer, ROMEO, "<status>a</status>")
    await hears(seer, BENVOLIO, "<status>b</status>")
    world.arrives(f"{JULIET}/r")
    world.arrives("nurse@example.net/r")
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    assert seen(await effects(seer.connected(SEER))) == [(f"{FAR}/x", None, "b")]
    assert world.home.told == [("show", JULIET, SEER)]
    assert await effects(seer.connected("other.example")) == []


async def test_what_is_remembered_is_bounded(seer: ContactPresence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MOST_BYTES", 500)
    for number in range(9):
        assert len(await hears(seer, ROMEO, f"<status>{100 * 'a'}</status>", f"{FAR}/{number}")) == 1
    assert [sender for sender, *_ in seen(await effects(seer.connected(SEER)))] == [f"{FAR}/8"]


async def change(world: World, before: str | None, after: str | None, other: str = ROMEO) -> list[tuple[str, ...]]:
    """Juliet's item of another one changes: what her home is told of the component."""
    items = [RosterItem(other, subscription=each) if each else None for each in (before, after)]
    side = Side(JULIET, other, *items)
    world.home.told.clear()
    await settle(world.context, side, None)
    return [each for each in world.home.told if SEER in each]


async def test_contacts_here(seer: ContactPresence, world: World) -> None:
    """From when the first user sees her until none does."""
    assert await change(world, None, "to") == []
    assert await change(world, "to", "both") == [("table", JULIET, SEER, "2"), ("show", JULIET, SEER)]
    assert await change(world, None, "from", BENVOLIO) == []
    assert await change(world, "both", None) == []
    assert list(seers(world.context, JULIET, await world.storage.roster.load(JULIET))) == [SEER]
    assert await change(world, "from", None, BENVOLIO) == [("table", JULIET, SEER, "0"), ("hide", JULIET, SEER)]
    assert list(seers(world.context, JULIET, await world.storage.roster.load(JULIET))) == []


async def test_one_that_is_subscribed_itself(seer: ContactPresence, world: World) -> None:
    assert await change(world, None, "from", SEER) == [("table", JULIET, SEER, "6")]
    assert await change(world, None, "from") == [("table", JULIET, SEER, "6")]     # it sees her already
    assert await change(world, "from", "none", SEER) == [("table", JULIET, SEER, "6")]     # and still
