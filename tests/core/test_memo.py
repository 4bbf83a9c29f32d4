"""Tags that have been read before mean what they would mean to a tokenizer that has never seen them."""

import pytest

from headrace.core.events import Event, EventReader
from headrace.core.limits import Limits
from headrace.core.names import Known
from headrace.core.tokenizer import Flag, Workspace
from support.streams import HEADER, SCANS, body, condition

CHILDREN = (b"<body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/><message xmlns='jabber:client'/>"
            b"<x xmlns='urn:none:of:ours'><body/></x><x xmlns='vcard-temp:x:update'><photo/></x><body></body>"
            b"<empty xmlns=''/><a-rather-long-name/>")
ELEMENTS = b"<message>%b</message><iq><query xmlns='urn:u'>%b</query></iq>" % (CHILDREN, CHILDREN)
NESTED = b"<a>" * 8 + b"</a>" * 8
SERVER = HEADER.replace(b"client", b"server")

# The stream's header, and what comes then.
STREAMS = {
    "the same": (HEADER, ELEMENTS),
    "another content namespace": (SERVER, ELEMENTS),
    "no default namespace": (HEADER.replace(b"xmlns='jabber:client' ", b""), ELEMENTS),
    "a foreign default namespace": (HEADER.replace(b"jabber:client", b"urn:foreign"), ELEMENTS),
    "bound by the top tag": (HEADER, b"<message xmlns='urn:u'>%b</message>" % CHILDREN),
    "bound to nothing": (HEADER, b"<message xmlns=''>%b</message>" % CHILDREN),
    "other ends": (HEADER, b"<message><body/><active xmlns='http://jabber.org/protocol/chatstates'></active></message>"),
    "nearly the same": (HEADER, b"<message><body >x</body><active xmlns=\"http://jabber.org/protocol/chatstates\"/>"
                                b"<active xmlns='http://jabber.org/protocol/chatstated'/><bodyx/><bod/></message>"),
    "an end tag that does not fit": (HEADER, b"<message><body>x</bodx></message>"),
    "cut short": (HEADER, b"<message><body>x</body><active xmlns='http://jabber.org/protocol/chats"),
    "many": (HEADER, b"<message>%b</message>" % (b"".join(b"<n%d xmlns='u%d'/>" % (i, i) for i in range(300)) * 3)),
}
# Attributes in the orders in which they come, so that each is expected behind each other one.
ATTRS = (b"<message to='a' from='b' type='c' id='d'/><message from='b' to='a' id='d' type='c'/>"
         b"<message type='c' to='a'/><message id='d' from='b'/><message xmlns='jabber:client' to='a'/>"
         b"<iq><c xmlns='u' hash='x' node='y' twelve-bytes='z' thirteenbytes='z'/><c hash=\"x\" xmlns=\"u\"/></iq>")
ATTRIBUTES = {
    "the same": ATTRS,
    "another order": b"<message id='d' type='c' from='b' to='a'/><iq><c node='y' hash='x'/></iq>",
    "twice": b"<message to='a' from='b' to='a'/>",
    "twice in a row": b"<message to='a' to='a'/>",
    "twice in a child": b"<iq><c hash='x' node='y' hash='x'/></iq>",
    "declared twice": b"<message xmlns='jabber:client' to='a' xmlns='jabber:client'/>",
    "declared twice in a row": b"<iq><c xmlns='u' xmlns='u'/></iq>",
    "the other quote": b"<message to=\"a\" from=\"b'\"/>",
    "the wrong quote": b"<message to='a\" from='b'/>",
    "other space": b"<message\nto='a'\tfrom='b'  type='c' id ='d'/>",
    "no space": b"<message to='a'from='b'/>",
    "a longer name": b"<message tom='a' afrom='b'/>",
    "a prefix": b"<message to='a' xml:from='b'/>",
    "a name that is none": b"<message to='a' -from='b'/>",
    "no name": b"<message ='a'/>",
    "no value": b"<message to/>",
    "markup in a value": b"<message to='<' from='b'/>",
    "references": b"<message to='&amp;' from='&#98;&lt;' type='a\tb'/>",
    "beyond ASCII": "<message to='é’😀' from='b'/>".encode(),
    "not UTF-8": b"<message to='\xc3' from='b'/>",
    "nothing behind": b"<message to='a' ></message><message to='a' />",
    "zeros": b"<message to='a'" + bytes(32),
}
LIMITS = {
    "depth": Limits(depth=4),
    "elements": Limits(elements=5),
    "bytes": Limits(stanza=120),
    "names": Limits(name=len("a-rather-long-name") - 1),
    "attributes": Limits(attrs=1),
}


