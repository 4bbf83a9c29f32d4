"""SCRAM (RFC 5802, RFC 7677), server side, with and without channel binding.

    mechanism = Scram("sha256", offer)
    mechanism.identify(client_first)            sets username and authzid
    server_first = mechanism.challenge(verifier)
    server_final = mechanism.finish(client_final)       None: not authorized
"""

import re
from binascii import a2b_base64, b2a_base64
from os import urandom
from typing import Final

from headrace.sasl.channel import Channel
from headrace.sasl.credentials import Digest, ScramVerifier
from headrace.sasl.failures import SaslFailure
from headrace.sasl.mac import mac, proves
from headrace.sasl.offer import Offer

# The grammar of RFC 5802 7. The final message repeats `header`; `bare` and `unproven` are signed.
_NONCE: Final = rb"[\x21-\x2b\x2d-\x7e]+"
_EXTENSIONS: Final = rb"(?:,[A-Za-z]=[^\0,]+)*"
_FIRST: Final = re.compile(
    rb"(?P<header>(?P<flag>n|y|p=(?P<kind>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^\0,]+))?,)"
    rb"(?P<bare>(?P<mandatory>m=[^\0,]+,)?n=(?P<username>[^\0,]+),r=(?P<nonce>" + _NONCE + rb")"
    + _EXTENSIONS + rb")"
)
_FINAL: Final = re.compile(
    rb"(?P<unproven>c=(?P<header>[A-Za-z0-9+/=]+),r=(?P<nonce>" + _NONCE + rb")(?:,(?!p=)[A-Za-z]=[^\0,]+)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_NONCE_BYTES: Final = 18  # ours, in base64 24 characters without padding


class Scram:
    """One exchange; each method once, in the order above."""

    def __init__(self, digest: Digest, offer: Offer, channel: Channel | None = None, *, plus: bool = False,
                 nonce: str | None = None) -> None:
        """offer: what the client was offered, this mechanism among it. plus: with channel binding, to `channel`.
        nonce: our half of it, for test vectors only."""
        self.name = f"SCRAM-SHA-{digest[3:]}" + ("-PLUS" if plus else "")
        self.digest = digest
        self.authzid = ""
        self.username = ""
        self._offer = offer
        self._channel = channel if plus else None
        self._own_nonce = nonce.encode() if nonce else b2a_base64(urandom(_NONCE_BYTES), newline=False)
        self._bound = b""   # what the final message has to repeat: the header, and the channel-binding data
        self._client_first = b""
        self._server_first = b""
        self._nonce = b""

    def identify(self, message: bytes) -> None:
        """Takes client-first-message; sets username and authzid ("" if none).
        SaslFailure: malformed-request, not-authorized."""
        first = _FIRST.fullmatch(message)
        if first is None:
            raise SaslFailure("malformed-request", "not a SCRAM client-first-message (RFC 5802 7)")
        if first["mandatory"]:
            raise SaslFailure("malformed-request", "unknown mandatory extension")
        self._bound = first["header"] + self._binding(first["flag"], first["kind"])
        self.username = _saslname(first["username"])
        if first["authzid"]:
            self.authzid = _saslname(first["authzid"])
        self._client_first = first["bare"]
        self._nonce = first["nonce"] + self._own_nonce

    def challenge(self, verifier: ScramVerifier) -> bytes:
        """server-first-message for the account's verifier (or for a decoy)."""
        self._verifier = verifier
        salt, attributes = b2a_base64(verifier.salt, newline=False), self._offer.attributes(self.digest)
        self._server_first = b"r=%b,s=%b,i=%d%b" % (self._nonce, salt, verifier.iterations, attributes)
        return self._server_first

    def finish(self, message: bytes) -> bytes | None:
        """Takes client-final-message; server-final-message if the proof is right, None if it is not.
        SaslFailure: malformed-request, incorrect-encoding."""
        final = _FINAL.fullmatch(message)
        if final is None:
            raise SaslFailure("malformed-request", "not a SCRAM client-final-message (RFC 5802 7)")
        try:
            bound = a2b_base64(final["header"], strict_mode=True)
            proof = a2b_base64(final["proof"], strict_mode=True)
        except ValueError:
            raise SaslFailure("incorrect-encoding", "channel binding or proof is not base64") from None
        signed = b",".join((self._client_first, self._server_first, final["unproven"]))
        verifier = self._verifier
        if (bound != self._bound or final["nonce"] != self._nonce
                or not proves(self.digest, verifier.stored_key, signed, proof)):
            return None
        return b"v=" + b2a_base64(mac(self.digest, verifier.server_key, signed), newline=False)

    def _binding(self, flag: bytes, kind: bytes | None) -> bytes:
        """The channel-binding data that the client means, by the rules of RFC 5802 6."""
        if self._channel is None:
            if flag == b"y" and self._offer.binds:
                raise SaslFailure("not-authorized", "somebody has hidden our channel bindings from you")
            if kind is not None:
                raise SaslFailure("malformed-request", f"{self.name} is without channel binding")
            return b""
        if kind is None:
            raise SaslFailure("malformed-request", f"{self.name} is with channel binding")
        data = self._channel.binding(kind.decode())
        if data is None:
            raise SaslFailure("malformed-request", f"channel binding {kind.decode()} is not offered")
        return data


def _saslname(raw: bytes) -> str:
    """Undoes the escapes of a saslname: =2C is a comma, =3D an equals sign, no other "=" may stand."""
    if b"=" in raw:
        if re.search(rb"=(?!2C|3D)", raw):
            raise SaslFailure("malformed-request", "a name with a bare '=' (RFC 5802 5.1)")
        raw = raw.replace(b"=2C", b",").replace(b"=3D", b"=")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise SaslFailure("malformed-request", "a name that is not UTF-8") from None
