"""Sessions on real links: socket pairs, a real loop, clients that read when they like.

All a second time with links that another worker has accepted (protocol.md 19)."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from headrace.core.events import EventReader
from headrace.core.tokenizer import Tokenizer
from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.net.tunnel import Relay, Tunnel, Word
from headrace.router.control import HoldAll
from headrace.router.router import Router
from headrace.router.session import Session, SessionFlag
from headrace.stream.limits import SessionLimits
from support.managed import ID, stanzas
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

    def __init__(self, *, apart: bool, limits: SessionLimits | None = None) -> None:
        """apart: connections are somebody else's."""
        self.apart = apart
        self.words: deque[tuple[Callable[[int, Any], None], int, Any]] = deque()    # on their way between both
        self.silent = False     # what is done with is not told
        self.untold = list[tuple[Callable[[int, Any], None], int, Any]]()
        self.notes = Notes()
        self.reactor = Reactor(asyncio.get_running_loop())
        self.router = Router(self.reactor, self.notes, limits=limits)
        self.router.add_host("localhost")
        self.clients: list[Client] = []

    def connection(self) -> tuple[Link, Tokenizer, socket.socket]:
        """Up to the stream header; our end and the client's."""
        near, far = socket.socketpair()
        near.setblocking(False)
        link = Link(self.reactor, near.detach(), ("127.0.0.1", 0))
        link.start(Sink())
        opened = EventReader(work=self.reactor.work)
        opened.feed(ROOT)
        return self._tunnel(link) if self.apart else link, opened.tokenizer, far

    def _tunnel(self, link: Link) -> Link:
        def to_tunnel(word: int, value: Any) -> None:
            tunnel.heard(word, value)

        relay = Relay(link, partial(self._tell, to_tunnel))
        tunnel = Tunnel(self.reactor, link.peer, partial(self._tell, relay.heard))
        assert tunnel.link is not None
        tunnel.link.start(Sink())
        relay.start(b"")
        return tunnel.link

    def _tell(self, whom: Callable[[int, Any], None], word: int, value: Any) -> None:
        if self.silent and word == Word.W_DONE:
            self.untold.append((whom, word, value))
            return
        self.words.append((whom, word, value))
        asyncio.get_running_loop().call_later(0.001, self._carry)

    def _carry(self) -> None:
        whom, word, value = self.words.popleft()
        whom(word, value)

    def go_on(self) -> None:
        self.silent = False
        for untold in self.untold:
            self._tell(*untold)

    async def client(self, jid: str) -> Client:
        link, tok, far = self.connection()
        self.router.load(jid.partition("/")[0], {})
        session = self.router.bind(link, tok, jid, None)
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


@asynccontextmanager
async def placed(*, apart: bool, limits: SessionLimits | None = None) -> AsyncIterator[Place]:
    place = Place(apart=apart, limits=limits)
    yield place
    for client in place.clients:
        client.writer.close()
    await place.settled(links=0, sessions=0, chunks=0)
    place.reactor.close()


@pytest.fixture(params=[False, True], ids=["ours", "another's"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    async with placed(apart=request.param) as place:
        yield place


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


def leave(client: Client, how: str) -> None:
    if how == "half":
        client.writer.write_eof()
    elif how == "reset":
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
    else:
        client.writer.close()


@pytest.mark.parametrize("how", ["close", "reset", "half"])
async def test_a_peer_that_goes(place: Place, how: str) -> None:
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    romeo.writer.write(b"<message to='juliet@localhost/b' id='1'/><mess")
    await juliet.read_until(b"id='1'")
    leave(romeo, how)
    await place.settled(sessions=1)
    assert romeo.session.flags & SessionFlag.S_ENDED
    place.router.route(b"<message from='localhost' to='romeo@localhost/a' type='headline'/>")


@pytest.mark.parametrize("how", ["close", "reset", "half"])
async def test_what_a_peer_that_goes_has_said(place: Place, how: str) -> None:
    """Though it was not read yet, for its requests take time."""
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    place.notes.answer = lambda session, stanza, reason: HoldAll(asyncio.sleep(0.1))
    message = b"<message to='juliet@localhost/b' id='%d'/>"
    romeo.writer.write(b"<iq type='set' id='r'><x xmlns='y'/></iq>" + b"".join(message % i for i in range(500)))
    await romeo.writer.drain()
    while romeo.session.link is None or not romeo.session.link.paused:
        await asyncio.sleep(0.005)
    romeo.writer.write(message % 500)
    leave(romeo, how)
    got = read(await juliet.read_until(b"id='500'"))
    assert [m.get("id") for m in got] == [str(i) for i in range(501)]
    await place.settled(sessions=1)


async def test_a_client_knows_what_it_has_got(place: Place) -> None:
    """Sooner than its session may: it resumes by another connection, before the first one's has told."""
    romeo, juliet = await place.client("romeo@localhost/a"), await place.client("juliet@localhost/b")
    romeo.session.manage(ID, 600)
    place.silent = True
    juliet.writer.write(b"<message to='romeo@localhost/a' id='1'/>")
    await romeo.read_until(b"/>")
    link, tok, far = place.connection()
    with pytest.raises(ValueError, match="send-count='1'"):
        romeo.session.attach(link, tok, 2, None)
    assert romeo.session.attach(link, tok, 1, None) == 0
    place.go_on()
    juliet.writer.write(b"<message to='romeo@localhost/a' id='2'/>")
    old = await romeo.read_until(b"</stream:stream>")
    assert b"<conflict " in old
    assert b"id=" not in old
    romeo.reader, writer = await asyncio.open_connection(sock=far)
    assert stanzas(read(await romeo.read_until(b"/>"))) == ["2"]
    place.router.end(romeo.session, "system-shutdown")
    writer.close()


@pytest.mark.parametrize("apart", [False, True])
async def test_a_client_that_was_silent_for_too_long_knows_it_too(apart: bool) -> None:
    """Its connection was given up with bytes on their way, which it got."""
    async with placed(apart=apart, limits=SessionLimits(idle_seconds=0.2)) as place:
        romeo = await place.client("romeo@localhost/a")
        romeo.session.manage(ID, 600)
        place.silent = True
        place.router.route(b"<message from='localhost' to='romeo@localhost/a' id='1'/>")
        await romeo.read_until(b"/>")
        while romeo.session.link is not None:
            await asyncio.sleep(0.01)
        place.go_on()
        link, tok, far = place.connection()
        assert romeo.session.attach(link, tok, 1, None) == 0
        place.router.end(romeo.session, "system-shutdown")
        far.close()