def told(header: bytes, data: bytes, work: Workspace, limits: Limits | None = None, step: int = 10_000) -> list[object]:
    """All events behind the header, each with its view; `step` bytes at a time."""
    reader, found = EventReader(limits=limits, work=work), list[object]()
    reader.feed(header)
    for at in range(0, len(data), step):
        reader.push(data[at:at + step])
        while (event := reader.pull()) is not None:
            found += [event, reader.view() if event[0] == "element" else None]
    return found


def warm(scan: str) -> Workspace:
    """A workspace whose streams have seen all of it, and that expects it."""
    work = Workspace(scan)
    for header in (HEADER, SERVER):
        for _ in range(3):
            assert told(header, ELEMENTS + NESTED, work)[-2][0] == "element"  # type: ignore[index]
    return work


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_known_tag_means_the_same(name: str, scan: str) -> None:
    header, data = STREAMS[name]
    expected = told(header, data, Workspace(scan))
    work = warm(scan)
    for _ in range(3):
        assert told(header, data, work) == expected


@pytest.mark.parametrize("name", LIMITS)
def test_a_known_tag_keeps_to_the_limits(name: str) -> None:
    work, limits = warm(SCANS[0]), LIMITS[name]
    data = ELEMENTS + NESTED
    expected = told(HEADER, data, Workspace(), limits)
    assert told(HEADER, data, work, limits) == expected
    assert (expected[-2][0] == "error") == (name != "attributes")  # type: ignore[index]


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_known_attribute_means_the_same(name: str, scan: str) -> None:
    """Also where the memory of what came before has learned of it, and cut anywhere."""
    data = ATTRIBUTES[name]
    work = Workspace(scan)
    for _ in range(3):
        assert told(HEADER, ATTRS, work)[-2][0] == "element"  # type: ignore[index]
    for _ in range(3):
        for step in (len(data), 1, 20):
            assert told(HEADER, data, work, step=step) == told(HEADER, data, Workspace(scan), step=step)


@pytest.mark.parametrize("limits", [Limits(attrs=3), Limits(decls=1), Limits(name=12), Limits(name=4)])
def test_a_known_attribute_keeps_to_the_limits(limits: Limits) -> None:
    work = Workspace()
    for _ in range(3):
        told(HEADER, ATTRS, work)
    assert told(HEADER, ATTRS, work, limits) == told(HEADER, ATTRS, Workspace(), limits)


def test_known_tags_are_told_like_others() -> None:
    """However they are cut: the second and third of each is known."""
    events = body(ELEMENTS * 3)
    assert condition(events) is None
    once: list[Event] = body(ELEMENTS)
    assert [event[1:] for event in events] == [event[1:] for event in once * 3]


def test_what_routing_asks_of_a_known_child() -> None:
    reader = EventReader()
    reader.feed(HEADER)
    for data in (b"<iq><deep><body/><message xmlns='jabber:client'/></deep></iq>",
                 b"<iq><body/></iq>", b"<iq><message xmlns='jabber:client'/></iq>"):
        reader.push(data)
        reader.pull()
        view = reader.view()
        assert view["known"] == (1 << Known.K_BODY if data.startswith(b"<iq><body") else 0)
        assert view["flags"] == (Flag.F_CONTENT_CHILD if data.startswith(b"<iq><message") else 0)
        assert reader.pull() is None
