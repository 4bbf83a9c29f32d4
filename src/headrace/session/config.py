"""The policies of a client listener, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headrace.core.limits import BEFORE_AUTH, CLIENT, Limits
from headrace.stream.limits import NegotiationLimits, SessionLimits


@dataclass(frozen=True, slots=True)
class C2SConfig:
    # starttls: no login without it (RFC 6120 5). direct: from the first byte (XEP-0368).
    # any: either of them, as each client begins. optional: passwords may cross in clear, for loopback and trusted
    # proxies only.
    tls: Literal["starttls", "direct", "any", "optional"] = "starttls"
    negotiation: NegotiationLimits = field(default_factory=NegotiationLimits)
    session: SessionLimits = field(default_factory=SessionLimits)   # announced; the router keeps to them
    before: Limits = BEFORE_AUTH    # what a stranger may send
    after: Limits = CLIENT          # what a bound client may
    features: tuple[bytes, ...] = ()    # stream features of modules, announced beside bind
    # Hosts whose clients are sent to another server, and its address (RFC 6120 4.9.3.19).
    elsewhere: Mapping[str, str] = field(default_factory=dict)
