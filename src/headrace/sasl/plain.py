"""PLAIN (RFC 4616), server side."""

from headrace.sasl.credentials import Credentials
from headrace.sasl.failures import SaslFailure


class Plain:
    """One exchange: identify(), then verify()."""

    name = "PLAIN"

    def __init__(self) -> None:
        self.authzid = ""
        self.username = ""
        self._password = ""

    def identify(self, message: bytes) -> None:
        """Takes the client's one message; sets username and authzid ("" if none).
        SaslFailure: malformed-request."""
        try:
            self.authzid, self.username, self._password = message.decode().split("\0")
        except ValueError:  # not UTF-8, or not three parts
            raise SaslFailure("malformed-request", "not a PLAIN message (RFC 4616 2)") from None
        if not (self.username and self._password):
            raise SaslFailure("malformed-request", "user name or password is empty")

    def verify(self, credentials: Credentials) -> bool:
        """Is the password right? One key derivation: not for the event loop."""
        return credentials.matches(self._password)
