"""The policies of a client listener, each with its reason."""

from dataclasses import dataclass, field

from headrace.core.limits import BEFORE_AUTH, CLIENT, Limits
from headrace.stream.limits import NegotiationLimits


@dataclass(frozen=True, slots=True)
class C2SConfig:
    starttls: bool = True       # offered on plain connections (RFC 6120 5); a direct TLS listener has none
    require_tls: bool = True    # False lets passwords cross in clear: loopback and trusted proxies only
    negotiation: NegotiationLimits = field(default_factory=NegotiationLimits)
    before: Limits = BEFORE_AUTH    # what a stranger may send
    after: Limits = CLIENT          # what a bound client may
    features: tuple[bytes, ...] = ()    # stream features of modules, announced beside bind
