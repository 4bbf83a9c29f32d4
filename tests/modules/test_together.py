"""All modules over the real router, without sockets: what clients see of one another, and in which order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from headrace.storage.ports import OfflineMessage, RosterItem
from support.house import STEPS, Client, House, build_house, summary
from support.stanzas import trees
from support.world import World

ROMEO, JULIET, TYBALT = "romeo@example.org", "juliet@example.net", "tybalt@example.org"

Make = Callable[[bool], Awaitable[House]]


@pytest.fixture
async def make(world: World) -> AsyncIterator[Make]:
    houses = []

    async def make_one(slow: bool) -> House:
        houses.append(await build_house(world, (ROMEO, JULIET, TYBALT), slow=slow))
        return houses[-1]

    yield make_one
    for house in houses:
        assert house.rig.loop.failures == house.log.failures == []


@pytest.fixture
async def house(make: Make) -> House:
    return await make(False)


def subscribing(type: str, to: str) -> str:
    return f"<presence to='{to}' type='{type}'/>"


async def friends(house: House) -> tuple[Client, Client]:
    await house.world.storage.roster.put_pair(ROMEO, RosterItem(JULIET, subscription="both"),
                                              JULIET, RosterItem(ROMEO, subscription="both"))
    romeo, juliet = await house.login(f"{ROMEO}/o"), await house.login(f"{JULIET}/b")
    await romeo.got("presence romeo", "presence juliet")
    await juliet.got("presence juliet", "presence romeo")
    return romeo, juliet


async def test_from_strangers_to_friends_and_back(house: House) -> None:
    romeo, juliet = await house.login(f"{ROMEO}/o"), await house.login(f"{JULIET}/b")
    await romeo.got("presence romeo")
    await juliet.got("presence juliet")
    romeo.say(subscribing("subscribe", JULIET))
    await juliet.got("presence subscribe romeo")
    await romeo.got("push juliet none subscribe")
    juliet.say(subscribing("subscribed", ROMEO), subscribing("subscribe", ROMEO))
    await romeo.got("presence subscribed juliet", "push juliet to", "presence juliet", "presence subscribe juliet")
    await juliet.got("push romeo from", "push romeo from subscribe")
    romeo.say(subscribing("subscribed", JULIET))
    await juliet.got("presence subscribed romeo", "push romeo both", "presence romeo")
    await romeo.got("push juliet both")
    romeo.say("<presence><status>here</status></presence>")
    await juliet.got("presence romeo here")
    await romeo.got("presence romeo here")
    juliet.say(subscribing("unsubscribed", ROMEO))
    await romeo.got("presence unavailable juliet", "presence unsubscribed juliet", "push juliet from")
    await juliet.got("push romeo to")
    juliet.say("<presence><status>secret</status></presence>")
    await juliet.got("presence juliet secret")
    await romeo.got()


async def test_removing_a_contact_ends_what_both_see(house: House) -> None:
    romeo, juliet = await friends(house)
    romeo.say(f"<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='{JULIET}' subscription='remove'/>"
              "</query></iq>")
    await romeo.got("presence unavailable juliet", "push juliet remove", "iq result")
    await juliet.got("presence unavailable romeo", "presence unsubscribe romeo", "presence unsubscribed romeo",
                     "push romeo none")


async def test_request_waits_for_a_login(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say(subscribing("subscribe", JULIET))
    await romeo.got("presence romeo", "push juliet none subscribe")
    for resource in "ab":
        juliet = await house.login(f"{JULIET}/{resource}")
        assert "presence subscribe romeo" in [summary(stanza) for stanza in juliet.read()]
    juliet.say(subscribing("subscribed", ROMEO))
    third = await house.login(f"{JULIET}/c")
    assert "presence subscribe romeo" not in [summary(stanza) for stanza in third.read()]


def letters(count: int) -> list[str]:
    return [f"<message to='{JULIET}' type='chat'><body>{n}</body></message>" for n in range(count)]


async def kept(house: House, count: int) -> list[OfflineMessage]:
    """Wait until so many letters for Juliet are kept."""
    for _ in range(STEPS):
        house.rig.turn()
        if len(found := await house.waiting(JULIET)) >= count:
            break
        await asyncio.sleep(0.001)
    assert len(found) == count
    return found


async def test_letters_are_delivered_once(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    await romeo.got("presence romeo")
    romeo.say(*letters(60))
    await kept(house, 60)
    juliet = await house.login(f"{JULIET}/b")
    got = await juliet.got("presence juliet", *(f"message chat romeo {n}" for n in range(60)))
    assert {stanza[-1].get("from") for stanza in got[1:]} == {"example.net"}
    again = await house.login(f"{JULIET}/c")
    await again.got("presence juliet", "presence juliet")
    await romeo.got()


async def test_letters_stay_in_order_when_somebody_comes_meanwhile(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say(*letters(60))
    juliet = await house.login(f"{JULIET}/b")
    await juliet.got("presence juliet", *(f"message chat romeo {n}" for n in range(60)))
    assert await house.waiting(JULIET) == []


async def test_nothing_overtakes_letters(make: Make) -> None:
    house = await make(True)
    romeo, tybalt = await house.login(f"{ROMEO}/o"), await house.login(f"{TYBALT}/t")
    romeo.say(*letters(2))
    await kept(house, 2)
    await house.loader.load(JULIET)
    juliet = Client(house, house.rig.connect(f"{JULIET}/b"))
    juliet.say("<presence/>")
    tybalt.say(f"<message to='{JULIET}' type='chat'><body>now</body></message>")
    await juliet.got("presence juliet", "message chat romeo 0", "message chat romeo 1", "message chat tybalt now")
    for _ in range(STEPS):  # it ends: messages come at once again, undelayed
        tybalt.say(f"<message to='{JULIET}' type='chat'><body>then</body></message>")
        if seen := juliet.read():
            break
        await asyncio.sleep(0.01)
    assert seen[-1].find("{urn:xmpp:delay}delay") is None


async def test_letters_outlive_a_session_that_dies(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say(*letters(1))
    await kept(house, 1)
    dying = await house.login(f"{JULIET}/b", presence=None)
    assert dying.session.link is not None
    house.rig.allow(dying.session.link, 0)
    dying.say("<presence/>")
    for _ in range(50):
        await asyncio.sleep(0.001)
    house.leave(dying)
    juliet = await house.login(f"{JULIET}/c")
    await juliet.got("presence juliet", "message chat romeo 0")


async def test_shy_resource_gets_letters_when_it_raises_its_priority(house: House) -> None:
    romeo = await house.login(f"{ROMEO}/o")
    romeo.say(*letters(1))
    await kept(house, 1)
    juliet = await house.login(f"{JULIET}/b", presence="<presence><priority>-1</priority></presence>")
    await juliet.got("presence juliet")
    juliet.say("<presence><priority>0</priority></presence>")
    await juliet.got("presence juliet", "message chat romeo 0")


async def test_probe(house: House) -> None:
    romeo, juliet = await friends(house)
    tybalt = await house.login(f"{TYBALT}/t")
    await tybalt.got("presence tybalt")
    romeo.say(f"<presence to='{JULIET}' type='probe'/>")
    await romeo.got("presence juliet")
    tybalt.say(f"<presence to='{JULIET}' type='probe'/>", "<presence to='nobody@example.net' type='probe'/>")
    await tybalt.got()
    house.leave(juliet)
    await romeo.got("presence unavailable juliet")
    romeo.say(f"<presence to='{JULIET}' type='probe'/>")
    await romeo.got("presence unavailable juliet")


def roster_set(id: str, name: str) -> str:
    return (f"<iq type='set' id='{id}'><query xmlns='jabber:iq:roster'><item jid='{JULIET}' name='{name}'/>"
            "</query></iq>")


ROSTER_GET = "<iq type='get' id='get'><query xmlns='jabber:iq:roster'/></iq>"


async def test_pairs_in_one_segment_end_as_if_sent_one_by_one(make: Make) -> None:
    """protocol.md 2, with a store that takes its time."""
    house = await make(True)
    romeo = await house.login(f"{ROMEO}/o")
    await romeo.got("presence romeo")
    romeo.say(roster_set("1", "a"), roster_set("2", "b"), ROSTER_GET)
    got = await romeo.got("push juliet none", "iq result", "push juliet none", "iq result", "iq result")
    assert got[-1][0][0].get("name") == "b"
    romeo.say(subscribing("subscribe", JULIET), subscribing("unsubscribe", JULIET))
    await romeo.got("push juliet none subscribe", "push juliet none")
    assert await house.world.storage.roster.load(JULIET) == []
    romeo.say(*letters(3))
    stanzas = [trees(letter.stanza)[0] for letter in await kept(house, 3)]
    assert [stanza.findtext("{jabber:client}body") for stanza in stanzas] == ["0", "1", "2"]


async def test_approval_comes_before_what_follows_it(make: Make) -> None:
    house = await make(True)
    romeo, juliet = await house.login(f"{ROMEO}/o"), await house.login(f"{JULIET}/b")
    await romeo.got("presence romeo")
    await juliet.got("presence juliet")
    romeo.say(subscribing("subscribe", JULIET))
    await juliet.got("presence subscribe romeo")
    await romeo.got("push juliet none subscribe")
    juliet.say(subscribing("subscribed", ROMEO), f"<message to='{ROMEO}' type='chat'><body>yes</body></message>")
    await romeo.got("presence subscribed juliet", "push juliet to", "presence juliet", "message chat juliet yes")
