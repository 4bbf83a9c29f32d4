"""External components (XEP-0114): programs beside the server that have a domain of their own, trusted by a secret."""

import hmac
import secrets
from asyncio import TimerHandle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1

from headrace.core import ns
from headrace.core.addresses import domain_of
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.limits import BEFORE_AUTH, COMPONENT, Limits
from headrace.core.stanza import Stanza, parse_stanza
from headrace.net.link import Link
from headrace.router.archive import time_of
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.router.router import Router
from headrace.session.ports import Far, Log
from headrace.session.spool import LEAST_SECONDS, give_back, stamped, wants_error
from headrace.stream.errors import StreamError, stream_error
from headrace.stream.header import END, Header, judge_namespaces, stream_header
from headrace.stream.limits import NegotiationLimits

FOR_EVER = 10 * 365 * 86_400.0
ABSENT = ("service-unavailable", "It is not connected; try later.")


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """headrace.router.federation.Config of a component's stream."""

    negotiation: NegotiationLimits = field(default_factory=NegotiationLimits)
    before: Limits = BEFORE_AUTH
    after: Limits = COMPONENT
    idle_seconds: float = FOR_EVER      # it connects to us: we could not call it back
    keep_alive_seconds: float = 300.0
    bytes_per_second: float = 0.0       # it is ours: no bound
    stanzas_per_second: float = 0.0


class Components:
    """The components of a server, and who takes what is for elsewhere: one of them, or `beyond`."""

    def __init__(self, router: Router, secrets: Mapping[str, str], log: Log, *, config: ComponentConfig | None = None,
                 beyond: Far | None = None) -> None:
        """secrets: by prepared domain."""
        self.secrets = secrets
        self.log = log
        self.connected: dict[str, Peer] = {}
        self.arrived: Callable[[str], None] = lambda domain: None   # told of each that has connected
        self.left: Callable[[str], None] = lambda domain: None      # and that has gone, but for the end of all
        self._router = router
        self._config = config or ComponentConfig()
        self._beyond = beyond
        self._streams: set[ComponentStream] = set()
        self._waiting: dict[str, list[Left]] = {}       # by component: what an earlier run has left in the spool
        self._timer: TimerHandle | None = None
        self._stopping = False

    def on_link(self, link: Link) -> Peer:
        """The Sink of an accepted connection."""
        peer = Peer(self._router, self._router.routes, link, self._config)
        peer.most_out = self._config.after.stanza
        stream = ComponentStream(peer, self)
        peer.start(stream)
        self._streams.add(stream)
        return peer

    def stop(self) -> None:
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        for stream in list(self._streams):
            stream.stopped()

    def remote(self, stanza: Stanza, *, wanted: bool, number: int = 0) -> None:
        """headrace.session.ports.Far: one for a component is for one that is not connected."""
        domain = domain_of(stanza.to or "")
        if self._stopping and number:
            return      # the next run finds it
        if domain in self.secrets:
            give_back(self._router, stanza, number, *ABSENT, wanted=wanted)
        elif self._beyond is not None:
            self._beyond.remote(stanza, wanted=wanted, number=number)
        else:
            give_back(self._router, stanza, number, "remote-server-not-found", wanted=wanted)

    def restore(self, stanza: Stanza, number: int) -> None:
        """headrace.session.ports.Far: what is for a component waits for it, for a while."""
        domain = domain_of(stanza.to or "")
        if domain in self.secrets:
            self._waiting.setdefault(domain, []).append((stanza.raw, number))
            if self._timer is None:
                self._timer = self._router.reactor.loop.call_later(LEAST_SECONDS, self._give_up)
        elif self._beyond is not None:
            self._beyond.restore(stanza, number)
        else:
            give_back(self._router, stanza, number, "remote-server-not-found")

    def connect(self, domain: str, peer: Peer) -> None:
        """It is there: what has waited goes first."""
        self.connected[domain] = peer
        for raw, number in self._waiting.pop(domain, ()):
            stanza = parse_stanza(raw)
            if not peer.put(stamped(raw, domain_of(stanza.from_ or ""), time_of(number)), number):
                give_back(self._router, stanza, number, "policy-violation")
        peer.takes(domain)

    def _give_up(self) -> None:
        waiting, self._waiting = self._waiting, {}
        self._timer = None
        for left in waiting.values():
            self._refuse(left)

    def _refuse(self, left: list[Left]) -> None:
        for raw, number in left:
            stanza = parse_stanza(raw)
            give_back(self._router, stanza, number, *ABSENT, wanted=wants_error(stanza))

    def gone(self, stream: "ComponentStream", unsent: list[Left]) -> None:
        self._streams.discard(stream)
        if stream.domain is not None:
            del self.connected[stream.domain]
            self.log.info("component gone", domain=stream.domain)
        if not self._stopping:      # else the next run sends what is in the spool
            self._refuse(unsent)
            if stream.domain is not None:
                self.left(stream.domain)


