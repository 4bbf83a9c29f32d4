"""A listener with recording sinks on uvloop and on asyncio's own loop, and certificates to serve."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio
import trustme
import uvloop
from tests.support.native import build

from headrace.net.limits import Admission
from headrace.net.link import Link
from headrace.net.listener import Listener
from headrace.net.reactor import Reactor
from headrace.net.tls import TlsContext


@pytest.fixture(scope="session")
def pysink() -> ModuleType:
    return build("pysink")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.SelectorEventLoop}


@dataclass
class Authority:
    """A certificate authority of the tests, and files made by it."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.file = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, stem: str | None = None) -> tuple[Path, Path]:
        made = self.ca.issue_cert(name, key_type=trustme.KeyType.ECDSA)
        chain, key = self.folder / f"{stem or name}.crt", self.folder / f"{stem or name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return chain, key

    def client(self, **options: Any) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.file))
        for name, value in options.items():
            setattr(context, name, value)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def server_tls(authority: Authority) -> TlsContext:
    return TlsContext(*authority.issue("localhost"))


class Bench:
    """One reactor and what was opened on it."""

    def __init__(self, pysink: ModuleType, **options: Any) -> None:
        self.pysink = pysink
        self.loop = asyncio.get_running_loop()
        self.reactor = Reactor(self.loop, **options)
        self.listeners: list[Listener] = []
        self.sinks: list[Any] = []
        self.peers: list[socket.socket] = []
        self.lines: list[str] = []
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))

    def listen(self, *, tls: TlsContext | None = None, either: bool = False, limits: Admission | None = None,
               on_link: Callable[[Link], Any] | None = None, **sink: Any) -> Listener:
        def make(link: Link) -> Any:
            made = self.pysink.PySink(link, **sink)
            self.sinks.append(made)
            return made

        listener = Listener(self.reactor, "127.0.0.1", 0, on_link=on_link or make, tls=tls, either=either,
                            limits=limits or Admission(), log=self.lines.append)
        listener.start()
        self.listeners.append(listener)
        return listener

    def pair(self, kind: int = socket.SOCK_STREAM, **sink: Any) -> tuple[Any, socket.socket]:
        """A started plain link's sink and the peer's socket (blocking, with a time-out)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self.peers.append(theirs)
        theirs.settimeout(10)
        return self.adopt(ours, **sink), theirs

    def adopt(self, ours: socket.socket, tls: TlsContext | None = None, server_name: str | None = None,
              **sink: Any) -> Any:
        """A sink on a link over a connected socket."""
        ours.setblocking(False)
        link = Link(self.reactor, ours.detach(), ("", 0))
        made = self.pysink.PySink(link, **sink)
        self.sinks.append(made)
        link.start(made, tls, server_name)
        return made

    def secure_pair(self, server: TlsContext, client: TlsContext, name: str = "localhost") -> tuple[Any, Any]:
        """Sinks of two links of ours that talk TLS to each other: server's, client's."""
        ours, theirs = socket.socketpair()
        return self.adopt(ours, server), self.adopt(theirs, client, name)

    async def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Let the loop turn until the condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.002)

    async def turns(self, count: int = 5) -> None:
        for _ in range(count):
            await asyncio.sleep(0.001)

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A blocking call beside the loop."""
        return await self.loop.run_in_executor(None, function, *arguments)

    async def close(self) -> None:
        for listener in self.listeners:
            listener.close()
        for sink in self.sinks:
            sink.link.abort()
        await self.until(lambda: self.reactor.links == 0)
        for peer in self.peers:
            peer.close()
        self.reactor.close()


@pytest_asyncio.fixture
async def bench(pysink: ModuleType, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A bench; Reactor's options by indirect parameters. At the end nothing is open and nothing was reported."""
    made = Bench(pysink, **getattr(request, "param", {}))
    yield made
    await made.close()
    counters = made.reactor.counters()
    for gauge in ("links", "chunks", "handshakes_in_progress", "handshakes_waiting", "deadlines"):
        assert counters[gauge] == 0, gauge
    assert made.errors == []


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """How many descriptors this process has open."""
    return lambda: len(list(Path("/proc/self/fd").iterdir()))
