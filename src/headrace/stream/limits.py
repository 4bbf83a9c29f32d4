"""Bounds of a stream beside those of its tokenizer (headrace.core.limits), each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NegotiationLimits:
    """What one peer may use up before it is authenticated (protocol.md 8), beside bytes and elements.

    Restarts need no number: a negotiation takes one for TLS and one for SASL, and no other.
    """

    seconds: float = 30.0  # a phone on a bad network needs three round trips; a slow-loris gets no more
    sasl_attempts: int = 5  # RFC 6120 6.4.5 asks for 2 to 5


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a bound session may be silent; 0 means for ever (RFC 6120 4.6). How many may be away (XEP-0198), what
    inactive ones are spared (XEP-0352)."""

    idle_seconds: float = 3600.0  # no byte heard: clients say something every few minutes, if only white space
    keep_alive_seconds: float = 300.0  # nothing said by either side: then we do, which NATs and dead peers notice
    hibernated: int = 10  # of an account, without a connection: each app on each device, and what each left behind
    csi_presence: bool = True  # presence waits, the last of each sender
    csi_chat_states: bool = True  # they are dropped where nothing else is in a message
    csi_events: bool = True  # news of PEP nodes wait
