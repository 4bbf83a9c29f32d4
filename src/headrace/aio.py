"""XMPP streams on asyncio, the embedder's shortest road: a connection is an iteration over its events.

    async def handle(stream: Stream) -> None:
        async for event in stream:      # StreamOpen, Stanza, StreamClose, StreamError
            stream.write(...)
            await stream.drain()

    server = await serve(handle, "127.0.0.1", 5222)
    stream = await connect("127.0.0.1", 5222)

Bytes are parsed when an event is asked for, and no sooner. So a handler can restart the stream, or begin TLS, between
two events; and a handler that is slow slows its peer, not the process. Nothing here writes headers, features or errors:
headrace.stream has what makes them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from ssl import SSLContext

from headrace.core.limits import CLIENT, FROM_SERVER, Limits
from headrace.stream import Event, Scratch, StreamParser

Handler = Callable[["Stream"], Awaitable[None]]

UNREAD = 64 * 1024
"""Bytes that wait for the handler before reading from the socket is paused: what asyncio's own streams take."""


class Stream(asyncio.Protocol):
    """One connection. The peer's end ends the iteration; then, or when the handler returns, it is closed.

    parser: of what the peer sends. transport: asyncio's, for addresses and the like.
    """

    transport: asyncio.Transport

    def __init__(self, parser: StreamParser, handler: Handler | None = None) -> None:
        self.parser = parser
        self._handler = handler
        self._task: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._ended = False
        self._more = asyncio.Event()        # there is a piece, or the end
        self._writable = asyncio.Event()
        self._writable.set()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if not (self._pieces or self.parser.stopped or self.parser.rest):
                if self._ended or self.parser.failed:
                    raise StopAsyncIteration
                self._more.clear()
                await self._more.wait()
            self._events.extend(self.parser.feed(self._piece()))
        return self._events.popleft()

    def _piece(self) -> bytes:
        """What to parse next: what stands behind a stop is in the parser already."""
        if self.parser.stopped or not self._pieces:
            return b""
        piece = self._pieces.popleft()
        self._unread -= len(piece)
        if not self._pieces and not self._ended:
            self.transport.resume_reading()
        return piece

    def write(self, data: bytes) -> None:
        """Sends it as it is. await drain() now and then."""
        self.transport.write(data)

    async def drain(self) -> None:
        """Waits while the peer reads too slowly; returns at once if it is gone."""
        await self._writable.wait()

    def reset(self) -> None:
        """The peer begins a new document: after SASL."""
        self.parser.reset()

    async def start_tls(self, context: SSLContext, *, server_side: bool = False, host: str | None = None) -> None:
        """TLS, and a new document: call it upon <proceed/>, or directly behind writing it, with no await between.

        What came in plain text and is unread is forgotten (CVE-2011-0411). Raises what asyncio's start_tls() raises.
        """
        self.parser.reset(drop_rest=True)
        self._pieces.clear()
        self._unread = 0
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self.transport, self, context, server_side=server_side, server_hostname=host)
        if transport is None:
            raise ConnectionResetError("the peer left during the TLS handshake")
        self.transport = transport

    def close(self) -> None:
        """Closes the connection once everything has been sent."""
        self.transport.close()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._handler is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(self._handler))

    async def _run(self, handler: Handler) -> None:
        try:
            await handler(self)
        finally:
            self.close()

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._unread += len(data)
        if self._unread > UNREAD:
            self.transport.pause_reading()
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._more.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


async def serve(handler: Handler, host: str, port: int, *, limits: Limits = CLIENT,
                ssl: SSLContext | None = None) -> asyncio.Server:
    """Runs `handler` for each connection, as a task; what it raises goes to the loop's exception handler."""
    scratch = Scratch()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Stream(StreamParser(limits, scratch=scratch), handler), host, port, ssl=ssl)


async def connect(host: str, port: int, *, limits: Limits = FROM_SERVER, ssl: SSLContext | None = None) -> Stream:
    """A connection to a server; nothing has been sent. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: Stream(StreamParser(limits)), host, port, ssl=ssl)
    return stream