class ComponentStream:
    """headrace.router.federation.Negotiator of one connection."""

    def __init__(self, peer: Peer, components: Components) -> None:
        self.domain: str | None = None      # once it has shown that it knows the secret
        self._peer = peer
        self._components = components
        self._claimed: str | None = None
        self._id = secrets.token_hex(16)
        self._opened = False

    def secured(self) -> None:
        """Direct TLS is up; it opens a stream now."""

    def opened(self, header: Header) -> None:
        try:
            judge_namespaces(header, ns.COMPONENT)
            self._claimed = self._judge(header.to)
        except StreamError as error:
            self.failed(error.condition, error.text)
            return
        self._open()

    def element(self, stanza: Stanza) -> None:
        if (stanza.namespace, stanza.name) == (ns.COMPONENT, "handshake") and self.domain is None:
            self._shake((stanza.element().text or "").strip())
        else:
            self.failed("unsupported-stanza-type", f"<{stanza.name}/> is not expected here")

    def closed(self) -> None:
        self._peer.stop(END)

    def failed(self, condition: str, text: str) -> None:
        if self._peer.ended:
            return
        self._components.log.warning("component stream error", domain=self._claimed, address=self._peer.address,
                                     condition=condition, text=text)
        if not self._opened:
            self._open()
        self._peer.stop(stream_error(condition, text) + END)

    def expired(self) -> None:
        self.failed("connection-timeout", "no handshake came")

    def stopped(self) -> None:
        """The server stops."""
        self._peer.stop(stream_error("system-shutdown") + END)

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        self._components.gone(self, unsent)

    def _open(self) -> None:
        """XEP-0114 has no version, and no features follow."""
        self._peer.send(stream_header(from_=self._claimed, id=self._id, content=ns.COMPONENT, version=None))
        self._opened = True

    def _judge(self, to: str | None) -> str:
        """The component that it wants to be. Raises StreamError."""
        try:
            domain = JID.parse(to or "").full
        except JIDError:
            raise StreamError("improper-addressing", "`to` has to be the component's domain") from None
        if domain not in self._components.secrets:
            raise StreamError("host-unknown", "there is no such component here")
        return domain

    def _shake(self, answer: str) -> None:
        assert self._claimed is not None
        wanted = sha1(f"{self._id}{self._components.secrets[self._claimed]}".encode()).hexdigest()
        if not hmac.compare_digest(answer.lower().encode(), wanted.encode()):
            self.failed("not-authorized", "that is not the secret")
            return
        if self._claimed in self._components.connected:
            self.failed("conflict", "the component is connected already")
            return
        self.domain = self._claimed
        self._peer.settle()
        self._peer.send(b"<handshake/>")
        self._peer.admit_all(self.domain)
        self._components.connect(self.domain, self._peer)
        self._components.log.info("component connected", domain=self.domain, address=self._peer.address)
        self._components.arrived(self.domain)
