"""`xml.etree.ElementTree.XMLPullParser` for XMPP streams: the same calls, events and elements, another tokenizer.

Where it differs: it takes what XMPP allows and no more (RFC 6120 11), in bounded memory; the events of a stanza come
once it is complete, in the feed() that brings its last byte; white space between stanzas is dropped. A ParseError has
a `condition` (RFC 6120 4.9.3) beside `code` and `position`; `position` is (1, offset in bytes).
"""

from collections.abc import Iterator, Sequence
from typing import Any, final

from headrace.core.limits import Limits
from headrace.stream.intake import Intake, Scratch

class XMLPullParser(Intake):
    """events: of "start", "end", "start-ns", "end-ns" ("comment" and "pi" never come). Raises ValueError for others.

    limits: headrace.core.limits.FROM_SERVER, for a client; a server passes its own.
    """

    def __init__(
        self, events: Sequence[str] | None = ("end",), *, limits: Limits = ..., scratch: Scratch | None = None
    ) -> None: ...
    def feed(self, data: bytes | bytearray | memoryview | str) -> None:
        """Events of what `data` completes are ready for read_events(). Raises ValueError after close()."""

    def read_events(self) -> Iterator[tuple[str, Any]]:
        """What is ready, each event once; raises ParseError where something is wrong."""

    def flush(self) -> None:
        """Nothing: no event waits for more input."""

    def close(self) -> None:
        """No more input. Raises ParseError if the root is still open."""

@final
class StanzaPullParser(XMLPullParser):
    """The same with events of the root and of its children alone, which a loop that counts depth makes do with.

    What slixmpp's loop and its like do with elements inside of a stanza is to count them: that costs as much as
    building the tree. The trees are the same.
    """
