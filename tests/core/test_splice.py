"""The splice rule, points 1 to 4 (protocol.md 1), for every source and target that core knows of.

expat reads the output below the receiver's root; that tree has to be the tree of the input with the new head.
"""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import parse_stanza
from headrace.core.ns import CLIENT, STREAM, XML
from support.documents import Document, documents, shape

LANG = f"{{{XML}}}lang"
PIECES = st.sampled_from([b"", b"<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@b'/>", b"<a/><b xmlns='urn:x'>t</b>"])


def model(document: Document, piece: bytes, lang: str | None, **head: str) -> ET.Element:
    """The tree that the receiver has to see."""
    tree = document.expat()
    for key, value in head.items():
        tree.set(key.rstrip("_"), value)
    if lang is not None and LANG not in tree.attrib:
        tree.set(LANG, lang)
    tree.extend(received(b"<x>" + piece + b"</x>", document.content or CLIENT))
    return tree


def received(written: bytes, content: str) -> ET.Element:
    """What stands below a TCP root, as expat reads it there."""
    root = f"<stream:stream xmlns='{content}' xmlns:stream='{STREAM}'>".encode()
    return ET.fromstring(root + written + b"</stream:stream>")[0]


@given(documents(), PIECES, st.sampled_from([None, "fr"]))
def test_the_receiver_reads_what_was_sent_under_the_new_head(
        document: Document, piece: bytes, lang: str | None) -> None:
    stanza = parse_stanza(document.raw, document.content, bindings=document.bindings, from_="a'b@c/<d>", to="e@f")
    written = stanza.written(piece, lang=lang)
    expected = model(document, piece, lang, from_="a'b@c/<d>", to="e@f")
    assert shape(received(written, document.content or CLIENT)) == shape(expected)


@given(documents(), PIECES)
def test_it_is_the_same_in_a_frame_once_xmlns_stands_in_its_head(document: Document, piece: bytes) -> None:
    stanza = parse_stanza(document.raw, document.content, bindings=document.bindings)
    content = document.content or CLIENT
    frame = re.sub(rb"^<(\w+)", rb"<\1 xmlns='%s'" % content.encode(), stanza.written(piece))
    assert shape(ET.fromstring(frame)) == shape(model(document, piece, None))


@given(documents())
def test_what_the_rule_admits_is_copied_byte_for_byte(document: Document) -> None:
    written = parse_stanza(document.raw, document.content, bindings=document.bindings).written()
    inside = re.fullmatch(rb"<\w+(?:\s+[\w:]+=(?:'[^']*'|\"[^\"]*\"))*\s*>(.*)</\w+\s*>", document.raw, re.DOTALL)
    if not document.flags and inside:
        assert inside[1] in written
    assert not re.match(rb"<\w+ [^>]*xmlns=", written)


@pytest.mark.parametrize(("raw", "written"), [
    (b"<message to='x'  type=\"chat\"\n><body>a<![CDATA[b]]>&#10;</body></message >",
     b"<message to='x' type='chat'><body>a<![CDATA[b]]>&#10;</body></message>"),
    (b"<message xmlns='jabber:client' to='x' xmlns:p='urn:p'><p:y/></message>",
     b"<message to='x' xmlns:p='urn:p'><p:y/></message>"),
    (b"<presence/>", b"<presence/>"),
    (b"<presence></presence>", b"<presence/>"),
    (b"<iq id='&#60;&amp;&apos;' type='get'><q xmlns='urn:x'/></iq>",
     b"<iq id='&lt;&amp;&apos;' type='get'><q xmlns='urn:x'/></iq>"),
    # The slow road: a child in the content namespace by its own word.
    (b"<message><body xmlns='jabber:client'>x</body></message>", b"<message><body>x</body></message>"),
    (b"<c:message xmlns:c='jabber:client'><c:body>x</c:body></c:message>", b"<message><body>x</body></message>"),
])
def test_what_it_looks_like(raw: bytes, written: bytes) -> None:
    assert parse_stanza(raw).written() == written


def test_a_self_closing_stanza_is_opened_for_a_piece() -> None:
    assert parse_stanza(b"<message id='1'/>").written(b"<x/>") == b"<message id='1'><x/></message>"


def test_its_own_language_beats_the_streams() -> None:
    assert parse_stanza(b"<message xml:lang='de'/>").written(lang="fr") == b"<message xml:lang='de'/>"
    assert parse_stanza(b"<message xml:lang=''/>").written(lang="fr") == b"<message xml:lang=''/>"
    assert parse_stanza(b"<message/>").written(lang="fr") == b"<message xml:lang='fr'/>"
