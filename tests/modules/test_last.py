import asyncio

import pytest

from headrace.modules.api import Outcome, Refused, Reply
from headrace.modules.last import Last
from headrace.storage.ports import RosterItem, StorageUnavailable
from support.stanzas import tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
ASK = "<iq type='get' id='1'><query xmlns='jabber:iq:last'/></iq>"


async def seconds(outcome: Outcome) -> str | None:
    [reply] = await effects(outcome)
    assert isinstance(reply, Reply)
    query = tree(reply.payload)
    assert (query.tag, query.text) == ("{jabber:iq:last}query", None)
    return query.get("seconds")


def asking(module: Last, to: str = JULIET) -> Outcome:
    return module.contact(request(ASK, f"{ROMEO}/o", to))


async def test_uptime(world: World) -> None:
    module = world.module(Last)
    world.clock.time += 123.9
    assert await seconds(module.uptime(request(ASK, f"{ROMEO}/o", "example.org"))) == "123"


async def test_who_asks_for_himself_is_here(world: World) -> None:
    assert await seconds(world.module(Last).own(request(ASK, f"{ROMEO}/o"))) == "0"


async def test_contact_that_left_also_after_a_restart(world: World) -> None:
    await world.account(JULIET)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    module = world.module(Last)
    assert await effects(module.gone(f"{JULIET}/balcony")) == []
    world.clock.time += 903
    assert await seconds(asking(module)) == "903"
    assert await seconds(asking(world.module(Last))) == "903"


async def test_known_before_it_is_stored(world: World) -> None:
    await world.account(JULIET)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    module = world.module(Last)
    later = module.gone(f"{JULIET}/balcony")
    world.clock.time += 5
    assert await seconds(asking(module)) == "5"
    await effects(later)


async def test_many_that_leave_at_once_are_all_stored(world: World) -> None:
    jids = [f"u{n}@example.org" for n in range(50)]
    await world.account(*jids)
    module = world.module(Last)
    await asyncio.gather(*(effects(module.gone(f"{jid}/r")) for jid in jids))
    assert {await world.storage.accounts.last_seen(jid) for jid in jids} == {world.clock.time}


async def test_times_that_could_not_be_stored_go_with_the_next(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="both"))
    module = world.module(Last)

    async def fails(times: object) -> None:
        raise StorageUnavailable("no answer")

    with monkeypatch.context() as down:
        down.setattr(world.storage.accounts, "set_last_seen", fails)
        await effects(module.gone(f"{JULIET}/r"))
    left = world.clock.time
    assert await seconds(asking(module)) == "0"
    world.clock.time += 60
    await effects(module.gone(f"{ROMEO}/r"))
    assert await world.storage.accounts.last_seen(JULIET) == left
    assert await world.storage.accounts.last_seen(ROMEO) == left + 60


async def test_contact_that_is_here(world: World) -> None:
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="both"))
    world.arrives(f"{JULIET}/balcony")
    assert await seconds(asking(world.module(Last))) == "0"


async def test_contact_that_never_came(world: World) -> None:
    await world.account(JULIET)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="both"))
    with pytest.raises(Refused, match="item-not-found"):
        await effects(asking(world.module(Last)))


@pytest.mark.parametrize("known", [True, False])
async def test_forbidden_without_subscription(world: World, known: bool) -> None:
    if known:
        await world.account(JULIET)
        await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="to"))
    with pytest.raises(Refused, match="forbidden"):
        await effects(asking(world.module(Last)))
