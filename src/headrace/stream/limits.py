"""Bounds of a stream beside those of its tokenizer (headrace.core.limits), each with its reason."""

from dataclasses import dataclass

LEAST_ANNOUNCED = 10_000
"""RFC 6120 13.12: an element of this many bytes must be taken; XEP-0478 announces nothing smaller."""


@dataclass(frozen=True, slots=True)
class NegotiationLimits:
    """What one peer may use up before it is authenticated (protocol.md 8)."""

    seconds: float = 30.0  # a phone on a bad network needs three round trips; a slow-loris gets no more
    sasl_attempts: int = 5  # RFC 6120 6.4.5 asks for 2 to 5
    restarts: int = 3  # after TLS and after SASL, and one to spare for compression or the like
    peer_element: int = 128 * 1024  # bytes: what we dare to send on s2s to a peer that announces no limit
