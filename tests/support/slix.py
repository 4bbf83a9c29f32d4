"""A client of a widely used library, for tests: what comes in waits in queues."""

import asyncio
from typing import Any

from slixmpp import ClientXMPP, ComponentXMPP

from support.component import SECRET
from support.server import USERS, Server

PRESENCE = ("presence_subscribe", "presence_subscribed", "presence_available", "presence_unavailable")
WAIT = 30  # seconds for one step; only a failure gets there


class Queues:
    """For a stream of the library's: its events wait until they are asked for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.queues: dict[str, asyncio.Queue[Any]] = {}
        self.keep("session_start", "disconnected", "message")

    def keep(self, *events: str) -> None:
        for event in events:
            self.queues[event] = asyncio.Queue()
            self.add_event_handler(event, self.queues[event].put_nowait)

    async def next(self, event: str, bare: str = "") -> Any:
        """The next one, of this account if one is named: one's own presence comes back too."""
        while True:
            stanza = await asyncio.wait_for(self.queues[event].get(), WAIT)
            if not bare or stanza["from"].bare == bare:
                return stanza

    async def log_out(self) -> None:
        self.disconnect()
        await self.next("disconnected")


class Client(Queues, ClientXMPP):
    """One of the accounts that the test server has by default."""

    def __init__(self, name: str, server: Server, password: str = "") -> None:
        super().__init__(f"{name}@localhost/slixmpp", password or USERS[f"{name}@localhost"])
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0203")
        self.register_plugin("xep_0092")
        self.running = server
        self.ca_certs = str(server.certificate)
        self.auto_authorize = None
        self.keep("stream_error", *PRESENCE)

    async def log_in(self) -> None:
        self.connect("127.0.0.1", self.running.starttls)
        await self.next("session_start")
        await asyncio.wait_for(self.get_roster(), WAIT)
        self.send_presence()


async def subscribe(one: Client, other: Client) -> None:
    one.send_presence_subscription(pto=other.boundjid.bare, ptype="subscribe")
    await other.next("presence_subscribe", one.boundjid.bare)
    other.send_presence_subscription(pto=one.boundjid.bare, ptype="subscribed")
    await one.next("presence_subscribed", other.boundjid.bare)
    await one.next("presence_available", other.boundjid.bare)


class Component(Queues, ComponentXMPP):
    """A component made of the same library."""

    def __init__(self, domain: str, port: int, *plugins: str) -> None:
        super().__init__(domain, SECRET, "127.0.0.1", port)
        for plugin in plugins:
            self.register_plugin(plugin)
        self.keep("privileges_advertised", "published", *PRESENCE)

    async def log_in(self) -> None:
        self.connect()
        await self.next("session_start")
