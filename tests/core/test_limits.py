"""Each bound by itself: what just fits is taken, one more ends the stream, however the bytes are cut."""

import pytest

from headrace.core.events import EventReader
from headrace.core.limits import BEFORE_AUTH, BEFORE_AUTH_TOKEN, CLIENT, COMPONENT, SERVER, Limits
from support.streams import HEADER, OPEN, agreed, condition, flat, in_pieces, raws, read

ROOT = b"<s xmlns='jabber:client'>"
GOOD = b"<a/>"
POLICY = "policy-violation"


def deep(n: int) -> bytes:
    return b"<a>" * (n - 1) + b"<a/>" + b"</a>" * (n - 1)


def attributes(n: int) -> bytes:
    return b"<a xmlns:p='p' " + b" ".join(b"b%d=''" % i for i in range(n)) + b"/>"


def declarations(n: int) -> bytes:
    return b"<a b='' " + b" ".join(b"xmlns:b%d='x'" % i for i in range(n)) + b"/>"


# What just fits, and what is one too much.
BOUNDS = {
    "stanza": (Limits(stanza=20), b"<a>1234567890123</a>", b"<a>12345678901234</a>"),
    "one tag": (Limits(stanza=20), b"<a b='12345678901'/>", b"<a b='123456789012'/>"),
    "elements": (Limits(elements=3), b"<a><b/><c></c></a>", b"<a><b/><c></c><d/></a>"),
    "depth": (Limits(depth=3), deep(3) + deep(3), deep(4)),
    "attributes": (Limits(attrs=3), attributes(3), attributes(4)),
    "many attributes": (Limits(attrs=12), attributes(12), attributes(13)),
    "declarations": (Limits(decls=3), declarations(3), declarations(4)),
    "an element's name": (Limits(name=10), b"<abcdefghij/>", b"<abcdefghijk/>"),
    "a name with its prefix": (Limits(name=10), b"<p:cdefghij xmlns:p='p'/>", b"<p:cdefghijk xmlns:p='p'/>"),
    "an attribute's name": (Limits(name=10), b"<a abcdefghij=''/>", b"<a abcdefghijk=''/>"),
    "a declaration's name": (Limits(name=10), b"<a xmlns:ghij='x'/>", b"<a xmlns:ghijk='x'/>"),
    "top-level elements": (Limits(tops=3), b"<b/>  <c/>", b"<b/><c/><d/>"),
    "all bytes": (Limits(total=len(ROOT + GOOD) + 8), b"<b></b> ", b"<b></b>  "),
    "all bytes, inside": (Limits(total=len(ROOT + GOOD) + 8), b"<b></b> ", b"<b>  </b>"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bound(name: str) -> None:
    limits, fits, over = BOUNDS[name]
    assert condition(agreed(ROOT + GOOD + fits, limits)) is None
    events = agreed(ROOT + GOOD + over, limits)
    assert raws(events)[0] == GOOD
    assert condition(events) == POLICY


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>\n", b" " * 30])
def test_stream_header(before: bytes) -> None:
    data = before + HEADER
    assert agreed(data, Limits(header=len(data))) == [OPEN]
    assert condition(agreed(data, Limits(header=len(data) - 1))) == POLICY


@pytest.mark.parametrize("flood", [b" " * 200, b"<s " + b" " * 200, b"<?xml version='1.0'" + b" " * 200,
                                   b"<" + b"s" * 200, b"<s a='" + b"b" * 200])
def test_a_header_that_never_ends(flood: bytes) -> None:
    error = agreed(flood, Limits(header=100))[-1]
    assert error[1] == POLICY
    assert error[3] == 100


@pytest.mark.parametrize("flood", [b"<", b"<a", b"<a ", b"<a b='", b"<a>", b"<a>&#", b"<a><![CDATA[", b"<a>]",
                                   b"<a></", b"<a></a "])
def test_an_element_that_never_ends(flood: bytes) -> None:
    filler = b"0" if flood.endswith(b"#") else b" " if flood.endswith(b" ") else b"a"
    data = flood + filler * 300
    if flood == b"<a></":
        data = flood.replace(b"a", b"a" * 150) + b"a" * 300
    error = agreed(ROOT + GOOD + data, Limits(stanza=256, name=0))[-1]
    assert error[1] == POLICY
    assert error[3] == len(ROOT + GOOD) + 256


def test_counts_go_on_over_restarts() -> None:
    limits = Limits(total=3 * len(HEADER) + 4 + 4, tops=2)
    reader = EventReader(limits=limits)
    for _ in range(2):
        assert raws(reader.feed(HEADER + GOOD)) == [GOOD]
        reader.reset(drop_rest=True)
    assert reader.feed(HEADER) == [OPEN]
    assert condition(reader.feed(GOOD)) == POLICY


def test_bytes_that_are_dropped_are_not_counted_twice() -> None:
    reader = EventReader(limits=Limits(total=len(HEADER) * 2))
    reader.feed(HEADER)
    reader.reset()
    assert reader.feed(HEADER) == [OPEN]
    assert condition(reader.feed(b" ")) == POLICY


def test_new_limits_after_authentication() -> None:
    reader = EventReader(limits=BEFORE_AUTH)
    reader.feed(HEADER)
    big = b"<iq>" + b"x" * 20_000 + b"</iq>"
    reader.tokenizer.use_limits(CLIENT)
    for _ in range(20):
        assert raws(reader.feed(big)) == [big]
    reader.feed(big[:5000])
    reader.tokenizer.use_limits(BEFORE_AUTH)
    assert condition(reader.feed(big[5000:])) == POLICY


def test_smaller_limits_than_what_is_there() -> None:
    reader = EventReader()
    reader.feed(HEADER + b"<iq>" + b"x" * 20_000)
    reader.tokenizer.use_limits(BEFORE_AUTH)
    assert condition(reader.feed(b"x")) == POLICY


def test_zero_is_no_bound() -> None:
    data = HEADER + b"<" + b"n" * 5000 + b" " + b" ".join(b"b%d=''" % i for i in range(3000)) + b">" + deep(3000)
    events = flat(read(in_pieces(data, 5000), Limits(0, 0, 0, 0, 0, 0, 0, 0, 0)))
    assert condition(events) is None
    assert raws(flat(read([data + b"</" + b"n" * 5000 + b">"],
                          Limits(0, 0, 0, 0, 0, 0, 0, 0,
                                 0)))) == [data[len(HEADER):] + b"</" + b"n" * 5000 + b">"]


def test_more_declarations_than_can_be_asked_for() -> None:
    assert condition(agreed(ROOT + declarations(32), Limits(decls=0))) is None
    assert condition(agreed(ROOT + declarations(33), Limits(decls=0))) == POLICY


def test_more_namespaces_than_can_be_numbered() -> None:
    limits = Limits(0, 0, 0, 0, 0, 0, 0, 0, 0)
    tag = b"".join(b"<a xmlns='u%d'/>" % i for i in range(66_000))
    assert condition(flat(read([HEADER + b"<a>" + tag], limits))) == POLICY


def test_profiles() -> None:
    """protocol.md 8."""
    kib = 1024
    assert tuple(BEFORE_AUTH) == (16 * kib, 8 * kib, 64, 8, 16, 8, 256, 128 * kib, 128)
    assert tuple(BEFORE_AUTH_TOKEN) == (64 * kib, 8 * kib, 64, 8, 16, 8, 256, 128 * kib, 128)
    assert tuple(CLIENT) == (256 * kib, 8 * kib, 4096, 64, 64, 32, 1024, 0, 0)
    assert tuple(SERVER) == (512 * kib, 8 * kib, 8192, 72, 64, 32, 1024, 0, 0)
    assert tuple(COMPONENT) == (10240 * kib, 8 * kib, 8192, 72, 64, 32, 1024, 0, 0)
