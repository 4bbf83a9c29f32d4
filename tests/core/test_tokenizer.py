"""How the tokenizer takes and hands out bytes: cuts, stops, restarts, memory. What it refuses: test_rules.py."""

import gc

import pytest

from headrace.core.events import Event, EventReader
from headrace.core.limits import Limits
from headrace.core.names import Ns
from headrace.core.tokenizer import Flag, Kind, Mode, Tokenizer, Workspace, scans
from support.streams import HEADER, OPEN, SCANS, agreed, condition, flat, in_pieces, raws, read

CHAT = (b"<message to='a@b/c' id='1' type='chat'><body>O Romeo &amp; co, wherefore art thou?</body>"
        b"<active xmlns='http://jabber.org/protocol/chatstates'/></message>")


def view_of(data: bytes, header: bytes = HEADER) -> dict[str, object]:
    reader = EventReader()
    reader.feed(header)
    reader.push(data)
    event = reader.pull()
    assert event is not None
    assert event[0] == "element", event
    return reader.view()


def test_reports_in_the_feed_that_brings_the_last_byte() -> None:
    parts = [HEADER, CHAT, b"<iq/>", b"<r xmlns='urn:xmpp:sm:3'/>", b"</stream:stream>"]
    data, ends = b"".join(parts), [len(b"".join(parts[:i + 1])) for i in range(len(parts))]
    events = read(in_pieces(data, 1))
    assert [i + 1 for i, found in enumerate(events) if found] == ends
    for cut in range(len(data)):
        first, _ = read([data[:cut], data[cut:]])
        assert len(first) == sum(end <= cut for end in ends), cut


@pytest.mark.parametrize("size", [2, 3, 7, 16, 31, 32, 33, 64, 1000])
@pytest.mark.parametrize("scan", SCANS)
def test_pieces_of_any_size(size: int, scan: str) -> None:
    data = HEADER + CHAT * 30 + b"<message><body>" + "漢字 and é ".encode() * 200 + b"</body></message>" + CHAT
    assert flat(read(in_pieces(data, size), work=Workspace(scan))) == flat(read([data]))


def test_a_whole_element_is_not_copied_and_a_cut_one_is() -> None:
    reader = EventReader()
    reader.feed(HEADER)
    reader.push(CHAT + CHAT[:40])
    assert raws([reader.pull()]) == [CHAT]
    assert not reader.view()["copied"]
    assert reader.pull() is None
    reader.push(CHAT[40:] + CHAT)
    assert raws([reader.pull()]) == [CHAT]
    assert reader.view()["copied"]
    assert raws([reader.pull()]) == [CHAT]
    assert not reader.view()["copied"]


def test_nothing_comes_after_an_error_and_all_before_it_has() -> None:
    reader = EventReader()
    events = reader.feed(HEADER + CHAT + b"<a></b><iq/>")
    assert raws(events) == [CHAT]
    assert events[-1] == ("error", "not-well-formed", "an end tag that does not fit the open element",
                          len(HEADER + CHAT + b"<a></"))
    assert reader.tokenizer.failed
    assert reader.tokenizer.error == events[-1][1:]
    assert reader.feed(b"<iq/>") == []
    assert reader.pull() is None


def test_an_error_has_the_same_place_however_it_is_cut() -> None:
    bad = HEADER + b"<a><b c='d' e='f'>text &bad;</b></a>"
    assert agreed(bad)[-1][3] == bad.index(b"&bad;") + len(b"&bad;")


def test_stops_after_any_element_and_hands_back_the_rest() -> None:
    reader = EventReader()
    reader.push(HEADER + b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + b"\x16\x03\x01 not XML")
    assert reader.pull() == OPEN
    assert reader.pull() is not None
    assert reader.rest() == b"\x16\x03\x01 not XML"
    reader.reset(drop_rest=True)
    assert reader.pull() is None
    assert reader.feed(HEADER) == [OPEN]
    assert reader.tokenizer.consumed == len(HEADER)


def test_a_restart_reads_the_rest_as_a_new_document() -> None:
    reader = EventReader()
    first = HEADER.replace(b"version", b"xmlns:p='urn:p' version")
    reader.push(first + b"<p:auth/>" + HEADER + b"<p:a/>")
    assert [event[0] for event in (reader.pull(), reader.pull()) if event] == ["open", "element"]
    reader.reset()
    assert reader.pull() == OPEN
    error = reader.pull()
    assert error is not None
    assert error[:3] == ("error", "not-well-formed",
                         "an element's prefix is not bound"), "bindings end with a restart"


