"""PLAIN (RFC 4616), server side."""

from headrace.sasl.failures import SaslFailure


class Plain:
    """One exchange: identify() sets authzid, username and password, which somebody else has to check."""

    name = "PLAIN"

    def __init__(self) -> None:
        self.authzid = ""
        self.username = ""
        self.password = ""

    def identify(self, message: bytes) -> None:
        """Takes the client's one message; authzid is "" if there is none. SaslFailure: malformed-request."""
        try:
            self.authzid, self.username, self.password = message.decode().split("\0")
        except ValueError:  # not UTF-8, or not three parts
            raise SaslFailure("malformed-request", "not a PLAIN message (RFC 4616 2)") from None
        if not (self.username and self.password):
            raise SaslFailure("malformed-request", "user name or password is empty")
