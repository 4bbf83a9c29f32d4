"""All modules over the real router, without sockets: what clients see of one another, and in which order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from headrace.cluster.local import LocalAccounts
from headrace.modules.loader import Dispatcher, build
from headrace.modules.tables import RosterLoader
from headrace.router.rig import Rig
from headrace.router.session import Session
from headrace.server.catalog import MODULES
from headrace.storage.ports import OfflineMessage, RosterItem
from support.stanzas import trees
from support.world import World

ROMEO, JULIET, TYBALT = "romeo@example.org", "juliet@example.net", "tybalt@example.org"
SLOW = 0.05  # s that each call of a slowed store takes
STEPS = 5_000  # turns after which something is not going to happen


class Slowed:
    """A storage port whose coroutines take their time."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(method):
            return method

        async def slow(*args: Any) -> Any:
            await asyncio.sleep(SLOW)
            return await method(*args)

        return slow


@dataclass
class SlowedStorage:
    accounts: Any
    roster: Any
    offline: Any
    blocks: Any
    documents: Any


class Log:
    def __init__(self) -> None:
        self.failures: list[object] = []

    def exception(self, event: str, /, **fields: Any) -> None:
        self.failures.append(fields["exc_info"])


@dataclass
class Client:
    house: "House"
    session: Session
    seen: list[Element] = field(default_factory=list)

    def say(self, *stanzas: str) -> None:
        """In one segment."""
        self.house.rig.feed(self.session, "".join(stanzas).encode())
        self.house.rig.turn()

    def read(self) -> list[Element]:
        self.house.rig.turn()
        link = self.session.link
        if link is not None:
            self.seen += trees(self.house.rig.taken(link))
        return self.seen

    async def got(self, *wanted: str) -> list[Element]:
        """Wait for stanzas with these summaries, in this order; then forget all that was seen."""
        for _ in range(STEPS):
            if len(self.read()) >= len(wanted):
                break
            await asyncio.sleep(0.001)
        await self.house.quiet()
        assert [summary(stanza) for stanza in self.read()] == list(wanted)
        seen, self.seen = self.seen, []
        return seen


def summary(stanza: Element) -> str:
    """Kind, type, sender's name and what is in it, as short as the tests need it."""
    kind = stanza.tag.rpartition("}")[2]
    name = (stanza.get("from") or "").partition("@")[0]
    item = stanza.find("{jabber:iq:roster}query/{jabber:iq:roster}item")
    inside = stanza.findtext("{jabber:client}body") or stanza.findtext("{jabber:client}status")
    if item is not None and stanza.get("type") == "set":
        kind, name, inside = "push", (item.get("jid") or "").partition("@")[0], item.get("subscription")
        return " ".join(filter(None, [kind, name, inside, item.get("ask")]))
    return " ".join(filter(None, [kind, stanza.get("type"), name, inside]))


@dataclass
class House:
    world: World
    rig: Rig
    dispatcher: Dispatcher
    loader: RosterLoader
    log: Log

    async def login(self, jid: str, *, presence: str | None = "<presence/>") -> Client:
        """A client that has asked for its roster and, unless told otherwise, become available."""
        bare = jid.partition("/")[0]
        await self.loader.load(bare)
        client = Client(self, self.rig.connect(jid))
        client.say("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        await client.got("iq result")
        if presence is not None:
            client.say(presence)
            await self.quiet()
        return client

    async def quiet(self) -> None:
        """Until nothing goes on behind the scenes."""
        for _ in range(20):
            self.rig.turn()
            await asyncio.sleep(0)
        closing = asyncio.ensure_future(self.dispatcher.close())
        while not closing.done():
            self.rig.turn()
            await asyncio.sleep(0.001)

    def leave(self, client: Client) -> None:
        assert client.session.link is not None
        self.rig.lose(client.session.link)


Make = Callable[[bool], Awaitable[House]]


@pytest.fixture
async def make(world: World) -> AsyncIterator[Make]:
    houses = []

    async def build_house(slow: bool) -> House:
        await world.account(ROMEO, JULIET, TYBALT)
        storage: Any = world.storage
        if slow:
            storage = SlowedStorage(*map(Slowed, (
                storage.accounts, storage.roster, storage.offline, storage.blocks, storage.documents)))
        rig = Rig(hosts=sorted(world.context.hosts))
        context = replace(world.context, storage=storage, accounts=LocalAccounts(rig.router))
        dispatcher = Dispatcher(rig.router, build(MODULES, context, {}), log := Log())
        rig.router.control = dispatcher
        loader = RosterLoader(rig.router, context)
        houses.append(House(world, rig, dispatcher, loader, log))
        return houses[-1]

    yield build_house
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
        if len(found := await house.world.storage.offline.fetch(JULIET)) >= count:
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
    assert await house.world.storage.offline.count(JULIET) == 0


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
