"""All modules over the real router, without sockets: clients that speak and compare what they hear."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from headrace.cluster.local import LocalAccounts
from headrace.core.stanza import Stanza
from headrace.modules.api import Context
from headrace.modules.loader import Dispatcher, build
from headrace.modules.marks import Marks
from headrace.modules.tables import RosterLoader
from headrace.router.control import Outcome
from headrace.router.rig import Rig
from headrace.router.session import Reason, Session
from headrace.server.catalog import MODULES
from headrace.storage.ports import OfflineMessage
from support.stanzas import trees
from support.world import World

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
    archive: Any
    blocks: Any
    documents: Any
    queue: Any


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
    context: Context

    async def waiting(self, jid: str) -> list[OfflineMessage]:
        """What the account's next login would be given."""
        return await self.world.storage.archive.pending(jid, await self.context.marks.of(jid), 10_000)

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
        for _ in range(20):     # what the storage's threads have to answer, too
            self.rig.turn()
            await asyncio.sleep(0.005)
        closing = asyncio.ensure_future(self.dispatcher.close())
        while not closing.done():
            self.rig.turn()
            await asyncio.sleep(0.001)

    def leave(self, client: Client) -> None:
        assert client.session.link is not None
        self.rig.lose(client.session.link)


class Elsewhere(Dispatcher):
    """With other servers at the far end: what goes to them is kept, instead of refused."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.went: list[Stanza] = []

    def punt(self, session: Session | None, stanza: Stanza, reason: int, number: int = 0) -> Outcome:
        if reason != Reason.P_REMOTE:
            return super().punt(session, stanza, reason, number)
        self.went.append(stanza)
        return None


async def build_house(world: World, accounts: Iterable[str], *, slow: bool = False,
                      control: type[Dispatcher] = Dispatcher) -> House:
    await world.account(*accounts)
    storage: Any = world.storage
    if slow:
        storage = SlowedStorage(*map(Slowed, (
            storage.accounts, storage.roster, storage.archive, storage.blocks, storage.documents)), storage.queue)
    rig = Rig(hosts=sorted(world.context.hosts))
    rig.router.archive = storage.queue
    accounts = LocalAccounts(rig.router)
    context = replace(world.context, storage=storage, accounts=accounts, marks=Marks(storage.archive, accounts))
    dispatcher = control(rig.router, build(MODULES, context, {}), log := Log())
    rig.router.control = dispatcher
    return House(world, rig, dispatcher, RosterLoader(rig.router, context), log, context)
