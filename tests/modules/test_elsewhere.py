"""Contacts on other servers, over the real router: their stanzas come by Router.route(), ours go out as P_REMOTE."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from headrace.storage.ports import RosterItem
from support.house import Client, Elsewhere, House, build_house
from support.world import World

ROMEO, FAR = "romeo@example.org", "far@far.example"


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    house = await build_house(world, [ROMEO], control=Elsewhere)
    yield house
    assert house.rig.loop.failures == house.log.failures == []


async def comes(house: House, *stanzas: str) -> None:
    for stanza in stanzas:
        house.rig.router.route(stanza.encode())
    await house.quiet()


async def went(house: House) -> list[str]:
    """What has gone there since this was last asked: type, from and to of each presence."""
    await house.quiet()
    gone = cast(Elsewhere, house.dispatcher).went
    found = [f"{stanza.type or 'available'} {stanza.from_} {stanza.to}" for stanza in gone]
    assert {stanza.name for stanza in gone} <= {"presence"}
    gone.clear()
    return found


async def befriended(house: House) -> Client:
    await house.world.storage.roster.put(ROMEO, RosterItem(FAR, subscription="both"))
    romeo = await house.login(f"{ROMEO}/o")
    await romeo.got("presence romeo")
    assert await went(house) == [f"available {ROMEO}/o {FAR}", f"probe {ROMEO} {FAR}"]
    return romeo


async def test_from_strangers_to_friends_and_back(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say(f"<presence to='{FAR}/x' type='subscribe'/>")
    await romeo.got("presence romeo", "push far none subscribe")
    assert await went(house) == [f"subscribe {ROMEO} {FAR}"]
    await comes(house, f"<presence from='{FAR}' to='{ROMEO}' type='subscribed'/>",
                f"<presence from='{FAR}/x' to='{ROMEO}'><status>here</status></presence>",
                f"<presence from='{FAR}' to='{ROMEO}' type='subscribe'/>")
    await romeo.got("presence far here", "presence subscribed far", "push far to", "presence subscribe far")
    romeo.say(f"<presence to='{FAR}' type='subscribed'/>")
    await romeo.got("push far both")
    assert await went(house) == [f"subscribed {ROMEO} {FAR}", f"available {ROMEO}/o {FAR}"]
    romeo.say("<presence><status>away</status></presence>", f"<presence to='{FAR}' type='unsubscribed'/>",
              "<presence><status>secret</status></presence>")
    await romeo.got("presence romeo away", "push far to", "presence romeo secret")
    assert await went(house) == [
        f"available {ROMEO}/o {FAR}", f"unavailable {ROMEO}/o {FAR}", f"unsubscribed {ROMEO} {FAR}"]


async def test_removal_says_both_good_byes(house: House) -> None:
    romeo = await befriended(house)
    romeo.say(f"<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='{FAR}' subscription='remove'/>"
              "</query></iq>")
    await romeo.got("push far remove", "iq result")
    assert await went(house) == [
        f"unavailable {ROMEO}/o {FAR}", f"unsubscribe {ROMEO} {FAR}", f"unsubscribed {ROMEO} {FAR}"]


async def test_probes_from_there(house: House) -> None:
    romeo = await befriended(house)
    await comes(house, f"<presence from='{FAR}' to='{ROMEO}' type='probe'/>",
                f"<presence from='stranger@far.example' to='{ROMEO}' type='probe'/>",
                f"<presence from='{FAR}' to='nobody@example.org' type='probe'/>")
    assert await went(house) == [f"available {ROMEO}/o {FAR}"]
    house.leave(romeo)
    assert await went(house) == [f"unavailable {ROMEO}/o {FAR}"]
    await comes(house, f"<presence from='{FAR}' to='{ROMEO}' type='probe'/>")
    [answer] = cast(Elsewhere, house.dispatcher).went
    assert answer.element().find("{urn:xmpp:delay}delay") is not None
    assert await went(house) == [f"unavailable {ROMEO} {FAR}"]


async def test_rooms_ask_whether_somebody_is_still_there(house: House) -> None:
    """RFC 6121 4.6.5: from the address that had directed presence, to the resource that sent it."""
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say("<presence to='room@far.example/nick'/>")
    await comes(house, f"<presence from='room@far.example/nick' to='{ROMEO}/o' type='probe'/>",
                f"<presence from='room@far.example/other' to='{ROMEO}/o' type='probe'/>",
                f"<presence from='room@far.example/nick' to='{ROMEO}' type='probe'/>")
    assert await went(house) == [f"available {ROMEO}/o room@far.example/nick"] * 2
    house.leave(romeo)
    assert await went(house) == [f"unavailable {ROMEO}/o room@far.example/nick"]


async def test_requests_and_messages_from_there(house: House) -> None:
    """Errors go back there (RFC 6121 8.5.3.2.3, 8.5.2.1.1)."""
    romeo = await befriended(house)
    await comes(house, f"<message from='{FAR}/x' to='{ROMEO}' type='chat'><body>Hi</body></message>",
                f"<iq from='{FAR}/x' to='{ROMEO}/gone' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
                f"<message from='{FAR}/x' to='{ROMEO}' type='groupchat' id='2'><body>Hi</body></message>",
                f"<iq from='{FAR}/x' to='{ROMEO}/gone' type='result' id='3'/>")
    await romeo.got("message chat far Hi")
    answers = cast(Elsewhere, house.dispatcher).went
    assert [(s.name, s.type, s.id, s.from_, s.to) for s in answers] == [
        ("iq", "error", "1", f"{ROMEO}/gone", f"{FAR}/x"), ("message", "error", "2", ROMEO, f"{FAR}/x")]


@pytest.mark.parametrize("type", ["subscribe", "unsubscribe"])
async def test_servers_that_cannot_be_reached(world: World, type: str) -> None:
    """A request's error reaches who asked (RFC 6121 3.1.2); a broadcast's copy has none."""
    house = await build_house(world, [ROMEO])
    await world.storage.roster.put(ROMEO, RosterItem("other@far.example", subscription="both"))
    romeo = await house.login(f"{ROMEO}/o")
    await romeo.got("presence romeo")
    romeo.say(f"<presence to='{FAR}' type='{type}'/>")
    await romeo.got(*["push far none subscribe", "presence error far"] * (type == "subscribe"))
