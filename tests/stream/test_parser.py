"""Streams for embedders: the same stanzas however they are cut, restarts, errors, and what an idle stream costs."""

import random
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.stanzas import CORPORA, stanzas
from corpus.stanzas import HEADER as LONG_HEADER
from headrace.core import Stanza
from headrace.core.limits import BEFORE_AUTH, Limits
from headrace.core.ns import CLIENT, SASL, STREAM, TLS
from headrace.core.tokenizer import Kind, Mode
from headrace.stream.errors import StreamError
from headrace.stream.events import StreamClose, StreamOpen
from headrace.stream.header import judge_client
from headrace.stream.intake import RESTARTS, Scratch
from headrace.stream.parser import StreamParser
from support.documents import Document, documents, shape
from support.streams import HEADER

CLOSE = b"</stream:stream>"


def opened(**options: Any) -> StreamParser:
    parser = StreamParser(**options)
    assert isinstance(parser.feed(HEADER)[0], StreamOpen)
    return parser


def stanza_of(event: object) -> Stanza:
    assert isinstance(event, Stanza)
    return event


def told(event: object) -> object:
    """All that an event says."""
    if isinstance(event, Stanza):
        tree = shape(event.element())
        return (event.kind, event.name, event.namespace, event.to, event.from_, event.id, event.type, event.lang,
                event.raw, event.child_name, event.child_namespace, event.known, event.flags, tree)
    if isinstance(event, StreamError):
        return event.condition, event.text, event.offset
    return event


def test_a_stream_from_end_to_end() -> None:
    parser = StreamParser()
    data = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
            b" to='example.org' from='romeo@example.org' version='1.0' xml:lang='de'>"
            b"<message to='juliet@example.org' type='chat' id='a&amp;b'><body>hi</body></message> \n"
            b"<r xmlns='urn:xmpp:sm:3'/></stream:stream>")
    header, message, request, close = parser.feed(data)
    assert isinstance(header, StreamOpen)
    assert (header.name, header.namespace, header.content) == ("stream", STREAM, CLIENT)
    assert (header.to, header.from_, header.version, header.lang) == ("example.org", "romeo@example.org", "1.0", "de")
    assert header.raw == data[data.index(b"<stream:"):data.index(b"<message")]
    assert judge_client(header, {"example.org"}) == ("example.org", "romeo@example.org")
    message = stanza_of(message)
    assert (message.kind, message.name, message.namespace) == (Kind.KIND_MESSAGE, "message", CLIENT)
    assert (message.to, message.from_, message.id, message.type) == ("juliet@example.org", None, "a&b", "chat")
    assert message.raw == data[data.index(b"<message"):data.index(b" \n")]
    assert message.element()[0].text == "hi"
    assert stanza_of(request).namespace == "urn:xmpp:sm:3"
    assert close == StreamClose()
    assert parser.feed(b"") == []


@pytest.mark.parametrize("name", CORPORA)
def test_pieces_of_any_size_give_the_same(name: str) -> None:
    found = stanzas(name, 40_000)
    data = LONG_HEADER + b"".join(found) + CLOSE
    whole = [told(event) for event in StreamParser().feed(data)]
    assert [event[8] for event in whole[1:-1]] == found  # type: ignore[index]
    for size in (1, 7, 400, 1460, 4096, 20_000):
        parser = StreamParser()
        pieces = [parser.feed(data[i:i + size]) for i in range(0, len(data), size)]
        assert [told(event) for events in pieces for event in events] == whole


