import pytest

from headrace.modules.api import Route, Send
from headrace.modules.presence import Presence
from headrace.storage.ports import RosterItem
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
SENDER = f"{ROMEO}/orchard"


async def probe(world: World, to: str = JULIET) -> list[object]:
    got = request(f"<presence from='{SENDER}' to='{to}' type='probe'/>", SENDER)
    return await effects(world.module(Presence).probe(got))


async def test_waiting_requests_are_shown_at_each_login(world: World) -> None:
    asked = b"<presence from='romeo@example.org' to='juliet@example.net' type='subscribe'/>"
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, pending_in=asked, listed=False))
    await world.storage.roster.put(JULIET, RosterItem("friend@example.org", subscription="both"))
    for resource in ("a", "b"):
        assert await effects(world.module(Presence).available(f"{JULIET}/{resource}", 0)) == [Send(asked)]


@pytest.mark.parametrize("subscription", ["from", "both"])
async def test_subscriber_is_shown_who_is_here(world: World, subscription: str) -> None:
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription=subscription))  # type: ignore[arg-type]
    world.arrives(f"{JULIET}/balcony")
    assert await probe(world) == []
    assert world.home.told == [("show", JULIET, SENDER)]


async def test_subscriber_is_told_that_nobody_is_here(world: World) -> None:
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    world.arrives(f"{JULIET}/balcony", available=False)
    [effect] = await probe(world)
    assert isinstance(effect, Route)
    assert shape(tree(effect.stanza)) == shape(tree(f"<presence from='{JULIET}' to='{SENDER}' type='unavailable'/>"))


@pytest.mark.parametrize("subscription", ["none", "to", None])
async def test_stranger_gets_silence(world: World, subscription: str | None) -> None:
    if subscription is not None:
        await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription=subscription, ask=True))  # type: ignore[arg-type]
    world.arrives(f"{JULIET}/balcony")
    assert await probe(world) == []
    assert world.home.told == []


async def test_own_resources_are_shown(world: World) -> None:
    world.arrives(SENDER)
    assert await probe(world, ROMEO) == []
    assert world.home.told == [("show", ROMEO, SENDER)]
