"""A client of the load generator with its server's end in the test's hands."""

import asyncio
import socket
from dataclasses import dataclass, field

from headrace.bench.client import Client
from headrace.bench.flow import CHAT, Flow, Load
from headrace.bench.wire import Wire
from headrace.net.link import Link
from headrace.net.reactor import Reactor

HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"


@dataclass
class Pair:
    """A client, and the other end of its connection."""

    wire: Wire
    server: socket.socket
    got: bytes = b""

    @property
    def client(self) -> Client:
        return self.wire.client

    async def say(self, data: bytes) -> None:
        """From the server; returns once the client has dealt with it."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.server, data)
        await asyncio.sleep(0.01)

    async def hear(self, until: bytes, count: int = 1) -> bytes:
        """What the client has sent, once it has sent that so many times."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            while self.got.count(until) < count:
                self.got += await loop.sock_recv(self.server, 65536)
        heard, self.got = self.got, b""
        return heard


@dataclass
class World:
    reactor: Reactor
    load: Load
    pairs: list[Pair] = field(default_factory=list)

    async def pair(self, jid: str = "b@localhost/x", *, takes_part: bool = True) -> Pair:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        wire = Wire(jid)
        wire.client = Client(Link(self.reactor, ours.detach(), ("", 0)), wire)
        wire.client.link.start(wire.client)
        pair = Pair(wire, theirs)
        await pair.say(HEADER)
        if takes_part:
            wire.negotiating = False
            wire.client.take_part(self.load, jid.partition("/")[0])
        self.pairs.append(pair)
        return pair

    def chat(self, sender: Pair, *receivers: Pair, window: int = 1) -> Flow:
        flow = Flow(self.load, sender.client, CHAT, b"<message to='b@localhost/x' type='chat'><body>", b" text",
                    b"</body></message>", source=b"a@localhost/y", receivers=len(receivers), window=window)
        for receiver in receivers:
            receiver.client.receives(flow)
        return flow

    async def faults(self, **expected: int) -> None:
        await asyncio.sleep(0.01)
        assert {name: count for name, count in self.load.faults.items() if count} == expected


def message(number: int, flow: int = 0, *, from_: str = "a@localhost/y", text: str = " text", inside: str = "",
            type: str = "chat") -> bytes:
    """What a server delivers of World.chat()'s flow."""
    return (f"<message from='{from_}' to='b@localhost/x' type='{type}'><body>{number:010d}-{flow:06d}-test{text}</body>"
            f"{inside}</message>").encode()
