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
LIMITS = {
    "depth": Limits(depth=4),
    "elements": Limits(elements=5),
    "bytes": Limits(stanza=120),
    "names": Limits(name=len("a-rather-long-name") - 1),
    "attributes": Limits(attrs=1),
}


def told(header: bytes, data: bytes, work: Workspace, limits: Limits | None = None) -> list[object]:
    """All events behind the header, each with its view."""
    reader, found = EventReader(limits=limits, work=work), list[object]()
    reader.feed(header)
    reader.push(data)
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
