"""Streams on asyncio: order, restarts between two events, back-pressure, TLS, ends."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from headrace import aio
from headrace.core.ns import SASL, TLS
from headrace.stream import Event, Stanza, StreamClose, StreamError, StreamOpen
from support.streams import HEADER

PROCEED = f"<proceed xmlns='{TLS}'/>".encode()


@asynccontextmanager
async def served(handler: aio.Handler) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection to a server with this handler."""
    async with await aio.serve(handler, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


class Recorder:
    """A handler that keeps the events, and can be waited for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = asyncio.Event()

    async def __call__(self, stream: aio.Stream) -> None:
        async for event in stream:
            self.events.append(event)
        self.ended.set()

    @property
    def names(self) -> list[str]:
        return [event.name if isinstance(event, Stanza) else type(event).__name__ for event in self.events]


async def test_events_in_order_to_the_end() -> None:
    recorder = Recorder()
    async with served(recorder) as (reader, writer):
        for piece in (HEADER[:9], HEADER[9:] + b"<message/><pre", b"sence/> <iq/>", b"</stream:stream>"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        await recorder.ended.wait()
        assert await reader.read() == b""
    assert recorder.names == ["StreamOpen", "message", "presence", "iq", "StreamClose"]


async def test_an_error_ends_the_iteration() -> None:
    recorder = Recorder()
    async with served(recorder) as (_, writer):
        writer.write(HEADER + b"<message></iq><message/>")
        await recorder.ended.wait()
    assert recorder.names == ["StreamOpen", "StreamError"]
    assert isinstance(recorder.events[1], StreamError)
    assert recorder.events[1].condition == "not-well-formed"


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_restart_between_two_events(at_once: bool) -> None:
    seen: list[str] = []
    done = asyncio.Event()

    async def handler(stream: aio.Stream) -> None:
        async for event in stream:
            seen.append(event.name if isinstance(event, Stanza | StreamOpen) else "close")
            if isinstance(event, Stanza) and event.name == "response":
                stream.reset()
                stream.write(b"go on")
        done.set()

    response = f"<response xmlns='{SASL}'/>".encode()
    async with served(handler) as (reader, writer):
        writer.write(HEADER + response)
        if not at_once:
            assert await reader.readexactly(5) == b"go on"
        writer.write(HEADER + b"<message/></stream:stream>")
        writer.write_eof()
        await done.wait()
    assert seen == ["stream", "response", "stream", "message", "close"]


async def test_going_on_without_a_restart() -> None:
    recorder = Recorder()
    challenge = f"<challenge xmlns='{SASL}'/>".encode()
    async with served(recorder) as (_, writer):
        writer.write(HEADER + challenge * 2 + b"<message/>")
        writer.write_eof()
        await recorder.ended.wait()
    assert recorder.names == ["StreamOpen", "challenge", "challenge", "message"]


async def test_a_slow_handler_slows_its_peer() -> None:
    go_on = asyncio.Event()
    streams: list[aio.Stream] = []
    recorder = Recorder()

    async def handler(stream: aio.Stream) -> None:
        streams.append(stream)
        await go_on.wait()
        await recorder(stream)

    message = b"<message>" + b"x" * 1000 + b"</message>"
    async with served(handler) as (_, writer):
        writer.write(HEADER + message * 20_000)
        while not (streams and not streams[0].transport.is_reading()):
            await asyncio.sleep(0.01)
        for _ in range(100):    # whatever more would come
            await asyncio.sleep(0)
        assert not streams[0].transport.is_reading()
        go_on.set()
        await writer.drain()
        writer.write_eof()
        await recorder.ended.wait()
    assert recorder.names == ["StreamOpen"] + ["message"] * 20_000


async def test_a_slow_peer_slows_the_handler() -> None:
    written, ended = [0], asyncio.Event()

    async def handler(stream: aio.Stream) -> None:
        for _ in range(1000):
            stream.write(b"x" * 100_000)
            written[0] += 1
            await stream.drain()
        ended.set()

    async with served(handler) as (reader, _):
        await reader.readexactly(1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert written[0] < 1000
        left = 1000 * 100_000 - 1
        while left:
            left -= len(await reader.read(1 << 20))
        await ended.wait()


async def test_a_peer_that_leaves_frees_who_waits_to_write() -> None:
    ended = asyncio.Event()

    async def handler(stream: aio.Stream) -> None:
        stream.write(b"x" * 50_000_000)
        await stream.drain()
        ended.set()

    async with served(handler) as (_, writer):
        writer.transport.abort()
        await ended.wait()


async def test_what_a_handler_raises_closes_the_connection() -> None:
    raised: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))

    async def handler(stream: aio.Stream) -> None:
        raise KeyError("mine")

    async with served(handler) as (reader, _):
        assert await reader.read() == b""


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


async def test_starttls_forgets_what_came_before() -> None:
    server_side, client_side = contexts()
    recorder = Recorder()

    async def handler(stream: aio.Stream) -> None:
        async for event in stream:
            recorder.events.append(event)
            if isinstance(event, Stanza) and event.name == "starttls":
                stream.write(PROCEED)
                await stream.start_tls(server_side, server_side=True)
                await recorder(stream)
                return

    async with await aio.serve(handler, "127.0.0.1", 0) as server:
        stream = await aio.connect(*server.sockets[0].getsockname())
        stream.write(HEADER + f"<starttls xmlns='{TLS}'/>".encode() + HEADER + b"<message>injected</message>")
        stream.parser.feed(HEADER)      # the server's header, which this handler does not send
        assert isinstance(proceed := await anext(stream), Stanza)
        assert proceed.name == "proceed"
        await stream.start_tls(client_side, host="localhost")
        stream.write(HEADER + b"<presence/></stream:stream>")
        while len(recorder.events) < 5:
            await asyncio.sleep(0.01)
        stream.close()
        await recorder.ended.wait()
    assert recorder.names == ["StreamOpen", "starttls", "StreamOpen", "presence", "StreamClose"]
    assert recorder.events[-1] == StreamClose()


async def test_a_handshake_that_fails() -> None:
    server_side, _ = contexts()
    failed: list[BaseException] = []

    async def handler(stream: aio.Stream) -> None:
        try:
            await stream.start_tls(server_side, server_side=True)
        except (ssl.SSLError, OSError) as error:
            failed.append(error)

    async with served(handler) as (reader, writer):
        writer.write(b"no TLS at all, this")
        await reader.read()
    assert len(failed) == 1


async def test_nobody_listens(free_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await aio.connect("127.0.0.1", free_port)
