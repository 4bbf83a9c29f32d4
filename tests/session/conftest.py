"""A c2s server on loopback, complete but for storage and modules, and raw clients for it."""

import asyncio
import ssl

import pytest
import trustme
import uvloop

from headrace.core.ns import CLIENT, STREAM
from headrace.net.limits import Admission
from headrace.net.listener import Listener
from headrace.net.reactor import Reactor
from headrace.net.tls import TlsContext
from headrace.router.router import Router
from headrace.session.backoff import Backoff
from headrace.session.c2s import C2S, C2SConfig
from headrace.session.derive import DerivePool
from headrace.session.fast import Fast
from support.negotiating import PLAIN, Accounts, Log, Tokens, auth, bind, eventually, services

OPEN = f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='localhost' version='1.0'>"
PATIENCE = 20  # s: longer than any wait of ours, shorter than the test's


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories():
    """The server's own loop, where pytest-asyncio lets one choose."""
    return {"uvloop": uvloop.new_event_loop}


class Control:
    """A control plane without modules; notes what it is asked."""

    def __init__(self):
        self.punted = []
        self.ended = []

    def punt(self, session, stanza, reason, number):
        self.punted.append(stanza)

    def available(self, session):
        pass

    def rose(self, session):
        pass

    def gone(self, session):
        self.ended.append(session.jid)


class Tables(Accounts):
    """Accounts whose tables go into the router; `gate` holds them back."""

    def __init__(self, router):
        super().__init__()
        self._router = router
        self.gate = asyncio.Event()     # while it is not set, everything here waits
        self.gate.set()

    async def get(self, jid):
        await self.gate.wait()
        return await super().get(jid)

    async def load(self, bare):
        await super().load(bare)
        await self.gate.wait()
        self._router.load(bare, {})


class Server:
    """One listener and what it needs; end it with close()."""

    def __init__(self, config, certificate, clock, client_ca=None):
        self.reactor = Reactor(asyncio.get_running_loop())
        self.control = Control()
        self.router = Router(self.reactor, self.control)
        self.router.add_host("localhost")
        self.accounts, self.log, self.admission = Tables(self.router), Log(), Admission()
        self.derive = DerivePool(threads=1, shared=self.admission.exempt)
        self.tokens = Tokens()
        backoff = Backoff(shared=self.admission.exempt)
        fast = Fast(self.tokens, b"k" * 32, now=clock)
        tls = TlsContext(*certificate, client_ca=client_ca)
        shared = services(self.accounts, self.router, log=self.log, fast=fast, pool=self.derive, backoff=backoff,
                          clock=clock, realm={"certificates": client_ca is not None})
        self.logins = shared.logins
        self.c2s = C2S(config, shared, tls)
        self.listener = Listener(self.reactor, "127.0.0.1", 0, on_link=self.c2s.on_link, limits=self.admission,
                                 tls=tls if config.tls in ("direct", "any") else None, either=config.tls == "any")
        self.listener.start()

    async def close(self):
        self.listener.close()
        self.derive.close()
        await self.links(0)
        self.reactor.close()

    async def links(self, count):
        """Wait until so many connections are open."""
        await eventually(lambda: self.reactor.links == count)


class Client:
    """A socket that speaks what the test says."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.got = b""

    def send(self, *parts):
        self.writer.write("".join(parts).encode())

    async def until(self, mark):
        """What came up to and including `mark`."""
        mark = mark.encode()
        async with asyncio.timeout(PATIENCE):
            while mark not in self.got:
                more = await self.reader.read(65536)
                assert more, f"the end came before {mark!r}: {self.got!r}"
                self.got += more
        end = self.got.index(mark) + len(mark)
        answer, self.got = self.got[:end], self.got[end:]
        return answer.decode()

    async def rest(self):
        """All that comes before the end."""
        async with asyncio.timeout(PATIENCE):
            while more := await self.reader.read(65536):
                self.got += more
        self.writer.close()
        answer, self.got = self.got, b""
        return answer.decode()

    async def open(self):
        self.send(OPEN)
        return await self.until("</stream:features>")

    async def login(self, resource="r"):
        """A bound session."""
        self.send(OPEN, auth("PLAIN", PLAIN), OPEN, bind(resource))
        return await self.until("</iq>")

    async def secure(self, context):
        async with asyncio.timeout(PATIENCE):
            await self.writer.start_tls(context, server_hostname="localhost")


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority, tmp_path_factory):
    """Files of a certificate for localhost, and of its key."""
    folder, issued = tmp_path_factory.mktemp("tls"), authority.issue_cert("localhost")
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    return chain, key


@pytest.fixture
def trusting(authority):
    """A client's TLS context."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
async def serve(certificate):
    """serve(C2SConfig(...)) -> Server; ended after the test with all its clients."""
    servers = []

    def start(config=None, clock=lambda: 0.0, client_ca=None):
        servers.append(Server(config or C2SConfig(tls="optional"), certificate, clock, client_ca))
        return servers[-1]

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def connect():
    """connect(server, ssl=None) -> Client; closed after the test."""
    clients = []

    async def start(server, tls=None):
        name = "localhost" if tls else None
        streams = await asyncio.open_connection("127.0.0.1", server.listener.port, ssl=tls, server_hostname=name)
        clients.append(Client(*streams))
        return clients[-1]

    yield start
    for client in clients:
        client.writer.transport.abort()
