"""Bounds of a stream beside those of its tokenizer (headrace.core.limits), each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NegotiationLimits:
    """What one peer may use up before it is authenticated (protocol.md 8), beside bytes and elements.

    Restarts need no number: a negotiation takes one for TLS and one for SASL, and no other.
    """

    seconds: float = 30.0  # a phone on a bad network needs three round trips; a slow-loris gets no more
    sasl_attempts: int = 5  # RFC 6120 6.4.5 asks for 2 to 5
