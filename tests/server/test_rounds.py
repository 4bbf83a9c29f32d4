"""Coming and going leaves nothing behind, with nobody to collect garbage (native.md, "Memory and garbage")."""

import asyncio
import base64
import contextlib
import gc
import socket
import ssl
import struct
from pathlib import Path

import pytest
import structlog

from headrace.sasl.credentials import MIN_ITERATIONS, make
from headrace.server.app import App
from headrace.server.config import Config, HostConfig, ListenerConfig
from headrace.storage.ports import RosterItem

ROUNDS = 1_000
AT_ONCE = 20
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"

OPEN = b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
AUTH = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>"
BIND = b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>%s</bind></iq>"
LIFE = (b"<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>"
        b"<presence to='juliet@localhost/home'/><message to='juliet@localhost'><body>Hi</body></message>"
        b"<message to='romeo@localhost' type='chat'><body>Hi</body></message>")
END = b"</stream:stream>"


def login(user: str, resource: bytes) -> bytes:
    """Everything up to a bound resource; a client that knows the server need not wait for answers."""
    name = base64.b64encode(f"\0{user}\0secret".encode())
    return OPEN + AUTH % name + OPEN + BIND % resource


class Visits:
    """Each round one connection, in one of the ways in which they come and go."""

    def __init__(self, app: App, certificate: Path) -> None:
        self.plain, self.direct = (listener.port for listener in app.listeners)
        self.trust = ssl.create_default_context(cafile=str(certificate))

    async def visit(self, number: int) -> None:
        way = (self.polite, self.half, self.reset, self.fickle, self.secure, self.rival)[number % 6]
        await way(("romeo", "juliet")[number // 6 % 2])

    async def polite(self, user: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.write(login(user, b"") + LIFE + END)
        await self.see_out(reader, writer)

    async def half(self, user: str) -> None:
        """Its end of file is all it says at the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.write(login(user, b"") + LIFE)
        writer.write_eof()
        await self.see_out(reader, writer)

    async def reset(self, user: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.write(login(user, b"") + LIFE)
        await reader.readuntil(b"</iq>")
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def fickle(self, user: str) -> None:
        """Gone before it was logged in."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.write(login(user, b"")[:-100])
        writer.close()

    async def secure(self, user: str) -> None:
        tls = {"ssl": self.trust, "server_hostname": "localhost"}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.direct, **tls)
        writer.write(login(user, b"") + LIFE + END)
        await self.see_out(reader, writer)

    async def rival(self, user: str) -> None:
        """Wants a resource that another may have, and stays until it is thrown out or leaves."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        writer.write(login(user, b"<resource>home</resource>") + LIFE)
        await reader.readuntil(b"</iq>")
        writer.write(END)
        await self.see_out(reader, writer)

    async def see_out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads until the server has had its say; a rival's connection may be gone before that."""
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def start(folder: Path) -> App:
    listeners = (ListenerConfig("c2s", "127.0.0.1", 0, "optional"), ListenerConfig("c2s", "127.0.0.1", 0, "direct"))
    config = Config(folder, listeners, (HostConfig("localhost"),), iterations=MIN_ITERATIONS, durability="process")
    app = App(config, structlog.wrap_logger(structlog.ReturnLogger()))
    await app.start()
    secret = make("secret", iterations=MIN_ITERATIONS)
    await app.storage.accounts.create_many([(ROMEO, secret), (JULIET, secret)])
    await app.storage.roster.put_pair(ROMEO, RosterItem(JULIET, subscription="both"),
                                      JULIET, RosterItem(ROMEO, subscription="both"))
    return app


def left(app: App) -> dict[str, int]:
    """What is still there of those who came."""
    counters = app.reactor.counters()
    names = ("links", "sessions", "chunks", "handshakes_in_progress", "handshakes_waiting", "deadlines")
    found = {name: counters[name] for name in names}
    found["admitted"], found["unauthenticated"] = app.admission.open, app.admission.unauthenticated
    found["accounts"] = sum(map(app.router.loaded, (ROMEO, JULIET)))
    return {name: count for name, count in found.items() if count}


@pytest.mark.timeout(1_200)
async def test_rounds_leave_nothing(tmp_path: Path, soak: int) -> None:
    app = await start(tmp_path)
    visits = Visits(app, tmp_path / "certificates" / "localhost.crt")
    gc.collect()
    gc.disable()
    try:
        for first in range(0, ROUNDS * soak, AT_ONCE):
            await asyncio.gather(*map(visits.visit, range(first, first + AT_ONCE)))
        for _ in range(1_000):
            if not left(app):
                break
            await asyncio.sleep(0.01)
        assert left(app) == {}
        assert app.reactor.counters()["stanzas_received"] > 2 * ROUNDS * soak   # they did log in
    finally:
        gc.enable()
        await app.stop()
