"""The tokenizer's events as Python sees them. What is reported and refused: test_tokenizer.py, test_rules.py."""

import pytest

from headrace.core.events import EventReader
from headrace.core.names import namespace_number

STREAMS = "http://etherx.jabber.org/streams"
ROOT = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='x'>"
OPEN = ("open", STREAMS, "stream", (("", "id", "x"),))


def raw(event: object) -> object:
    return event[1] if isinstance(event, tuple) and event[0] == "element" else event


def test_events_of_one_feed() -> None:
    message = b"<message to='a@b'><body>a &lt; b<![CDATA[ & c]]></body><x xmlns='u' k='v'/></message>"
    events = EventReader().feed(ROOT + message + b"</stream:stream>")
    client = "jabber:client"
    pieces = (
        ("start", client, "message", (("", "to", "a@b"),)),
        ("start", client, "body", ()),
        ("text", "a < b & c"),
        ("end", client, "body"),
        ("start", "u", "x", (("", "k", "v"),)),
        ("end", "u", "x"),
        ("end", client, "message"),
    )
    assert events == [OPEN, ("element", message, pieces), ("close",)]


def test_an_error_is_the_last_event() -> None:
    events = EventReader().feed(ROOT + b"<presence/><a></b>")
    assert [event[0] for event in events] == ["open", "element", "error"]
    _, condition, text, offset = events[-1]
    assert condition == "not-well-formed"
    assert text
    assert len(ROOT) < offset <= len(ROOT) + 18


def test_pull_one_at_a_time_and_hand_back_the_rest() -> None:
    reader = EventReader()
    reader.push(ROOT + b"<a/><b/>")
    assert reader.pull() == OPEN
    assert raw(reader.pull()) == b"<a/>"
    assert reader.rest() == b"<b/>"


@pytest.mark.parametrize("drop", [True, False])
def test_reset_begins_a_document(drop: bool) -> None:
    reader = EventReader()
    reader.push(ROOT + b"<a/>" + ROOT)
    assert reader.pull() == OPEN
    assert raw(reader.pull()) == b"<a/>"
    reader.reset(drop_rest=drop)
    assert reader.pull() == (None if drop else OPEN)


def test_what_is_unread_is_kept_when_more_comes() -> None:
    reader = EventReader()
    reader.push(ROOT + b"<a/><b")
    assert reader.pull() == OPEN
    reader.push(b"/><c/>")
    assert [raw(reader.pull()) for _ in range(4)] == [b"<a/>", b"<b/>", b"<c/>", None]


def test_view_tells_what_the_data_plane_knows() -> None:
    reader = EventReader()
    reader.push(ROOT + b"<iq type='get' id='1' to='b'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert reader.pull() == OPEN
    assert reader.pull() is not None
    view = reader.view()
    assert (view["type"], view["id"], view["to"], view["from"]) == ("get", "1", "b", None)
    assert (view["children"], view["elements"]) == (1, 2)
    assert view["child"][0]["ns"] == namespace_number("urn:xmpp:ping")
