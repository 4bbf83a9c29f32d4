"""XMPP streams for embedders, sans-IO: bytes in, one object a stanza out.

    parser = StreamParser()
    for event in parser.feed(data):
        match event:
            case StreamOpen(): ...      # the peer's header
            case Stanza(): ...          # name, to, from_, id, type, lang, raw, element()
            case StreamError(): ...     # condition (RFC 6120 4.9.3), text, offset: close the stream with it
            case StreamClose(): ...
"""

from collections.abc import Collection
from typing import final

from headrace.core.limits import Limits
from headrace.stream.events import Event
from headrace.stream.intake import Intake, Scratch

@final
class StreamParser(Intake):
    """One direction of a stream, wholly checked (RFC 6120 11, XML 1.0, Namespaces in XML 1.0), in bounded memory.

    limits: bounds of what may come, headrace.core.limits.CLIENT if None. mode: headrace.core.tokenizer.Mode: TCP, or
    frames of RFC 7395 (each feed() a frame, every element a Stanza), or bodies of XEP-0124. scratch: shared with
    other parsers of the same thread. stop: namespaces of elements behind which feed() returns.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        mode: int = 0,
        stop: Collection[str] = ...,
        scratch: Scratch | None = None,
    ) -> None: ...
    def feed(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Everything that `data` completes. An error is the last there is; what came before it has been handed out.

        It returns early behind an element of a `stop` namespace (`stopped` is true then): call reset() for the
        document that follows, or feed(b"") to go on in this one.
        """
