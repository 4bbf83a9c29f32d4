"""What the parsers for embedders share: taking bytes, stopping where a stream may restart, restarting."""

from typing import Final, final

from headrace.core.limits import Limits
from headrace.core.tokenizer import Workspace

RESTARTS: Final[frozenset[str]]
"""Namespaces of what can be followed by a new document on the same connection: TLS (RFC 6120 5.4.3.3), SASL (6.4.6),
stream compression (XEP-0138)."""

@final
class Scratch:
    """What the parsers of one thread share, so that an idle one costs next to nothing. Not for two threads at once."""

    work: Workspace

class Intake:
    """A parser's input. Pieces may be cut anywhere; each event comes from the feed() that brings its last byte."""

    stopped: bool
    """The last feed() returned behind an element that a new document can follow; what came after it is unread."""
    def reset(self, *, drop_rest: bool = False) -> None:
        """A new document begins: after TLS, after SASL. What is unread is the start of it, and read by the next feed().

        drop_rest: forget it instead. Do so after <starttls/> or <proceed/>: those bytes came before encryption, and
        nobody can say from whom. RuntimeError inside of feed().
        """

    @property
    def rest(self) -> bytes:
        """What has been fed and not read."""

    def use_limits(self, limits: Limits) -> None:
        """Bounds for what comes from now on, say after authentication. Counts of `total` and `tops` go on."""

    @property
    def failed(self) -> bool:
        """There was an error; nothing more comes, except after reset()."""

    @property
    def consumed(self) -> int:
        """Bytes of the document that have been read."""

    @property
    def memory(self) -> int:
        """Bytes that it holds, its own objects included, the Scratch not."""
