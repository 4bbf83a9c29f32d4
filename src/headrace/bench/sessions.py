"""Connections that are logged in and set up as the switches say."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from xml.etree.ElementTree import Element

from headrace.bench.client import Client
from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.login import Login, Memory
from headrace.bench.options import Options
from headrace.bench.users import Account
from headrace.bench.wire import Wire, stanza_error
from headrace.core import ns
from headrace.core.writer import escape
from headrace.net.link import Link
from headrace.net.reactor import Reactor
from headrace.net.sockets import tune
from headrace.net.tls import TlsContext

Job = TypeVar("Job")
Result = TypeVar("Result")
PREFS = f"<prefs xmlns='{ns.MAM}' default='always'/>"


@dataclass(slots=True)
class Session:
    """A user's connection."""

    account: Account
    wire: Wire
    jid: str = ""           # with its resource
    resumption: str = ""    # XEP-0198: id of the stream, if it can be resumed

    @property
    def client(self) -> Client:
        return self.wire.client

    @property
    def bare(self) -> str:
        return self.jid.partition("/")[0]


class Sessions:
    """Makes them, and knows those that are open."""

    def __init__(self, reactor: Reactor, options: Options) -> None:
        self.reactor = reactor
        self.options = options
        self.memory = Memory()
        self.open: list[Session] = []
        alpn = ("xmpp-client",) if options.tls == "direct" else ()
        self.tls = TlsContext.client(ca_file=options.ca_file, verify=options.ca_file is not None, alpn=alpn)
        self._address: tuple[int, tuple[object, ...]] | None = None

    async def connect(self, who: str) -> Wire:
        """A connection on which nothing has been said. Raises BenchError."""
        options = self.options
        family, address = await self._resolve()
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            await self.reactor.loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            why = os.strerror(error.errno) if error.errno else str(error)
            raise BenchError(f"{options.host} port {options.where}: {why}") from None
        tune(sock.fileno())
        wire = Wire(who)
        link = Link(self.reactor, sock.detach(), (options.host, options.where))
        wire.client = Client(link, wire)
        direct = options.tls == "direct"
        link.start(wire.client, self.tls if direct else None, options.domain)
        if direct:
            await wire.secure()
        return wire

    async def _resolve(self) -> tuple[int, tuple[object, ...]]:
        if self._address is None:
            try:
                found = await self.reactor.loop.getaddrinfo(self.options.host, self.options.where,
                                                            type=socket.SOCK_STREAM)
            except OSError as error:
                raise BenchError(f"{self.options.host}: {error.strerror}") from None
            self._address = found[0][0], found[0][4]
        return self._address

    def login(self, wire: Wire, account: Account, resource: str) -> Login:
        return Login(wire, account, resource, options=self.options, memory=self.memory, tls=self.tls)

    async def log_in(self, account: Account, resource: str) -> tuple[Session, Element]:
        """A bound resource that has not said anything, and the features of its stream."""
        wire = await self.connect(f"{account.name}@{self.options.domain}")
        try:
            bound = await self.login(wire, account, resource).run()
        except BaseException:
            wire.cut()
            raise
        return Session(account, wire, bound.jid), bound.features

    async def start(self, account: Account, resource: str = "load", *, available: bool = True) -> Session:
        """A connection with all that the switches ask for, available. Raises BenchError."""
        async with patience(self.options.patience, f"{account.name}@{self.options.domain}: the login"):
            session, features = await self.log_in(account, resource)
            try:
                await self._set_up(session, features, available)
            except BaseException:
                session.wire.cut()
                raise
        session.wire.negotiating = False
        self.open.append(session)
        return session

    async def _set_up(self, session: Session, features: Element, available: bool) -> None:
        wire, options = session.wire, self.options
        if options.sm:
            if features.find(f"{{{ns.SM}}}sm") is None:
                raise NotOffered("the server does not offer stream management (XEP-0198)")
            await self._manage(session)
        if options.csi and features.find(f"{{{ns.CSI}}}csi") is None:
            raise NotOffered("the server does not offer client state indication (XEP-0352)")
        if options.carbons:
            answer = await wire.ask(f"<enable xmlns='{ns.CARBONS}'/>", type="set")
            _offered(answer.type == "result", f"message carbons (XEP-0280): {stanza_error(answer)}")
        if options.archive:
            answer = await wire.ask(PREFS, type="set")
            _offered(answer.type == "result", f"an archive (XEP-0313): {stanza_error(answer)}")
        if available:
            wire.client.send_stanza(b"<presence/>")
        await wire.ask(f"<ping xmlns='{ns.PING}'/>", to=options.domain)      # it has dealt with all that
        if options.csi:
            wire.client.send(f"<active xmlns='{ns.CSI}'/>".encode())

    async def _manage(self, session: Session) -> None:
        session.client.send(f"<enable xmlns='{ns.SM}' resume='true'/>".encode())
        while (answer := await session.wire.next()).namespace != ns.SM:
            pass        # a stanza, ahead of it
        if answer.name != "enabled":
            raise BenchError(f"{session.wire.who}: stream management is refused")
        session.resumption = answer.element().get("id", "")

    async def start_all(self, accounts: Sequence[Account], devices: int = 1, *, available: bool = True,
                        progress: Callable[[int], None] = lambda done: None) -> list[Session]:
        """One for each account and device, those of an account side by side; so many logins at once as allowed."""
        jobs = [(account, "load" if device == 0 else f"load{device}")
                for account in accounts for device in range(devices)]
        done = 0

        async def one(job: tuple[Account, str]) -> Session:
            nonlocal done
            session = await self.start(*job, available=available)
            done += 1
            progress(done)
            return session

        return await several(jobs, one, self.options.at_once)

    async def register_all(self, accounts: Sequence[Account], progress: Callable[[int], None]) -> None:
        """In-band (XEP-0077), on a connection each, as servers want it. One that exists already is fine."""
        done = 0

        async def one(account: Account) -> None:
            nonlocal done
            async with patience(self.options.patience, "the registration"):
                await self._register(account)
            done += 1
            progress(done)

        await several(accounts, one, self.options.at_once)

    async def _register(self, account: Account) -> None:
        wire = await self.connect(f"{account.name}@{self.options.domain}")
        try:
            await self.login(wire, account, "").before()
            wire.negotiating = False
            form = f"<username>{escape(account.name)}</username><password>{escape(account.password)}</password>"
            answer = await wire.ask(f"<query xmlns='{ns.REGISTER}'>{form}</query>", type="set")
            why = "" if answer.type == "result" else stanza_error(answer)
        except BenchError as error:
            if wire.negotiating:
                raise
            why = str(error)
        finally:
            wire.leave()
        if why and not why.startswith("conflict"):
            raise NotOffered(f"the server does not let {account.name} register in-band (XEP-0077): {why}")

    def leave_all(self) -> None:
        for session in self.open:
            if session.wire.ended is None:
                session.wire.leave()
        self.open.clear()

    def first_lost(self) -> BenchError | None:
        """Why a connection that should be there is not."""
        return next((s.wire.ended for s in self.open if s.wire.ended is not None and not s.wire.leaving), None)


def _offered(offered: bool, what: str) -> None:
    if not offered:
        raise NotOffered(f"the server does not offer {what}")


@asynccontextmanager
async def patience(seconds: float, what: str) -> AsyncIterator[None]:
    """A bound for what a server may take, with words for when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BenchError(f"{what} took longer than {seconds:g} s") from None


async def several(jobs: Sequence[Job], one: Callable[[Job], Awaitable[Result]], at_once: int) -> list[Result]:
    """Results in order, so many at a time; the first error ends all."""
    results: dict[int, Result] = {}
    numbered = iter(enumerate(jobs))

    async def work() -> None:
        for number, job in numbered:
            results[number] = await one(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(jobs))):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[number] for number in range(len(jobs))]
