"""Privileged entities: requests in users' names, without a component."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from headrace.core.ns import PRIVILEGE
from headrace.modules import privileges
from headrace.modules.api import Refused, Route
from headrace.modules.grants import Grant
from headrace.modules.privileges import Privileges
from headrace.modules.questions import PATIENCE
from headrace.storage.ports import RosterItem
from support.stanzas import condition, tree
from support.world import World, effects, request

BOSS, ROMEO, JULIET = "boss.example.org", "romeo@example.org", "juliet@example.net"
PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture
async def boss(world: World) -> Privileges:
    grant = Grant(frozenset(world.context.hosts), presence=True, message=True, iq={"urn:xmpp:ping": "get"})
    world.context = replace(world.context, grants={BOSS: grant})
    await world.account(ROMEO, JULIET)
    return world.module(Privileges)  # type: ignore[no-any-return]


async def ask(boss: Privileges, id: str, to: str = "far.example") -> list[Any]:
    """What is routed when the component pings that in Romeo's name."""
    inner = f"<iq xmlns='jabber:client' type='get' id='in{id}' to='{to}'>{PING}</iq>"
    return await effects(boss.ask(request(
        f"<iq type='get' id='{id}'><privileged_iq xmlns='{PRIVILEGE}'>{inner}</privileged_iq></iq>", BOSS, ROMEO)))


def refused(route: Route) -> tuple[str | None, ...]:
    error = tree(route.stanza)
    assert condition(route.stanza) == ("wait", "remote-server-timeout")
    return error.get("from"), error.get("to"), error.get("id")


async def test_an_answer(boss: Privileges, world: World) -> None:
    [route] = await ask(boss, "1")
    asked = tree(route.stanza)
    assert world.context.nesting.asks(BOSS, ROMEO, asked.get("id", ""))
    answer = request(f"<iq type='result' id='{asked.get('id')}'/>", "far.example", ROMEO)
    assert await effects(boss.answered(replace(answer, sender="other.example"))) == []
    [route] = await effects(boss.answered(answer))
    outer = tree(route.stanza)
    assert outer.attrib == {"from": ROMEO, "to": BOSS, "id": "1", "type": "result"}
    assert outer[0][0][0].attrib == {"from": "far.example", "to": ROMEO, "id": "in1", "type": "result"}
    assert await effects(boss.answered(answer)) == []


async def test_too_many(boss: Privileges, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "ASKED", 1)
    boss = world.module(Privileges)
    await ask(boss, "1")
    error, _ = await ask(boss, "2")
    assert refused(error) == (ROMEO, BOSS, "1")


async def test_too_late(boss: Privileges, world: World) -> None:
    await ask(boss, "1")
    world.clock.time += PATIENCE + 1
    error, _ = await ask(boss, "2")
    assert refused(error) == (ROMEO, BOSS, "1")


async def test_resources_that_the_user_may_not_know(boss: Privileges, world: World) -> None:
    """Those of others that show him no presence: whether they are there or not."""
    world.arrives(f"{JULIET}/here")
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, subscription="from"))     # he lets her see his
    for to in (f"{JULIET}/here", f"{JULIET}/gone", "nobody@example.net/x", "example.net/x"):
        with pytest.raises(Refused) as refusal:
            await ask(boss, "1", to)
        assert refusal.value.condition == "service-unavailable"


@pytest.mark.parametrize("to", [JULIET, f"{ROMEO}/own", "example.net", "juliet@far.example/x"])
async def test_where_he_may_ask(boss: Privileges, to: str) -> None:
    [route] = await ask(boss, "1", to)
    assert tree(route.stanza).get("to") == to


async def test_resources_that_show_themselves(boss: Privileges, world: World) -> None:
    world.home.shown.add((f"{JULIET}/here", ROMEO))
    assert len(await ask(boss, "1", f"{JULIET}/here")) == 1
    with pytest.raises(Refused):
        await ask(boss, "2", f"{JULIET}/other")
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    assert len(await ask(boss, "3", f"{JULIET}/other")) == 1


async def test_a_disabled_account(boss: Privileges, world: World) -> None:
    """Who may not log in is not acted for either."""
    message = (f"<message id='1'><privilege xmlns='{PRIVILEGE}'><forwarded xmlns='urn:xmpp:forward:0'><message "
               f"xmlns='jabber:client' from='{ROMEO}' to='{JULIET}'/></forwarded></privilege></message>")
    written = request(message, BOSS, "example.org")
    assert len(await effects(boss.message(written))) == 1
    await world.storage.accounts.set_disabled(ROMEO, True)
    for act in (lambda: ask(boss, "1"), lambda: effects(boss.message(written))):
        with pytest.raises(Refused) as refusal:
            await act()
        assert refusal.value.condition == "forbidden"


async def test_many_are_shown_in_turns(boss: Privileges, world: World) -> None:
    """Others get theirs meanwhile."""
    those = [f"u{number:04}@example.org" for number in range(2 * privileges.BATCH + 1)]
    for account in those:
        world.arrives(f"{account}/r")
    shown = []

    async def other() -> None:
        for _ in range(3):
            shown.append(len(world.home.told))
            await asyncio.sleep(0)

    told, _ = await asyncio.gather(effects(boss.connected(BOSS)), other())
    assert shown == [privileges.BATCH, 2 * privileges.BATCH, len(those)]
    assert world.home.told == [("show", account, BOSS) for account in those]
    assert [tree(each.stanza).get("from") for each in told] == ["example.net", "example.org"]