@pytest.mark.parametrize("cut", range(0, len(HEADER + CHAT), 7))
def test_bytes_kept_for_later(cut: int) -> None:
    """A caller that stops pulling loses nothing, also when more is fed meanwhile."""
    data, reader, events = HEADER + CHAT * 3, EventReader(), []
    for piece in (data[:cut], data[cut:len(data) - 5], data[len(data) - 5:], b"<iq/>"):
        reader.push(piece)
        events.append(reader.pull())
    while (event := reader.pull()) is not None:
        events.append(event)
    assert [event for event in events if event is not None] == flat(read([data + b"<iq/>"]))


def test_white_space_between_elements_is_dropped() -> None:
    reader = EventReader()
    reader.feed(HEADER)
    before = reader.tokenizer.memory
    assert reader.feed(b" \r\n\t" * 100_000) == []
    assert reader.tokenizer.memory == before
    assert reader.tokenizer.consumed == len(HEADER) + 400_000
    assert raws(reader.feed(b"\n<iq/>\n")) == [b"<iq/>"]


def test_an_idle_stream_owns_less_than_1_kib() -> None:
    reader = EventReader()
    header = HEADER.replace(b"version",
                            b"xmlns:p='urn:example:p' to='capulet.lit' from='juliet@capulet.lit' version")
    avatar = b"<iq><data>" + b"QUJD" * 15_000 + b"</data></iq>"
    for data in (header, CHAT, avatar):
        for piece in in_pieces(data, 1460):
            reader.feed(piece)
    assert reader.tokenizer.memory + Tokenizer.__basicsize__ <= 1024
    reader.feed(avatar[:50_000])
    assert reader.tokenizer.memory > 50_000
    reader.feed(avatar[50_000:])
    assert reader.tokenizer.memory + Tokenizer.__basicsize__ <= 1024


def test_the_workspace_keeps_little() -> None:
    work = Workspace()
    readers = [EventReader(work=work, limits=Limits(stanza=0, elements=0)) for _ in range(50)]
    for reader in readers:
        reader.feed(HEADER + b"<iq>" + b"<a xmlns='urn:x'/>" * 10_000)
    for reader in readers:
        reader.feed(b"</iq>")
    assert sum(reader.tokenizer.memory for reader in readers) < 50 * 1024
    assert work.memory < 1 << 20


def test_tokenizers_share_a_workspace_without_mixing() -> None:
    work = Workspace()
    readers = [EventReader(work=work) for _ in range(5)]
    for reader in readers:
        reader.feed(HEADER)
    found: list[list[Event]] = [[] for _ in readers]
    for i in range(len(CHAT)):
        for n, reader in enumerate(readers):
            found[n] += reader.feed(CHAT.replace(b"id='1'", b"id='%d'" % n)[i:i + 1])
    assert raws(flat(found)) == [CHAT.replace(b"id='1'", b"id='%d'" % n) for n in range(5)]


def test_many_tokenizers_come_and_go_at_any_point() -> None:
    work = Workspace()
    for cut in range(len(HEADER + CHAT)):
        EventReader(work=work).feed((HEADER + CHAT)[:cut])
    gc.collect()
    assert raws(EventReader(work=work).feed(HEADER + CHAT)) == [CHAT]


def test_chooses_a_scanner() -> None:
    assert scans()[-1] == "portable"
    assert Workspace().scan == scans()[0]
    assert [Workspace(scan).scan for scan in scans()] == list(scans())
    with pytest.raises(ValueError, match="portable"):
        Workspace("abacus")
    with pytest.raises(ValueError, match="mode"):
        Tokenizer(Workspace(), 9)


def test_the_view_of_a_message() -> None:
    data = (b"<message xml:lang='de' from='&lt;a&gt;' to=\"a\tb\" type='chat' id=''><body>x</body>"
            b"<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='me'/> <p:x xmlns:p='urn:p'><y/></p:x></message>")
    view = view_of(data)
    assert (view["kind"], view["name"], view["uri"], view["ns"]) == (Kind.KIND_MESSAGE, "message",
                                                                     "jabber:client", Ns.NS_CLIENT)
    assert (view["from"], view["to"], view["type"], view["id"], view["lang"]) == ("<a>", "a b", "chat", "",
                                                                                  "de")
    assert (view["size"], view["body"], view["body_end"]) == (len(data), data.index(b"<body>"),
                                                              data.index(b"</message>"))
    assert (view["elements"], view["children"], view["flags"], view["decl"]) == (5, 3, 0, [])
    children = view["child"]
    assert isinstance(children, list)
    assert [(c["name"], c["uri"]) for c in children] == [("body", "jabber:client"),
                                                         ("stanza-id", "urn:xmpp:sid:0"), ("x", "urn:p")]
    assert [data[c["start"]:c["end"]] for c in children] == [
        b"<body>x</body>", b"<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='me'/>",
        b"<p:x xmlns:p='urn:p'><y/></p:x>"]
    assert [data[c["inner"]:c["inner_end"]] for c in children] == [b"x", b"", b"<y/>"]


