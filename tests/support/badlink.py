"""A way to the server that cuts, stalls and resets connections at random.

    async with BadLink(server.plain, random.Random(7)) as link:
        ... connect to ("127.0.0.1", link.port) ...
        link.calm = True        # from now on all passes
"""

import asyncio
import random
from types import TracebackType

PIECE = 1_200       # bytes that pass at once
LONGEST_STALL = 0.3     # s


class BadLink:
    def __init__(self, target: int, dice: random.Random, *, trouble: float = 0.02) -> None:
        """target: a TCP port here. trouble: how likely each piece is to meet with some."""
        self.target = target
        self.calm = False
        self.port = 0
        self.cuts = self.stalls = self.resets = 0
        self._dice = dice
        self._trouble = trouble
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "BadLink":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        for source, sink, other in ((reader, away, writer), (there, writer, away)):
            task = asyncio.create_task(self._pass_on(source, sink, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter,
                       other: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(PIECE):
                if not self.calm and self._dice.random() < self._trouble:
                    data = await self._meet_with_trouble(data)
                sink.write(data)
                await sink.drain()
            sink.close()
        except _Cut as cut:
            sink.write(cut.last)
            sink.close()
            other.transport.abort()
        except (ConnectionError, asyncio.CancelledError):
            sink.transport.abort()
            other.transport.abort()

    async def _meet_with_trouble(self, data: bytes) -> bytes:
        """A stall, after which all goes on; else the rest of the piece is lost, with all that comes behind it."""
        kind = self._dice.choice(("stall", "cut", "reset"))
        if kind == "stall":
            self.stalls += 1
            await asyncio.sleep(self._dice.uniform(0, LONGEST_STALL))
            return data
        if kind == "reset":
            self.resets += 1
            raise ConnectionResetError
        self.cuts += 1
        raise _Cut(data[:self._dice.randrange(len(data))])


class _Cut(Exception):
    """The connection ends politely behind these bytes."""

    def __init__(self, last: bytes) -> None:
        super().__init__()
        self.last = last
