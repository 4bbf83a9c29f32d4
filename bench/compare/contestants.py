"""XML stream parsers as their users drive them, ours and others: see native/levels.py for what a drive is."""

import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any
from xml.parsers import expat

from lxml import etree
from slixmpp import ClientXMPP
from slixmpp.xmlstream import xmlstream

from headrace.stream.pull import StanzaPullParser
from native.build import module
from native.levels import LEVELS, Drive, end, in_slixmpps_loop, start, text


def pull_parser(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(ET.XMLPullParser(("start", "end")), pieces)


def lxml(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(etree.XMLPullParser(("start", "end")), pieces)


def pyexpat(pieces: list[bytes]) -> None:
    """Callbacks that build nothing."""
    parser = expat.ParserCreate(namespace_separator="\x0c")
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    for piece in pieces:
        parser.Parse(piece, False)


class Client(ClientXMPP):  # type: ignore[misc]
    """slixmpp's whole receive path, up to the stanza that its handlers would get; not connected."""

    def __init__(self, parser: type) -> None:
        xmlstream.ET = SimpleNamespace(**{**vars(ET), "XMLPullParser": parser})
        super().__init__("romeo@capulet.lit/orchard", "secret")
        self.stanzas = 0
        self.add_filter("in", self.count)
        self.init_parser()

    def count(self, stanza: Any) -> None:
        self.stanzas += 1


def slixmpp(parser: type) -> Drive:
    client = Client(parser)
    name = xmlstream.ET

    def drive(pieces: list[bytes]) -> int:
        xmlstream.ET = name
        client.init_parser()
        client.stanzas = 0
        for piece in pieces:
            client.data_received(piece)
        return client.stanzas

    return drive


def contestants() -> dict[str, Drive]:
    return {
        **LEVELS,
        "expat in C": module("parsers").expat,
        "pyexpat": pyexpat,
        "XMLPullParser": pull_parser,
        "lxml": lxml,
        "slixmpp": slixmpp(ET.XMLPullParser),
        "slixmpp on ours": slixmpp(StanzaPullParser),
    }
