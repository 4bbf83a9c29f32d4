"""A proxy between the server and its database, that delays what passes or breaks off.

    with proxy(postgres.folder / ".s.PGSQL.5432") as line:
        ... connect to ("127.0.0.1", line.port) ...
        line.delay = 2.0        # s, each way
        line.cut_after = b"COMMIT"      # the answer to the next piece with it never comes: a reset comes instead
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path


class Proxy:
    """Its attributes may be set at any time, from the thread of the test."""

    def __init__(self, target: Path) -> None:
        """target: a Unix socket."""
        self.delay = 0.0        # s before a piece goes on
        self.cut_after = b""
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()

    def serve(self, ready: threading.Event) -> None:
        """In a thread of its own, until stop()."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        except OSError:     # it is stopped
            writer.transport.abort()
            return
        doomed = asyncio.Event()
        there = asyncio.ensure_future(self._pump(reader, far_writer, partial(self._sent, doomed)))
        back = asyncio.ensure_future(self._pump(far_reader, writer, partial(self._came, doomed)))
        with contextlib.suppress(OSError):
            await asyncio.gather(there, back)
        for end in (writer, far_writer):
            end.transport.abort()

    def _sent(self, doomed: asyncio.Event, data: bytes) -> None:
        if self.cut_after and self.cut_after in data:
            self.cut_after = b""
            doomed.set()

    def _came(self, doomed: asyncio.Event, data: bytes) -> None:
        if doomed.is_set():
            raise ConnectionResetError

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                    look: Callable[[bytes], None]) -> None:
        """Piece by piece, each held for as long as `delay` said when it came."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.ensure_future(self._send(pieces, writer))
        try:
            while data := await reader.read(65536):
                look(data)
                pieces.put_nowait((time.monotonic() + self.delay, data))
            pieces.put_nowait((0.0, b""))
            await sending
        finally:
            sending.cancel()
            writer.close()

    async def _send(self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while (piece := await pieces.get())[1]:
            await asyncio.sleep(piece[0] - time.monotonic())
            writer.write(piece[1])


@contextmanager
def proxy(target: Path) -> Iterator[Proxy]:
    line, ready = Proxy(target), threading.Event()
    thread = threading.Thread(target=line.serve, args=[ready], name="proxy")
    thread.start()
    try:
        ready.wait()
        yield line
    finally:
        line.stop()
        thread.join()
