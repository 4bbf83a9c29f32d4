"""What one stream may take of memory: the limits bound it, whatever is sent."""

from collections.abc import Iterator
from itertools import count, repeat

import pytest

from headrace.core.events import EventReader
from headrace.core.limits import CLIENT
from support.streams import HEADER, condition

ATTRIBUTES = b"<b%b/>" % b"".join(b" c%d=''" % i for i in range(CLIENT.attrs))
DECLARATIONS = b"<b%b/>" % b"".join(b" xmlns:p%d='urn:%d'" % (i, i) for i in range(CLIENT.decls))
INSIDE = HEADER + b"<a>"

# How it begins, and what comes then without an end.
FLOODS = {
    "names": (INSIDE, (b"<b%d/>" % i for i in count())),
    "long names": (INSIDE, (b"<b%d%b/>" % (i, b"x" * 1000) for i in count())),
    "attributes": (INSIDE, repeat(ATTRIBUTES)),
    "prefixed attributes": (HEADER + b"<a xmlns:p='p'>", repeat(ATTRIBUTES.replace(b" c", b" p:c"))),
    "declarations": (INSIDE, repeat(DECLARATIONS)),
    "declarations in force": (INSIDE, repeat(DECLARATIONS.replace(b"/", b""))),
    "namespaces with references": (INSIDE, repeat(b"<b xmlns='&lt;&lt;&lt;'/>")),
    "depth": (INSIDE, repeat(b"<b>")),
    "pieces of text": (INSIDE, repeat(b"<![CDATA[x]]>")),
    "white space": (INSIDE, repeat(b" ")),
    "text": (INSIDE, repeat(b"x")),
    "a value": (HEADER + b"<a b='", repeat(b"x")),
    "references": (HEADER + b"<a b='", repeat(b"&lt;")),
    "spaces in a tag": (HEADER + b"<a ", repeat(b" ")),
    "a name": (HEADER + b"<a", repeat(b"x")),
    "a header's attributes": (b"<a", (b" b%d='x'" % i for i in count())),
    "a header's value": (b"<a b='", repeat(b"x")),
    "a declaration": (b"<?xml ", repeat(b" ")),
}


def pieces(start: bytes, more: Iterator[bytes], size: int) -> Iterator[bytes]:
    yield start
    while True:
        yield b"".join(next(more) for _ in range(size))


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood(name: str) -> None:
    """It ends with an error once a limit is reached; what was held until then is a small multiple of an element."""
    start, more = FLOODS[name]
    reader = EventReader()
    largest = fed = 0
    for piece in pieces(start, iter(more), 256):
        events = reader.feed(piece)
        fed += len(piece)
        largest = max(largest, reader.tokenizer.memory)
        if condition(events):
            break
        assert fed < 2 * CLIENT.stanza
    assert condition(events) == "policy-violation"
    assert largest < 8 * CLIENT.stanza
    assert reader.tokenizer.memory < 1024


def test_white_space_between_stanzas_takes_none() -> None:
    reader = EventReader()
    reader.feed(HEADER)
    before = reader.tokenizer.memory
    for _ in range(1000):
        assert reader.feed(b" \r\n\t" * 1000) == []
        assert reader.tokenizer.memory == before


def test_a_stream_that_goes_on_for_ever_keeps_no_names() -> None:
    """expat keeps every name that it has seen."""
    reader = EventReader()
    reader.feed(HEADER)
    before = reader.tokenizer.memory, reader.tokenizer.work.memory
    for i in range(0, 100_000, 100):
        assert len(reader.feed(b"".join(b"<n%d xmlns='u%d' a%d=''/>" % (k, k, k) for k in range(i, i + 100)))) == 100
    after = reader.tokenizer.memory, reader.tokenizer.work.memory
    assert after[0] == before[0]
    assert after[1] < before[1] + 64 * 1024
