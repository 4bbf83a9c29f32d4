"""The object graph: the only place that knows every part, and the server's start and stop."""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from structlog.typing import FilteringBoundLogger

from headrace.cluster.local import LocalAccounts
from headrace.cluster.ports import Accounts, Place
from headrace.cluster.spread import SpreadAccounts
from headrace.modules.api import Context
from headrace.modules.archiving import Archiving
from headrace.modules.blocklists import Blocklists
from headrace.modules.hosts import Host
from headrace.modules.inline import InlineBind
from headrace.modules.lifecycle import Lifecycle
from headrace.modules.loader import Dispatcher, build
from headrace.modules.locks import Locks
from headrace.modules.marks import Marks
from headrace.modules.nesting import Nesting
from headrace.modules.signup import SignUp
from headrace.modules.tables import RosterLoader
from headrace.net.dane import Dane
from headrace.net.limits import Admission
from headrace.net.link import Link, Sink
from headrace.net.listener import Listener, raise_descriptor_limit
from headrace.net.posh import Posh
from headrace.net.reactor import Reactor
from headrace.net.resolve import Resolver, Target
from headrace.net.tls import TlsContext, TlsError
from headrace.router.neighbour import Neighbours
from headrace.router.router import Router
from headrace.sasl.credentials import Credentials, Decoys, make
from headrace.server.admin import ControlChannel
from headrace.server.catalog import MODULES
from headrace.server.certificates import (
    CertificateError,
    clients_context,
    dialling_contexts,
    federated_pairs,
    pair_of,
    servers_context,
)
from headrace.server.config import Config, HostConfig, ListenerConfig, ProxyConfig, posh_places, resolvers
from headrace.server.data import open_storage, token_key
from headrace.server.retention import Retention
from headrace.session.backoff import Backoff
from headrace.session.binding import Binder
from headrace.session.bytestreams import Proxy, Relay
from headrace.session.c2s import C2S, C2SConfig, Services
from headrace.session.components import Components
from headrace.session.derive import DerivePool
from headrace.session.dialback import Keys
from headrace.session.domains import Home, S2SConfig
from headrace.session.exchanges import Authority, Realm
from headrace.session.fast import Fast
from headrace.session.federation import Federation
from headrace.session.logins import Logins
from headrace.session.moves import Moves
from headrace.session.resumption import Resumption
from headrace.session.spool import restore
from headrace.session.verifiers import OwnVerifiers
from headrace.storage.ports import Storage

STOP_SECONDS = 5.0      # for streams to end in, at shutdown: links flush for at most 2 s and drain for 2
GC_THRESHOLDS = (50_000, 50, 100)   # garbage is rare here, and a full collection walks every account and session


class PortError(Exception):
    """An address that cannot be listened on."""


