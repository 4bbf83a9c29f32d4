"""HT-SHA-256-* (draft-schmaus-kitten-sasl-ht), server side: one message each way, for the tokens of XEP-0484."""

import hmac
from collections.abc import Mapping
from types import MappingProxyType

from headrace.sasl.channel import Channel
from headrace.sasl.failures import SaslFailure
from headrace.sasl.mac import mac

# The strongest first; each with its channel-binding type.
MECHANISMS: Mapping[str, str | None] = MappingProxyType({
    "HT-SHA-256-EXPR": "tls-exporter",
    "HT-SHA-256-ENDP": "tls-server-end-point",
    "HT-SHA-256-NONE": None,
})


class HashedToken:
    """One exchange: identify(), then finish() for each token that it may be."""

    def __init__(self, name: str, channel: Channel) -> None:
        """name: one of MECHANISMS, with a binding that the channel has."""
        self.name = name
        self.username = ""
        self._hash = b""
        kind = MECHANISMS[name]
        self._binding = b"" if kind is None else channel.binding(kind) or b""

    def identify(self, message: bytes) -> None:
        """Takes the client's one message; sets username. SaslFailure: malformed-request."""
        name, nul, self._hash = message.partition(b"\0")
        try:
            self.username = name.decode()
        except UnicodeDecodeError:
            raise SaslFailure("malformed-request", "a name that is not UTF-8") from None
        if not (nul and name and self._hash):
            raise SaslFailure("malformed-request", f"not a message of {self.name}")

    def finish(self, token: str) -> bytes | None:
        """Our answer if the client holds this token, None if it does not."""
        expected = mac("sha256", token.encode(), b"Initiator" + self._binding)
        if not hmac.compare_digest(expected, self._hash):
            return None
        return mac("sha256", token.encode(), b"Responder" + self._binding)