def test_the_view_of_an_empty_stanza() -> None:
    view = view_of(b"<presence/>")
    assert (view["kind"], view["flags"], view["size"], view["body"], view["body_end"]) == (Kind.KIND_PRESENCE,
                                                                                           Flag.F_SELF_CLOSED,
                                                                                           11, 11, 11)
    assert view["to"] is view["from"] is view["type"] is view["id"] is view["lang"] is None


@pytest.mark.parametrize(("data", "flags"), [
    (b"<iq></iq>", 0),
    (b"<iq/>", Flag.F_SELF_CLOSED),
    (b"<iq xmlns='jabber:client'/>", Flag.F_SELF_CLOSED | Flag.F_OWN_XMLNS),
    (b"<p:iq xmlns:p='jabber:client'></p:iq>", Flag.F_PREFIXED),
    (b"<iq a='b'></iq>", Flag.F_EXTRA_ATTRS),
    (b"<iq xmlns:p='x' p:to='b'></iq>", Flag.F_EXTRA_ATTRS),
    (b"<iq xml:space='preserve'></iq>", Flag.F_EXTRA_ATTRS),
    (b"<iq><stream:a/></iq>", Flag.F_OUTER_BINDING),
    (b"<iq><a stream:b=''/></iq>", Flag.F_OUTER_BINDING),
    (b"<iq><a xmlns:stream='x' stream:b=''/></iq>", 0),
    (b"<iq><a xml:lang='x'/></iq>", 0),
    (b"<stream:error/>", Flag.F_SELF_CLOSED | Flag.F_OUTER_BINDING | Flag.F_PREFIXED),
    (b"<iq><a xmlns='jabber:client'/></iq>", Flag.F_CONTENT_CHILD),
    (b"<iq><a xmlns='jabber:server'/></iq>", Flag.F_CONTENT_CHILD),
    (b"<iq><p:a xmlns:p='jabber:component:accept'/></iq>", Flag.F_CONTENT_CHILD),
    (b"<iq xmlns:p='jabber:client'><p:a/></iq>", Flag.F_CONTENT_CHILD),
    (b"<iq><a xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></a></iq>", 0),
    (b"<iq> \n<a/>\t</iq>", 0),
    (b"<iq>x</iq>", Flag.F_TOP_TEXT),
    (b"<iq><a/> y</iq>", Flag.F_TOP_TEXT),
    (b"<iq><a>x</a></iq>", 0),
    (b"<iq>&#32;</iq>", Flag.F_TOP_TEXT),
    (b"<iq><![CDATA[x]]></iq>", Flag.F_TOP_TEXT),
])
def test_flags(data: bytes, flags: int) -> None:
    assert view_of(data)["flags"] == flags


def test_a_foreign_default_namespace() -> None:
    header = b"<stream xmlns='http://etherx.jabber.org/streams'>"
    view = view_of(b"<message xmlns='jabber:client'><body/></message>", header)
    assert view["flags"] == Flag.F_FOREIGN_DEFAULT | Flag.F_OWN_XMLNS
    assert view["kind"] == Kind.KIND_MESSAGE
    assert view_of(b"<features/>",
                   header)["flags"] == Flag.F_FOREIGN_DEFAULT | Flag.F_OUTER_BINDING | Flag.F_SELF_CLOSED


def test_the_content_namespace_is_the_headers() -> None:
    header = HEADER.replace(b"jabber:client", b"jabber:server")
    view = view_of(b"<message><body/></message>", header)
    assert (view["kind"], view["ns"], view["known"]) == (Kind.KIND_MESSAGE, Ns.NS_SERVER, 2)
    assert view_of(b"<message xmlns='jabber:client'><body/></message>", header)["kind"] == Kind.KIND_OTHER


