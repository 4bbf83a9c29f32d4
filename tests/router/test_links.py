"""Sessions on real links: socket pairs, a real loop, clients that read when they like."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from headrace.core.events import EventReader
from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.router.control import HoldAll
from headrace.router.router import Router
from headrace.router.session import Session, SessionFlag
from support.routing import ROOT, Notes, read


@dataclass
class Client:
    """The far end of a session's socket."""

    session: Session
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read_until(self, mark: bytes, times: int = 1) -> bytes:
        got = b""
        while got.count(mark) < times:
            data = await asyncio.wait_for(self.reader.read(1 << 16), 60)
            assert data, got[-200:]
            got += data
        return got


class Place:
    """A router on the running loop."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.reactor = Reactor(asyncio.get_running_loop())
        self.router = Router(self.reactor, self.notes)
        self.router.add_host("localhost")
        self.clients: list[Client] = []

    async def client(self, jid: str) -> Client:
        near, far = socket.socketpair()
        near.setblocking(False)
        link = Link(self.reactor, near.detach(), ("127.0.0.1", 0))
        link.start(Sink())
        opened = EventReader(work=self.reactor.work)
        opened.feed(ROOT)
        self.router.load(jid.partition("/")[0], {})
        session = self.router.bind(link, opened.tokenizer, jid, None)
        reader, writer = await asyncio.open_connection(sock=far)
        self.clients.append(Client(session, reader, writer))
        return self.clients[-1]

    async def settled(self, **expected: int) -> None:
        for _ in range(1000):
            counters = self.reactor.counters()
            if all(counters[name] == value for name, value in expected.items()):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(self.reactor.counters())


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    for client in place.clients:
        client.writer.close()
    await place.settled(links=0, sessions=0, chunks=0)
    place.reactor.close()


async def test_a_thousand_messages_in_order(place: Place) -> None:
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    message = b"<message to='juliet@localhost/b' id='%d'><body>x</body></message>"
    romeo.writer.write(b"".join(message % i for i in range(1000)))
    got = read(await juliet.read_until(b"</message>", 1000))
    assert [m.get("id") for m in got] == [str(i) for i in range(1000)]
    await place.settled(chunks=0)


async def test_a_receiver_that_stops_in_the_middle_of_a_stanza(place: Place) -> None:
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    stanza = b"<message to='juliet@localhost/b'><body>" + b"x" * 60_000 + b"</body></message>"
    juliet.reader._transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(40):
        romeo.writer.write(stanza)
        await romeo.writer.drain()
    for _ in range(200):
        if juliet.session.outbox.unsent_bytes:
            break
        await asyncio.sleep(0.01)
    assert juliet.session.outbox.unsent_bytes > 0
    juliet.reader._transport.resume_reading()  # type: ignore[attr-defined]
    got = read(await juliet.read_until(b"</message>", 40))
    assert {len(m[0].text or "") for m in got} == {60_000}
    await place.settled(chunks=0)


async def test_a_client_that_reads_nothing_is_read_again_when_it_does(place: Place) -> None:
    """Its replies fill half of the bound; its requests wait; both go on when it reads."""
    romeo = await place.client("romeo@localhost/a")
    reply = b"<iq type='result' id='1'><x xmlns='y'>" + b"x" * 200_000 + b"</x></iq>"
    place.notes.answer = lambda session, stanza, reason: place.router.deliver(session, reply)
    romeo.reader._transport.pause_reading()  # type: ignore[attr-defined]
    romeo.writer.write(b"<iq type='get' id='1'><x xmlns='y'/></iq>" * 40)
    for _ in range(500):
        if romeo.session.link is not None and romeo.session.link.paused:
            break
        await asyncio.sleep(0.01)
    assert len(place.notes.punted) < 40
    romeo.reader._transport.resume_reading()  # type: ignore[attr-defined]
    await romeo.read_until(b"</iq>", 40)
    assert len(place.notes.punted) == 40


async def test_requests_that_take_time_keep_their_order(place: Place) -> None:
    """protocol.md 2 on the wire: one segment, a slow port, as if sent one by one; longer than what may wait unread."""
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    place.notes.answer = lambda session, stanza, reason: HoldAll(asyncio.sleep(0.2))
    request, message = b"<iq type='set' id='r%d'><x xmlns='y'/></iq>", b"<message to='juliet@localhost/b' id='%d'/>"
    romeo.writer.write(b"".join((message if i % 150 else request) % i for i in range(500)))
    romeo.writer.write(b"<presence/></stream:stream>")
    got = read(await juliet.read_until(b"id='499'"))
    assert [m.get("id") for m in got] == [str(i) for i in range(500) if i % 150]
    assert [stanza.id for _, stanza, _ in place.notes.punted] == ["r0", "r150", "r300", "r450"]
    assert b"</stream:stream>" in await romeo.read_until(b"</stream:stream>")


async def test_both_sides_close(place: Place) -> None:
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    romeo.writer.write(b"<message to='juliet@localhost/b'/></stream:stream>")
    assert await asyncio.wait_for(romeo.reader.read(), 60) == b"</stream:stream>"
    place.router.end(juliet.session, "system-shutdown")
    assert (await asyncio.wait_for(juliet.reader.read(), 60)).endswith(b"</stream:error></stream:stream>")
    for client in (romeo, juliet):
        client.writer.close()
    await place.settled(links=0, sessions=0, chunks=0)
    assert place.notes.went == [romeo.session, juliet.session]


@pytest.mark.parametrize("how", ["close", "reset", "half"])
async def test_a_peer_that_goes(place: Place, how: str) -> None:
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    romeo.writer.write(b"<message to='juliet@localhost/b' id='1'/><mess")
    await juliet.read_until(b"id='1'")
    if how == "half":
        romeo.writer.write_eof()
    elif how == "reset":
        sock = romeo.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        romeo.writer.transport.abort()
    else:
        romeo.writer.close()
    await place.settled(sessions=1)
    assert romeo.session.flags & SessionFlag.S_ENDED
    place.router.route(b"<message from='localhost' to='romeo@localhost/a' type='headline'/>")