@given(st.lists(documents(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_each_stanza_comes_with_its_last_byte(found: list[Document], rng: random.Random) -> None:
    raws = [document.raw for document in found if not document.bindings and document.content == CLIENT]
    parser = opened()
    for raw in raws:
        cut = rng.randrange(len(raw))
        assert parser.feed(raw[:cut]) == []
        assert [stanza_of(event).raw for event in parser.feed(raw[cut:])] == [raw]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes(kind: type) -> None:
    raw = b"<message to='a@b'><body>hi</body></message>"
    stanza = stanza_of(opened().feed(kind(raw))[0])
    assert (stanza.to, stanza.raw) == ("a@b", raw)


def test_a_buffer_may_be_used_again() -> None:
    buffer = bytearray(b"<message to='a@b'/>")
    stanza = stanza_of(opened().feed(buffer)[0])
    buffer[:] = b"x" * len(buffer)
    assert (stanza.to, stanza.raw) == ("a@b", b"<message to='a@b'/>")


@pytest.mark.parametrize("data", ["text", 5, None])
def test_what_is_no_bytes_is_refused(data: Any) -> None:
    parser = opened()
    with pytest.raises(TypeError):
        parser.feed(data)
    assert len(parser.feed(b"<presence/>")) == 1


def test_an_error_comes_last_and_stays() -> None:
    parser = opened()
    message, error = parser.feed(b"<message/><message><!-- --></message><message/>")
    assert stanza_of(message).raw == b"<message/>"
    assert isinstance(error, StreamError)
    assert (error.condition, error.offset) == ("restricted-xml", len(HEADER) + len(b"<message/><message><!--"))
    assert error.text
    assert parser.failed
    assert parser.feed(b"<message/>") == []
    parser.reset()
    assert not parser.failed
    assert len(parser.feed(HEADER + b"<message/>")) == 2


def test_limits_can_change() -> None:
    parser = opened(limits=BEFORE_AUTH)
    long = b"<message><body>" + b"x" * 20_000 + b"</body></message>"
    parser.use_limits(Limits())
    assert stanza_of(parser.feed(long)[0]).raw == long
    parser.use_limits(BEFORE_AUTH)
    error = parser.feed(long)[0]
    assert isinstance(error, StreamError)
    assert error.condition == "policy-violation"


@pytest.mark.parametrize("drop_rest", [True, False])
def test_a_restart_inside_of_a_piece(drop_rest: bool) -> None:
    parser = opened()
    again = HEADER.replace(b" version", b" id='2' version")
    events = parser.feed(b"<presence/>" + f"<proceed xmlns='{TLS}'/>".encode() + again + b"<message/>")
    assert [stanza_of(event).name for event in events] == ["presence", "proceed"]
    assert parser.stopped
    assert parser.rest == again + b"<message/>"
    parser.reset(drop_rest=drop_rest)
    assert not parser.stopped
    if drop_rest:
        assert parser.rest == b""
        assert parser.feed(b"") == []
        header, = parser.feed(HEADER)
        assert isinstance(header, StreamOpen)
        assert header.id is None
    else:
        header, message = parser.feed(b"")
        assert isinstance(header, StreamOpen)
        assert header.id == "2"
        assert stanza_of(message).name == "message"


def test_going_on_without_a_restart() -> None:
    parser = opened()
    challenge = f"<challenge xmlns='{SASL}'>eA==</challenge>".encode()
    assert len(parser.feed(challenge * 2 + b"<mess")) == 1
    assert len(parser.feed(b"")) == 1
    assert parser.stopped
    assert [stanza_of(event).name for event in parser.feed(b"age/>")] == ["message"]
    assert not parser.stopped


def test_where_to_stop_is_the_callers_choice() -> None:
    parser = opened(stop={"urn:x"})
    assert len(parser.feed(f"<success xmlns='{SASL}'/><a xmlns='urn:x'/><message/>".encode())) == 2
    assert parser.stopped
    assert "urn:x" not in RESTARTS


def test_bindings_of_a_root_end_with_it() -> None:
    parser = StreamParser()
    parser.feed(HEADER.replace(b" version", b" xmlns:p='urn:x' version"))
    kept = stanza_of(parser.feed(b"<message><p:x/></message>")[0])
    parser.reset()
    error = parser.feed(HEADER + b"<message><p:x/></message>")[1]
    assert isinstance(error, StreamError)
    assert kept.element()[0].tag == "{urn:x}x"


def test_frames_of_a_websocket() -> None:
    parser = StreamParser(mode=Mode.MODE_FRAME)
    opening = stanza_of(parser.feed(b"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org'/>")[0])
    assert (opening.name, opening.to) == ("open", "example.org")
    message = stanza_of(parser.feed(b"<message xmlns='jabber:client'><body>hi</body></message>")[0])
    assert message.element()[0].tag == "{jabber:client}body"
    error = parser.feed(b"<message xmlns='jabber:client'>")[0]
    assert isinstance(error, StreamError)


@pytest.mark.parametrize(("padding", "copied"), [(0, False), (4000, False), (60_000, True)])
def test_a_stanza_keeps_no_more_than_its_part_of_a_large_piece(padding: int, copied: bool) -> None:
    parser = opened()
    piece = b"<message/>" + b" " * padding
    counted = sys.getrefcount(piece)
    stanza = stanza_of(parser.feed(piece)[0])
    assert sys.getrefcount(piece) == counted + (0 if copied else 1)
    assert stanza.raw == b"<message/>"
    del stanza
    assert sys.getrefcount(piece) == counted


def test_a_stanza_that_is_a_piece_is_not_copied() -> None:
    piece = b"<message/>"
    assert stanza_of(opened().feed(piece)[0]).raw is piece


def test_an_idle_stream_costs_less_than_a_kibibyte() -> None:
    scratch = Scratch()
    parser = StreamParser(scratch=scratch)
    parser.feed(LONG_HEADER)
    parser.feed(stanzas("avatar", 60_000)[0])
    parser.feed(stanzas("chat", 400)[0] + b"<message><bo")
    assert parser.memory > 1024
    parser.feed(b"dy/></message> ")
    assert parser.memory <= 1024
    assert parser.rest == b""


def test_what_is_shared_is_bounded() -> None:
    scratch = Scratch()
    parsers = [StreamParser(Limits(stanza=0), scratch=scratch) for _ in range(50)]
    for parser in parsers:
        parser.feed(HEADER + b"<message>" + b"x" * 100_000)
    for parser in parsers:
        parser.feed(b"</message>")
    assert scratch.work.memory < 1 << 20


def test_two_parsers_of_one_scratch_do_not_mix() -> None:
    scratch = Scratch()
    one, two = opened(scratch=scratch), opened(scratch=scratch)
    assert one.feed(b"<message to='o") == two.feed(b"<message to='t") == []
    first, second = stanza_of(one.feed(b"ne'/>")[0]), stanza_of(two.feed(b"wo'/>")[0])
    assert (first.to, second.to) == ("one", "two")
