"""Two workers in one process, for the seam of protocol.md 19: `python twins.py serve --config FILE`.

They share a storage, an event loop and listeners, which deal connections to them in turn; what is for an account whose
home is the other worker goes over a bus in memory, which delays all that it carries. Each line on its standard input
the process answers with one, once nothing is under way between them.
"""

import asyncio
import contextlib
import random
import signal
import sys
from collections import deque
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import uvloop
from structlog.typing import FilteringBoundLogger

from headrace.cluster.ports import Place, Receive
from headrace.modules.api import Context
from headrace.net.link import Link, Sink
from headrace.net.tls import TlsContext
from headrace.server.app import App
from headrace.server.config import Config, ListenerConfig, load
from headrace.server.log import configure

WORKERS = 2
DELAY = 0.004  # s at most, for a hand-over
SEED = 19


class Bus:
    """All channels of all pairs; what goes from one worker to another stays in order."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._ends: dict[tuple[int, str], Receive] = {}
        self._queues: dict[tuple[int, int], deque[tuple[float, str, bytes]]] = {}
        self.carried = 0

    @property
    def idle(self) -> bool:
        return not any(self._queues.values())

    def listen(self, worker: int, channel: str, receive: Receive) -> None:
        self._ends[worker, channel] = receive

    def send(self, sender: int, worker: int, channel: str, message: bytes) -> None:
        assert isinstance(message, bytes)
        queue = self._queues.setdefault((sender, worker), deque())
        loop = asyncio.get_running_loop()
        due = max(queue[-1][0] if queue else 0.0, loop.time() + self._random.random() * DELAY)
        queue.append((due, channel, message))
        if len(queue) == 1:
            loop.call_at(due, self._deliver, sender, worker)

    def _deliver(self, sender: int, worker: int) -> None:
        queue, loop = self._queues[sender, worker], asyncio.get_running_loop()
        _, channel, message = queue[0]
        self.carried += 1
        try:
            self._ends[worker, channel](sender, message)
        finally:
            queue.popleft()
            if queue:
                loop.call_at(queue[0][0], self._deliver, sender, worker)


class End:
    """headrace.cluster.ports.Bus, of one worker."""

    def __init__(self, bus: Bus, here: int) -> None:
        self._bus = bus
        self._here = here

    def send(self, worker: int, channel: str, message: bytes) -> None:
        self._bus.send(self._here, worker, channel, message)

    def listen(self, channel: str, receive: Receive) -> None:
        self._bus.listen(self._here, channel, receive)


class Second(App):
    """Lives on what the first one has opened."""

    async def join(self, first: App) -> None:
        self.storage, self.admission, self.derive = first.storage, first.admission, first.derive
        self.reactor, self.pairs, self.tls = first.reactor, first.pairs, first.tls
        context = await self._build()
        context.marks.start()

    def clients(self, settings: ListenerConfig) -> Callable[[Link], Sink | None]:
        return self._clients(settings).on_link

    def leave(self) -> None:
        self.logins.end("system-shutdown")
        if self.dispatcher is not None:
            for session in self.router.everybody():
                self.router.end(session, "system-shutdown")

    async def finish(self) -> None:
        if self.dispatcher is not None:
            await self.dispatcher.close()
        if self.marks is not None:
            await self.marks.stop()


class First(App):
    """Has the listeners."""

    def __init__(self, config: Config, log: FilteringBoundLogger) -> None:
        self.bus = Bus()
        super().__init__(config, log, Place(0, WORKERS, End(self.bus, 0)))
        self.second = Second(config, log, Place(1, WORKERS, End(self.bus, 1)))

    async def _build(self) -> Context:
        context = await super()._build()
        await self.second.join(self)
        return context

    def _server_side(self, settings: ListenerConfig) -> tuple[TlsContext, Callable[[Link], Sink | None]]:
        tls, on_link = super()._server_side(settings)
        if settings.kind != "c2s":
            return tls, on_link
        turns = cycle([on_link, self.second.clients(settings)])

        def deal(link: Link) -> Sink | None:
            return next(turns)(link)

        return tls, deal

    async def stop(self) -> None:
        for listener in self.listeners:
            listener.close()
        self.second.leave()
        if self.dispatcher is not None:
            for session in self.router.everybody():
                self.router.end(session, "system-shutdown")
        await self._links_gone()
        await self.second.finish()
        await super().stop()

    async def settled(self) -> None:
        """Nothing is under way, on the bus or in a turn that has not ended."""
        quiet = 0
        while quiet < 3:
            for worker in (self, self.second):
                assert worker.router.neighbours is not None
                await worker.router.neighbours.settled()
            await asyncio.sleep(0 if self.bus.idle else 0.001)
            quiet = quiet + 1 if self.bus.idle else 0


async def answer(app: First) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        await app.settled()
        print(app.bus.carried, flush=True)


async def main(config: Config) -> None:
    app = First(config, configure(config.log))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await app.start()
    answering = asyncio.get_running_loop().create_task(answer(app))
    await ended.wait()
    answering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await answering
    await app.stop()


if __name__ == "__main__":
    uvloop.run(main(load(Path(sys.argv[sys.argv.index("--config") + 1]))))
