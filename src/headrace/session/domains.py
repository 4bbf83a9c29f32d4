"""Whom we talk to among servers, on what terms, and what streams with them have in common."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from headrace.core.limits import BEFORE_AUTH, SERVER, Limits
from headrace.net.dane import Dane
from headrace.net.posh import Posh
from headrace.net.tls import TlsContext
from headrace.session.dialback import Keys
from headrace.session.ports import Log
from headrace.stream.limits import NegotiationLimits

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class S2SConfig:
    """TLS is always required. Domain lists hold prepared domains, or `*`."""

    negotiation: NegotiationLimits = field(default_factory=NegotiationLimits)
    before: Limits = BEFORE_AUTH
    after: Limits = SERVER
    idle_seconds: float = 3600.0        # no stanza either way: a stream is opened again within a second
    keep_alive_seconds: float = 300.0
    # From one domain, over all its streams; what is more waits unread, so that the domain slows down (0: no bound).
    bytes_per_second: float = 16 << 20  # more than a lively server's whole traffic, and little work for a core
    stanzas_per_second: float = 20_000.0
    allow: frozenset[str] = frozenset()     # if not empty: these domains only
    deny: frozenset[str] = frozenset()
    dialback: frozenset[str] = frozenset()  # may prove themselves by DNS alone, whatever their certificate
    queue_stanzas: int = 1_000          # to one domain, while it is dialled: seconds of a lively room
    queue_bytes: int = 1 << 20
    queue_total: int = 64 << 20         # to all domains
    give_up_seconds: float = 3600.0     # that what is in the spool is tried: a server is moved or mended within an hour
    dial_seconds: float = 60.0          # for all of it: DNS, each address, TLS, proof
    dials: int = 64                     # at a time; each is a socket and a TLS handshake
    least_wait: float = 1.0             # s after a failure until the next try; doubled with each
    longest_wait: float = 300.0

    def may_talk(self, domain: str) -> bool:
        return domain not in self.deny and (not self.allow or domain in self.allow)

    def may_dial_back(self, domain: str) -> bool:
        return domain in self.dialback or EVERYBODY in self.dialback


@dataclass(frozen=True, slots=True)
class Contexts:
    """TLS for connections that we make in the name of one host, which is who the certificate says we are."""

    starttls: TlsContext
    direct: TlsContext
    certificate: bytes | None = None    # DER, what both of them present


@dataclass(frozen=True, slots=True)
class Home:
    """This server, as its streams with others know it."""

    config: S2SConfig
    keys: Keys
    contexts: Mapping[str, Contexts]    # by what others may reach here: hosts and components
    log: Log
    posh: Posh | None = None    # asked where a certificate proves nothing by itself
    dane: Dane | None = None    # and this, before it, about those who call us

    @property
    def hosts(self) -> Set[str]:
        return self.contexts.keys()
