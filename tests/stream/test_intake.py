"""What the parsers share, on each of them: places, restarts, and nobody comes in twice."""

from collections.abc import Callable

import pytest

from headrace.stream.callbacks import CallbackParser
from headrace.stream.intake import RESTARTS, Intake, Scratch
from headrace.stream.parser import StreamParser
from headrace.stream.pull import XMLPullParser
from support.streams import HEADER

Feeding = StreamParser | CallbackParser | XMLPullParser
each = pytest.mark.parametrize("make", [StreamParser, CallbackParser, XMLPullParser])


@each
def test_it_counts_what_it_has_read(make: Callable[[], Feeding]) -> None:
    parser = make()
    parser.feed(HEADER + b"<message>")
    assert parser.consumed == len(HEADER) + 9
    parser.feed(b"</message>")
    assert parser.consumed == len(HEADER) + 19
    parser.reset()
    assert parser.consumed == 0


@each
def test_a_new_document_after_half_a_stanza(make: Callable[[], Feeding]) -> None:
    parser = make()
    for _ in range(3):
        parser.feed(HEADER + b"<message><body>")
        parser.reset(drop_rest=True)
    parser.feed(HEADER + b"<message/>")
    assert not parser.failed
    assert parser.rest == b""


@each
def test_nothing_is_held_once_it_is_read(make: Callable[[], Feeding]) -> None:
    parser = make()
    parser.feed(HEADER)
    empty = parser.memory
    parser.feed(b"<message><body>" + b"x" * 10_000)
    assert parser.memory > empty + 10_000
    parser.feed(b"</body></message>")
    assert parser.memory == empty


def test_names_that_restart_a_stream() -> None:
    assert {uri.rpartition(":")[2].rpartition("/")[2] for uri in RESTARTS} == {"xmpp-tls", "xmpp-sasl", "compress"}


def test_the_base_is_no_parser() -> None:
    assert not hasattr(Intake, "feed")
    assert Scratch().work is not Scratch().work
