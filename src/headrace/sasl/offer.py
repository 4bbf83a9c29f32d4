"""What a server offers to log in with, and how SCRAM lets a client find out that somebody has shortened the list."""

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import new as new_hash

from headrace.sasl.credentials import Digest

_TLS_NUMBERS = {"TLSv1.2": b"0303", "TLSv1.3": b"0304"}     # RFC 5246, RFC 8446


@dataclass(frozen=True, slots=True)
class Offer:
    mechanisms: tuple[str, ...] = ()    # best first
    bindings: tuple[str, ...] = ()      # channel-binding types, where -PLUS mechanisms are among those
    tls: str | None = None              # version of the connection's TLS
    _attributes: dict[Digest, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def binds(self) -> bool:
        return bool(self.bindings)

    def attributes(self, digest: Digest) -> bytes:
        """For SCRAM's server-first-message, where the client's proof covers them: the hash of both lists (XEP-0474)
        and the version of TLS (XEP-0515)."""
        known = self._attributes.get(digest)
        if known is None:
            known = self._attributes[digest] = self._written(digest)
        return known

    def _written(self, digest: Digest) -> bytes:
        listed = "\x1e".join(sorted(self.mechanisms))
        if self.bindings:
            listed += "\x1f" + "\x1e".join(sorted(self.bindings))
        number = _TLS_NUMBERS.get(self.tls or "")
        version = b",t=" + number if number else b""
        return b",h=" + b64encode(new_hash(digest, listed.encode()).digest()) + version
