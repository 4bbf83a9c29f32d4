"""XML stream parsers as their users drive them: each reads a whole stream in pieces.

They answer how many stanzas came, or None where they can't know.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from xml.parsers import expat

from lxml import etree

from headrace.stream.callbacks import CallbackParser
from headrace.stream.parser import StreamParser
from headrace.stream.pull import StanzaPullParser, XMLPullParser
from native.build import module

Drive = Callable[[list[bytes]], int | None]


class Puller(Protocol):
    """What slixmpp asks of a parser."""

    def feed(self, data: bytes) -> None: ...
    def read_events(self) -> Iterable[tuple[str, Any]]: ...


def in_slixmpps_loop(parser: Puller, pieces: list[bytes]) -> int:
    """The receive path of slixmpp 1.17 (xmlstream.py, data_received) with nothing behind it."""
    depth = stanzas = 0
    root: Any = None
    for piece in pieces:
        parser.feed(piece)
        for event, xml in parser.read_events():
            if event == "start":
                if depth == 0:
                    root = xml
                depth += 1
            if event == "end":
                depth -= 1
                if depth == 1:
                    stanzas += 1
                    root.clear()
    return stanzas


def pull_parser(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(ET.XMLPullParser(("start", "end")), pieces)


def lxml(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(etree.XMLPullParser(("start", "end")), pieces)


def routing(pieces: list[bytes]) -> int:
    """One object a stanza."""
    feed = StreamParser().feed
    stanzas = -1    # the first event is the stream header
    for piece in pieces:
        stanzas += len(feed(piece))
    return stanzas


def start(name: str, attributes: dict[str, str]) -> None: ...
def text(data: str) -> None: ...
def end(name: str) -> None: ...


def callbacks(pieces: list[bytes]) -> None:
    feed = CallbackParser(start, text, end).feed
    for piece in pieces:
        feed(piece)


def pyexpat(pieces: list[bytes]) -> None:
    """Callbacks that build nothing."""
    parser = expat.ParserCreate(namespace_separator="\x0c")
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    for piece in pieces:
        parser.Parse(piece, False)


def contestants() -> dict[str, Drive]:
    native = module("parsers")
    return {
        "headrace objects": routing,
        "headrace callbacks": callbacks,
        "headrace elements": lambda pieces: in_slixmpps_loop(StanzaPullParser(("start", "end")), pieces),
        "headrace every element": lambda pieces: in_slixmpps_loop(XMLPullParser(("start", "end")), pieces),
        "headrace tape": lambda pieces: native.tape(pieces)[0],
        "expat in C": native.expat,
        "pyexpat": pyexpat,
        "XMLPullParser": pull_parser,
        "lxml": lxml,
    }
