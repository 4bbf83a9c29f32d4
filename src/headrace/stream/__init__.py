"""One XMPP stream without its socket: headers, features, errors, framings. Bytes and values in, bytes out."""

from headrace.core.stanza import Stanza
from headrace.stream.errors import StreamError
from headrace.stream.events import Event, StreamClose, StreamOpen
from headrace.stream.intake import Scratch
from headrace.stream.parser import StreamParser

__all__ = ["Event", "Scratch", "Stanza", "StreamClose", "StreamError", "StreamOpen", "StreamParser"]
