"""What StreamParser.feed() answers, beside stanzas."""

from dataclasses import dataclass

from headrace.core.stanza import Stanza
from headrace.stream.errors import StreamError
from headrace.stream.header import Header


@dataclass(frozen=True, slots=True)
class StreamOpen(Header):
    """The root's start tag: the peer's stream header. judge_client() and its parts take it as it is."""

    raw: bytes = b""
    """As received, the XML declaration left out."""


@dataclass(frozen=True, slots=True)
class StreamClose:
    """The root's end tag. Nothing follows but, at most, an error."""


Event = StreamOpen | Stanza | StreamClose | StreamError
