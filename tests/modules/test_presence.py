import pytest

from headrace.modules.api import Route, Send
from headrace.modules.last import Last
from headrace.modules.presence import Presence
from headrace.storage.ports import RosterItem
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
SENDER = f"{ROMEO}/orchard"


async def probe(world: World, to: str = JULIET) -> list[object]:
    got = request(f"<presence from='{SENDER}' to='{to}' type='probe' id='p1'/>", SENDER, to)
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
    assert shape(tree(effect.stanza)) == shape(
        tree(f"<presence from='{JULIET}' to='{SENDER}' id='p1' type='unavailable'/>"))


@pytest.mark.parametrize("subscription", ["none", "to", None])
async def test_stranger_gets_silence(world: World, subscription: str | None) -> None:
    if subscription is not None:
        await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription=subscription, ask=True))  # type: ignore[arg-type]
    world.arrives(f"{JULIET}/balcony")
    assert await probe(world) == []
    assert world.home.told == []


async def test_subscriber_is_told_since_when_nobody_is_here(world: World) -> None:
    """RFC 6121 4.3.2 rule 3."""
    await world.account(JULIET)
    await world.storage.accounts.set_last_seen({JULIET: 1_166_550_635.25})
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    [effect] = await probe(world)
    [delay] = tree(effect.stanza)
    assert (delay.tag, delay.get("stamp")) == ("{urn:xmpp:delay}delay", "2006-12-19T17:50:35.250Z")


async def test_subscriber_is_told_of_one_who_has_just_gone(world: World) -> None:
    """What is not stored yet counts."""
    await world.account(JULIET)
    await world.storage.accounts.set_last_seen({JULIET: 1.0})
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    world.clock.time = 1_166_550_635.25
    last, module = world.module(Last), world.module(Presence)
    module.loaded([last, module])
    storing = last.gone(f"{JULIET}/balcony")
    [effect] = await effects(module.probe(request(f"<presence type='probe' to='{JULIET}'/>", SENDER, JULIET)))
    assert tree(effect.stanza)[0].get("stamp") == "2006-12-19T17:50:35.250Z"
    await effects(storing)


@pytest.mark.parametrize(("resource", "type"), [("balcony", None), ("cellar", "unavailable"), ("gone", "unavailable")])
async def test_probe_of_a_resource_is_answered_yes_or_no(world: World, resource: str, type: str | None) -> None:
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    world.arrives(f"{JULIET}/balcony"), world.arrives(f"{JULIET}/cellar", available=False)
    [effect] = await probe(world, f"{JULIET}/{resource}")
    kind = f" type='{type}'" if type else ""
    assert shape(tree(effect.stanza)) == shape(
        tree(f"<presence from='{JULIET}/{resource}' to='{SENDER}' id='p1'{kind}/>"))
    assert world.home.told == []


@pytest.mark.parametrize("to", [ROMEO, SENDER])
@pytest.mark.parametrize("available", [True, False])
async def test_who_had_directed_presence_may_ask_again(world: World, to: str, available: bool) -> None:
    """RFC 6121 4.6.5: of that resource alone, which need not be there for anybody else."""
    world.arrives(f"{JULIET}/balcony", available=available), world.arrives(f"{JULIET}/hall")
    world.home.shown.add((f"{JULIET}/balcony", to))
    [effect] = await probe(world, f"{JULIET}/balcony")
    assert shape(tree(effect.stanza)) == shape(tree(f"<presence from='{JULIET}/balcony' to='{SENDER}' id='p1'/>"))
    assert await probe(world, f"{JULIET}/hall") == await probe(world) == []


async def test_own_resources_are_shown(world: World) -> None:
    world.arrives(SENDER)
    assert await probe(world, ROMEO) == []
    assert world.home.told == [("show", ROMEO, SENDER)]