def test_declarations_of_the_top_tag() -> None:
    data = b"<iq xmlns='jabber:client' xmlns:a='urn:a' id='1' xmlns:b = \"urn:&amp;\"/>"
    assert view_of(data)["decl"] == [b"xmlns:a='urn:a'", b'xmlns:b = "urn:&amp;"']


def test_more_children_than_are_recorded() -> None:
    view = view_of(b"<message>" + b"<a/>" * 20 + b"<body/><b/></message>")
    children = view["child"]
    assert isinstance(children, list)
    assert (view["children"], len(children), view["known"]) == (22, 16, 2)
    assert children[15]["start"] == len(b"<message>" + b"<a/>" * 15)


def test_the_roots_bindings_hold_after_the_buffer_is_gone() -> None:
    reader = EventReader()
    header = HEADER.replace(b"version", b"xmlns:p='urn:&#112;' xmlns:q='urn:q' version")
    for i in range(len(header)):
        reader.feed(header[i:i + 1])
    (_, _, pieces), = reader.feed(b"<p:a q:b='1' xmlns:r='urn:r'><r:c/></p:a>")
    assert pieces[0] == ("start", "urn:p", "a", (("urn:q", "b", "1"),))
    assert pieces[1] == ("start", "urn:r", "c", ())


def test_a_view_is_gone_when_the_next_is_asked_for() -> None:
    reader = EventReader()
    reader.push(HEADER)
    assert reader.pull() == OPEN
    assert reader.pull() is None
    with pytest.raises(ValueError, match="no element"):
        reader.view()


FRAME_ERRORS = [b"", b" <a/>", b"<a/> ", b"<a/><b/>", b"<a", b"<a><b/>", b"<?xml version='1.0'?><a/>",
                b"\xef\xbb\xbf<a/>", b"text", b"</a>",
                b"<stream:a/>"]


@pytest.mark.parametrize("frame", FRAME_ERRORS)
def test_bad_frames(frame: bytes) -> None:
    events = flat(read([b"<a/>", frame, b"<b/>"], mode=Mode.MODE_FRAME))
    assert raws(events)[0] == b"<a/>"
    assert b"<b/>" not in raws(events)
    assert condition(events) in ("not-well-formed", "bad-format")


def test_frames() -> None:
    """RFC 7395 3.3: each frame stands alone, nothing is inherited."""
    frames = [b"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a'/>",
              b"<message xmlns='jabber:client'><body>x</body></message>", b"<a/>"]
    reader = EventReader(Mode.MODE_FRAME)
    found = [reader.feed(frame) for frame in frames]
    assert [raws(events) for events in found] == [[frame] for frame in frames]
    assert [events[0][2][0][1] for events in found] == ["urn:ietf:params:xml:ns:xmpp-framing",
                                                        "jabber:client", ""]
    reader.push(frames[1])
    assert reader.pull() is not None
    assert (reader.view()["kind"], reader.view()["flags"]) == (Kind.KIND_MESSAGE,
                                                               Flag.F_FOREIGN_DEFAULT | Flag.F_OWN_XMLNS)


def test_bodies() -> None:
    """XEP-0124 6: each body is a document; its children are the elements, its bindings are outer ones."""
    head = b"<body xmlns='http://jabber.org/protocol/httpbind' xmlns:p='urn:p' sid='1'>"
    reader = EventReader(Mode.MODE_BODY)
    for _ in range(2):
        events = reader.feed(head + b"<iq xmlns='jabber:client'/> <p:b/></body>\n")
        assert [event[0] for event in events] == ["open", "element", "element", "close"]
        assert events[2][2][0] == ("start", "urn:p", "b", ())
    assert [event[0] for event in reader.feed(head.replace(b">", b"/>"))] == ["open", "close"]
    reader.push(head + b"<iq xmlns='jabber:client'><p:c/></iq></body>")
    reader.pull()
    reader.pull()
    assert reader.view()["flags"] == Flag.F_FOREIGN_DEFAULT | Flag.F_OWN_XMLNS | Flag.F_OUTER_BINDING
    assert reader.view()["kind"] == Kind.KIND_IQ


@pytest.mark.parametrize("data", [b"", b"<body>", b"<body><a/>", b"<body/><body/>", b"<body>x</body>",
                                  b"<body><p:a/></body>"])
def test_bad_bodies(data: bytes) -> None:
    events = flat(read([b"<body xmlns:p='urn:p'/>", data, b"<body/>"], mode=Mode.MODE_BODY))
    assert condition(events) in ("not-well-formed", "bad-format")
