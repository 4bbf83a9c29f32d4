"""The pull parser against xml.etree's: events, elements, errors."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.stanzas import CORPORA, HEADER, stanzas
from headrace.core.limits import BEFORE_AUTH
from headrace.core.ns import CLIENT
from headrace.stream.pull import StanzaPullParser, XMLPullParser
from support.documents import Document, documents, shape

CLOSE = b"</stream:stream>"
EVENTS = ("start", "end", "start-ns", "end-ns")


def plain(event: str, what: Any) -> tuple[str, Any]:
    """An event as it can be compared, once its parser has ended."""
    return event, shape(what) if isinstance(what, ET.Element) else what


def pulled(parser: Any, pieces: list[bytes]) -> list[tuple[str, Any]]:
    found = []
    for piece in pieces:
        parser.feed(piece)
        found += list(parser.read_events())
    parser.close()
    return [plain(*event) for event in found]


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i:i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("events", [("start", "end"), ("end",), EVENTS])
def test_the_events_are_the_same(name: str, events: tuple[str, ...]) -> None:
    data = HEADER + b"".join(stanzas(name, 30_000)) + CLOSE
    wanted = pulled(ET.XMLPullParser(events), [data])
    for size in (700, 4096, len(data)):
        assert pulled(XMLPullParser(events), in_pieces(data, size)) == wanted


@given(st.lists(documents(), max_size=3))
def test_the_events_of_odd_stanzas_are_the_same(found: list[Document]) -> None:
    raws = [document.raw for document in found if not document.bindings and document.content == CLIENT]
    data = HEADER + b"".join(raws) + CLOSE
    wanted = pulled(ET.XMLPullParser(EVENTS), [data])
    assert pulled(XMLPullParser(EVENTS), [data]) == wanted
    assert pulled(XMLPullParser(EVENTS), in_pieces(data, 1)) == wanted


@pytest.mark.parametrize("raw", [
    b"<a >xmlns:p='x'</a>", b"<a b='>' >xmlns:q='x'</a>", b"<a b=\" xmlns:p='x'\"/>",
    b"<a\n xmlns:p\t=\r'x&amp;&#10;y\tz' />",
    b"<p:a xmlns:q='y' p:b='xmlns' xmlns:p=\"'x'\"><q:b xmlns:q='>'/></p:a>", b"<a xmlns=''><xmlns/></a>",
])
def test_declarations_are_found_where_they_are(raw: bytes) -> None:
    data = HEADER + raw + CLOSE
    assert pulled(XMLPullParser(EVENTS), [data]) == pulled(ET.XMLPullParser(EVENTS), [data])


def test_events_of_stanzas_alone() -> None:
    data = HEADER + b"<message><body>hi</body></message><presence xmlns:p='urn:p'/>" + CLOSE
    found = pulled(StanzaPullParser(EVENTS), [data])
    whole = pulled(ET.XMLPullParser(EVENTS), [data])
    assert found == [event for event in whole if event[0].endswith("-ns") or event[1][0] != f"{{{CLIENT}}}body"]


@pytest.mark.parametrize("make", [XMLPullParser, StanzaPullParser])
def test_stanzas_hang_below_the_root(make: type[XMLPullParser]) -> None:
    parser = make(("start", "end"))
    parser.feed(HEADER)
    (_, root), = parser.read_events()
    parser.feed(b"<message/><presence/>")
    assert [child.tag for child in root] == [f"{{{CLIENT}}}message", f"{{{CLIENT}}}presence"]
    root.clear()
    parser.feed(b"<iq><query xmlns='urn:x'/></iq>")
    assert [child.tag for child in root] == [f"{{{CLIENT}}}iq"]
    assert [event for event, _ in parser.read_events()][:4] == ["start", "end"] * 2


def test_events_can_be_left_for_later() -> None:
    parser = XMLPullParser(("end",))
    parser.feed(HEADER + b"<message/><presence/>")
    assert next(parser.read_events())[1].tag.endswith("message")
    parser.feed("<iq/>")
    assert [element.tag[15:] for _, element in parser.read_events()] == ["presence", "iq"]
    assert list(parser.read_events()) == []


def test_an_error_comes_behind_what_was_good() -> None:
    parser = XMLPullParser(("end",))
    parser.feed(HEADER + b"<message/><message></iq>")
    events = parser.read_events()
    assert next(events)[1].tag == f"{{{CLIENT}}}message"
    with pytest.raises(ET.ParseError) as caught:
        next(events)
    assert caught.value.position == (1, len(HEADER) + 21)
    assert caught.value.code == 4
    assert caught.value.condition == "not-well-formed"  # type: ignore[attr-defined]
    with pytest.raises(ET.ParseError):
        parser.close()


def test_the_end_of_input() -> None:
    parser = XMLPullParser()
    with pytest.raises(ET.ParseError):
        parser.close()
    with pytest.raises(ValueError, match="after end"):
        parser.feed(HEADER)
    parser.reset()
    parser.feed(HEADER + b"<a/>")
    with pytest.raises(ET.ParseError):
        parser.close()


@pytest.mark.parametrize("make", [ET.XMLPullParser, XMLPullParser])
@pytest.mark.parametrize("events", [("begin",), ("start", "")])
def test_unknown_events_are_refused(make: Any, events: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="unknown event"):
        make(events)


def test_comments_are_no_xmpp() -> None:
    parser = XMLPullParser(("comment", "pi", "end"))
    parser.feed(HEADER + b"<a><!-- c --></a>")
    with pytest.raises(ET.ParseError, match="restricted-xml"):
        next(parser.read_events())


def test_limits_of_a_client_and_others() -> None:
    roster = b"<iq>" + b"<item/>" * 20_000 + b"</iq>"
    parser = StanzaPullParser(("end",))
    parser.feed(HEADER + roster)
    assert len(next(parser.read_events())[1]) == 20_000
    strict = StanzaPullParser(("end",), limits=BEFORE_AUTH)
    strict.feed(HEADER + roster)
    with pytest.raises(ET.ParseError, match="policy-violation"):
        next(strict.read_events())


def test_a_new_document() -> None:
    parser = XMLPullParser(("start", "end"))
    parser.feed(HEADER + b"<a/>" + CLOSE)
    assert len(list(parser.read_events())) == 4
    parser.reset()
    parser.feed(HEADER + b"<b/>")
    assert [element.tag for _, element in parser.read_events()][1:] == [f"{{{CLIENT}}}b"] * 2


def test_flush_has_nothing_to_do() -> None:
    parser = XMLPullParser(("end",))
    parser.feed(HEADER + b"<a/")
    parser.flush()
    assert list(parser.read_events()) == []
    parser.feed(b">")
    assert len(list(parser.read_events())) == 1