class App:
    """One server. Several may live in one process, each with data of its own."""

    def __init__(self, config: Config, log: FilteringBoundLogger, place: Place | None = None) -> None:
        """place: among several workers of one server (protocol.md 19); None: this is all of it."""
        self.config = config
        self.log = log
        self.place = place
        self.moves: Moves | None = None
        self.listeners: list[Listener] = []
        self.logins = Logins()
        self.federation: Federation | None = None
        self.marks: Marks | None = None
        self.components: Components | None = None
        self.dispatcher: Dispatcher | None = None
        self.proxies: dict[str, Proxy] = {}
        self.control: ControlChannel | None = None

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        self.log.info("open files", limit=raise_descriptor_limit())
        await self.start()
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        await ended.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)     # a second one ends the process at once
        await self.stop()

    async def start(self) -> None:
        """Raises StorageError, CertificateError, TlsError, PortError; then nothing is left open."""
        self.log.info("starting", config=str(self.config.source or "built-in default"), data=str(self.config.data))
        self.storage: Storage = await open_storage(self.config, server=True, log=self.log)
        self.admission = Admission(self.config.limits.connections)
        self.derive = DerivePool(shared=self.admission.exempt)
        self.reactor = Reactor(asyncio.get_running_loop())
        self.retention = Retention(self.storage, self.config.hosts, self.log)
        try:
            self.pairs = self._pairs()
            self.tls = clients_context(self.pairs)
            context = await self._build()
            context.marks.start()
            self.control = ControlChannel(self.config.data, context.life, context.accounts, self._about_servers())
            await self.control.start()
            for settings in self.config.listeners:
                self._listen(settings)
            for proxy in self.config.proxies:
                self._listen_to_streams(proxy)
            self.retention.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Streams are closed with <system-shutdown/>, storage is flushed."""
        if self.control is not None:
            self.control.close()
        for listener in self.listeners:
            listener.close()
        self.logins.end("system-shutdown")
        if self.federation is not None:
            self.federation.stop()
        if self.components is not None:
            self.components.stop()
        for proxy in self.proxies.values():
            proxy.relay.stop()
        if self.dispatcher is not None:
            for session in self.router.everybody():     # also those that have no connection now
                self.router.end(session, "system-shutdown")
        await self._links_gone()
        if self.dispatcher is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.dispatcher.close(), STOP_SECONDS)
        if self.marks is not None:
            await self.marks.stop()
        await self.retention.stop()
        await self.storage.close()
        self.derive.close()
        self.reactor.close()
        self.log.info("stopped")

    async def _links_gone(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while (self.reactor.links or self.reactor.sessions) and time.monotonic() < deadline:   # noqa: ASYNC110  nobody counts them for us
            await asyncio.sleep(0.01)
        if self.reactor.links:
            self.log.warning("connections did not end in time", connections=self.reactor.links)

    def reload(self) -> None:
        """Reads certificates again; what cannot be used leaves the old ones in place."""
        try:
            self._pairs()       # one of our own that ends soon is made anew
            for context in self._contexts():
                context.reload()
        except (CertificateError, OSError, TlsError) as error:
            self.log.error("certificates not reloaded", error=str(error))
        else:
            self.log.info("certificates reloaded")

    async def _build(self) -> Context:
        config = self.config
        self.router = Router(self.reactor, limits=self.config.limits.session)
        self.router.archive = self.storage.queue
        for host in config.hosts:
            if host.see_other_host is None:
                self.router.add_host(host.name)
        if self.place is not None:
            self._join(self.place)
        context = self._context(await self.storage.secret())
        for watched in {host for grant in context.grants.values() if grant.contacts for host in grant.hosts}:
            self.router.watch(watched)
        modules = build(MODULES, context, config.modules)
        if any(listener.kind == "s2s" for listener in config.listeners):
            self.federation = await self._federation()
        self.components = Components(self.router, {each.domain: each.secret for each in config.components}, self.log,
                                     beyond=self.federation)
        self.dispatcher = self.router.control = Dispatcher(self.router, modules, self.log, self.components)
        self.components.arrived = self.dispatcher.connected
        self.components.left = self.dispatcher.disconnected
        if left := await restore(self.storage.archive, self.components, context.at_home):
            self.log.info("messages of an earlier run go out now", messages=left)
        loader = RosterLoader(self.router, context)
        inline = InlineBind(modules, self.dispatcher.carry_out, self.log)
        [sign_up] = [module for module in modules if isinstance(module, SignUp)]
        self.services = await self._services(inline, loader, sign_up)
        if self.moves is not None:
            self.moves.serve(self._policy("optional"), self.services)
        return context

    def _join(self, place: Place) -> None:
        """What is for accounts whose home is another worker finds its way."""
        self.router.neighbours = Neighbours(self.router, place.here, place.workers,
                                            lambda worker, batch: place.bus.send(worker, "stanzas", batch))
        place.bus.listen("stanzas", self.router.neighbours.receive)
        self.moves = Moves(place, self.reactor)

    async def _services(self, inline: InlineBind, loader: RosterLoader, sign_up: SignUp) -> Services:
        """What logins need."""
        config, secret = self.config, await self.storage.secret()
        decoys = Decoys(secret, iterations=config.iterations)
        verifiers = OwnVerifiers(self.storage.accounts, decoys, self.derive)
        realms = {host.name: Realm(verifiers, host.anonymous, host.client_certificates is not None, host.registration)
                  for host in config.hosts}
        backoff = Backoff(config.limits.backoff, shared=self.admission.exempt)
        fast = Fast(self.storage.tokens, token_key(config), now=time.time)
        return Services(
            authority=Authority(realms, decoys, backoff, time.monotonic),
            binder=Binder(loader, self.router, secret, config.limits.account), sessions=self.router,
            logins=self.logins, log=self.log,
            bind_features=inline, sign_up=sign_up, fast=fast, login_features=(fast,),
            resumption=Resumption(self.router, self.storage.archive), homes=self.moves)

    async def _federation(self) -> Federation:
        """Other servers: who they are is asked in both directions, each host of ours has its own certificate."""
        s2s, routes = self.config.s2s, dict[str, list[Target]]()
        for route in s2s.route:
            routes.setdefault(route.domain, []).append(Target(route.address, route.port, route.tls == "direct"))
        self.s2s_tls = servers_context(pairs := federated_pairs(self.pairs, self.config), s2s.authorities)
        self.s2s_contexts = {domain: dialling_contexts(certificate, key, s2s.authorities)
                             for domain, certificate, key in pairs}
        policy = S2SConfig(negotiation=self.config.limits.negotiation, before=self.config.limits.before,
                           allow=frozenset(s2s.allow), deny=frozenset(s2s.deny), dialback=frozenset(s2s.dialback),
                           bytes_per_second=s2s.bytes_per_second, stanzas_per_second=s2s.stanzas_per_second,
                           give_up_seconds=s2s.give_up_seconds)
        resolver = Resolver(resolvers(s2s), routes, validating=s2s.dane)
        home = Home(policy, Keys(await self.storage.secret()), self.s2s_contexts, self.log,
                    Posh(resolver, s2s.authorities, posh_places(s2s)) if s2s.posh else None,
                    Dane(resolver) if s2s.dane else None)
        return Federation(home, self.router, resolver, self.s2s_tls)

    def _about_servers(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """What commands may ask about other servers."""
        federation = self.federation
        return {} if federation is None else {"servers": federation.links, "reach": federation.test}

    def _contexts(self) -> list[TlsContext]:
        """All that have files to read again."""
        if self.federation is None:
            return [self.tls]
        ours = [context for both in self.s2s_contexts.values() for context in (both.starttls, both.direct)]
        return [self.tls, self.s2s_tls, *ours]

    def _context(self, secret: bytes) -> Context:
        """What modules get."""
        accounts, blocklists = self._accounts(), Blocklists(self.storage.blocks)
        hosts = {host.name: Host(frozenset(host.admins), host.contact, host.anonymous, host.archive)
                 for host in self.config.hosts if host.name in self.router.hosts}
        self.marks = marks = Marks(self.storage.archive, accounts)
        archiving = Archiving(self.storage.documents, self.storage.roster, hosts)
        self.proxies = {each.domain: Proxy(each.host, each.port, frozenset(each.allow), Relay(each.limits, self.log))
                        for each in self.config.proxies}
        grants = {component.domain: grant for component in self.config.components
                  if (grant := component.grant(hosts)) is not None}
        delegations = [each for component in self.config.components for each in component.delegations(hosts)]
        nesting = Nesting(tuple(delegations), sha256(b"nesting" + secret).digest())
        return Context(
            hosts=hosts, grants=grants, nesting=nesting, storage=self.storage, accounts=accounts, locks=Locks(),
            blocklists=blocklists, marks=marks, archiving=archiving, now=time.time, shared=self.admission.exempt,
            components=[component.domain for component in self.config.components], proxies=self.proxies,
            at_home=self.place.is_home if self.place is not None else lambda account: True,
            life=Lifecycle(self.storage, accounts, blocklists, archiving, self._derive_credentials))

    def _accounts(self) -> Accounts:
        local = LocalAccounts(self.router, self._revoke)
        return local if self.place is None else SpreadAccounts(self.place, local, self._revoke)

    def _revoke(self, account: str, condition: str, text: str) -> None:
        """Its logins under way end."""
        self.logins.revoke(account, condition, text)
        if self.moves is not None:
            self.moves.revoke(account)

    async def _derive_credentials(self, source: str, password: str) -> Credentials:
        """headrace.modules.lifecycle.Derive."""
        return await self.derive.run(source, partial(make, password, iterations=self.config.iterations))

    def _policy(self, tls: Literal["starttls", "direct", "any", "optional"]) -> C2SConfig:
        """For clients."""
        limits = self.config.limits
        return C2SConfig(tls, limits.negotiation, limits.session, limits.before, limits.after,
                         features=tuple(feature for module in MODULES for feature in module.stream_features),
                         elsewhere={host.name: host.see_other_host for host in self.config.hosts
                                    if host.see_other_host is not None})

    def _clients(self, settings: ListenerConfig) -> C2S:
        """The clients of one listener."""
        return C2S(self._policy(settings.tls), self.services, self.tls)

    def _server_side(self, settings: ListenerConfig) -> tuple[TlsContext, Callable[[Link], Sink | None]]:
        """Who serves what this listener accepts, and TLS for it."""
        if settings.kind == "c2s":
            return self.tls, self._clients(settings).on_link
        if settings.kind == "component":
            assert self.components is not None
            return self.tls, self.components.on_link
        assert self.federation is not None
        return self.s2s_tls, self.federation.on_link

    def _listen(self, settings: ListenerConfig) -> None:
        tls, on_link = self._server_side(settings)
        listener = Listener(
            self.reactor, settings.address, settings.port, on_link=on_link,
            tls=tls if settings.tls in ("direct", "any") else None, either=settings.tls == "any",
            limits=self.admission, name=str(settings), log=self.log.warning)
        self._start(listener)
        self.log.info("listening", kind=settings.kind, address=settings.address, port=listener.port,
                      tls=settings.tls)
        if settings.tls == "optional":
            self.log.warning("login without TLS is allowed", address=settings.address, port=listener.port)

    def _listen_to_streams(self, settings: ProxyConfig) -> None:
        name = f"proxy {settings.address}:{settings.port}"
        self._start(Listener(
            self.reactor, settings.address, settings.port, on_link=self.proxies[settings.domain].relay.on_link,
            limits=self.admission, name=name, log=self.log.warning))
        self.log.info("listening", kind="proxy", address=settings.address, port=settings.port, domain=settings.domain)

    def _start(self, listener: Listener) -> None:
        try:
            listener.start()
        except OSError as error:
            raise PortError(f"cannot listen on {listener.name}: {error.strerror or error}") from error
        self.listeners.append(listener)

    def _pairs(self) -> list[tuple[HostConfig, Path, Path]]:
        """Each host, its certificate and key, checked, or made where none are configured."""
        found = []
        for host in self.config.hosts:
            pair = pair_of(host, self.config)
            found.append((host, pair.certificate, pair.key))
            if host.certificate is None:
                self.log.warning(("made a " if pair.made else "") + "self-signed certificate, which clients ask about",
                                 host=host.name, certificate=str(pair.certificate))
        return found
