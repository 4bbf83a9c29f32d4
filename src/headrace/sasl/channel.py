"""What SASL wants to know of the TLS below it (headrace.net.tls.TlsEngine is one)."""

from typing import Protocol


class Channel(Protocol):
    @property
    def version(self) -> str | None:
        """Such as TLSv1.3."""

    @property
    def certificate(self) -> bytes | None:
        """The client's, as DER, if it gave one and it is good."""

    def bindings(self) -> tuple[str, ...]:
        """The channel-binding types that can be had (XEP-0440), the strongest first."""

    def binding(self, kind: str) -> bytes | None:
        """Channel-binding data (RFC 5056); None for a type that cannot be had."""
