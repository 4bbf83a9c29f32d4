"""The tokenizer against expat: the same events in the same order, and the same verdict, for good and bad streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import expat
from headrace.core.events import Event
from headrace.core.expat import ExpatReader
from headrace.core.limits import Limits
from headrace.core.tokenizer import Workspace
from support.generated import broken, streams
from support.streams import HEADER, SCANS, agreed, condition, flat, in_pieces, read


def plain(events: list[Event]) -> list[Event]:
    """Without what expat can't say (raw bytes, places), and without errors: those are compared by verdict."""
    return [("element",
             event[2]) if event[0] == "element" else event for event in events if event[0] != "error"]


def by_expat(pieces: list[bytes], limits: Limits | None = None) -> list[list[Event]]:
    reader = ExpatReader(limits)
    return [reader.feed(piece) for piece in pieces]


def to_the_end(data: bytes) -> list[Event]:
    """What expat says of a complete document."""
    reader = ExpatReader()
    return reader.feed(data) + reader.finish()


def whole(events: list[Event]) -> bool:
    """The stream was good to its end."""
    return events[-1:] == [("close",)]


def space_by_reference(data: bytes, ours: list[Event]) -> bool:
    """Intended difference: white space between elements written as a reference is an error here. expat's handler gets
    white space either way."""
    error = ours[-1]
    return error[:2] == ("error", "bad-format") and data[error[3]:].startswith(b"&#")  # type: ignore[misc]


@given(streams())
def test_good_streams(data: bytes) -> None:
    ours, theirs = agreed(data), to_the_end(data)
    assert whole(ours)
    assert plain(ours) == plain(theirs)


@given(broken())
def test_broken_streams(data: bytes) -> None:
    ours, theirs = agreed(data), to_the_end(data)
    if ours and not space_by_reference(data, ours):
        assert plain(ours) == plain(theirs)
        assert whole(ours) == whole(theirs)


@pytest.mark.skipif(not expat.prompt,
                    reason="this expat reports finished tokens late, and can't be told not to")
@given(st.one_of(streams(), broken()), st.integers(1, 40))
def test_each_event_in_the_same_feed(data: bytes, size: int) -> None:
    pieces = in_pieces(data, size)
    ours, theirs = read(pieces), by_expat(pieces)
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if condition(mine) or condition(other):  # an error in a tag that has not ended: found here first
            break
        assert plain(mine) == plain(other), number


@given(st.lists(st.sampled_from([b"<a ", b"b='1' ", b"c='&lt;'", b">", b"/>", b"</a>", b"text", b"\xc3",
                                 b"\xa4", b"]]", b"<![CDATA[",
                                 b"]]>", b"&amp;", b"&", b" xmlns='u'", b" xmlns:p='v'", b"<p:d>", b"</p:d>",
                                 b" "]), max_size=12))
def test_token_soup(tokens: list[bytes]) -> None:
    data = HEADER + b"".join(tokens) + b"</stream:stream>"
    ours, theirs = agreed(data), to_the_end(data)
    assert plain(ours) == plain(theirs)
    assert whole(ours) == whole(theirs)


@given(st.binary(max_size=100), st.integers(0, 40))
def test_every_scanner_reads_any_bytes_alike(data: bytes, offset: int) -> None:
    """Not only XML: whatever stands at whatever place in a vector."""
    for place in (b"<a>%s</a>", b"<a b='%s'/>", b"<%s/>", b"<a><![CDATA[%s]]></a>"):
        document = HEADER + b" " * offset + place.replace(b"%s", data)
        results = [flat(read([document], work=Workspace(scan))) for scan in SCANS]
        assert results == [results[0]] * len(results)


# (stream, what expat says, what we say): differences that are meant.
DIFFERENCES = [
    (HEADER + b"&#32;<a/>", None, "bad-format"),
    (HEADER + "<\u0220/>".encode(), "not-well-formed", None),
    # names: XML 1.0 5th edition here, 4th in expat
    (HEADER + "<a\u2c00/>".encode(), "not-well-formed", None),
    (HEADER + "<a \U00010000='x'/>".encode(), "not-well-formed", None),
    (HEADER + b"<a b='&foo;' <", "not-well-formed", "restricted-xml"),
    # the first of two errors in a tag counts here
    (HEADER + b"<a b='&foo;'", None, "restricted-xml"),
    # and it is reported before the tag has ended
    (HEADER + b"<a b='1' b='2' c", None, None),                     # but for what only the whole tag can show
    (HEADER + b"<a>&a:b;</a>", "not-well-formed", "restricted-xml"),
    (HEADER + b"<!", None, None),
    (HEADER + b"<!x", "not-well-formed", "not-well-formed"),
    (HEADER + b"<!-- ", None, "restricted-xml"),                    # a comment need not end to be one
    (HEADER + b"<?x ", None, "restricted-xml"),
    (b"<!DOCTYPE", None, "restricted-xml"),
    (b"\xfe\xff\x00<", None, "unsupported-encoding"),
    (HEADER + b"<!DOCTYPE a>", "not-well-formed", "restricted-xml"),    # wherever it stands
    (HEADER + b"\xff", "not-well-formed", "bad-format"),                # whatever the text is
    (HEADER + b"</stream:stream><!-- -->", "restricted-xml", "not-well-formed"),    # nothing may come behind the root
    (b"<?xml \x05", "not-well-formed", None),                           # a declaration is read once its '>' has come
    (b"<![CDATA", "not-well-formed", None),                             # and this once it is whole
    (b"<?xml version='1.0' encoding='UTF-'\xff?>", "not-well-formed", "unsupported-encoding"),
]


@pytest.mark.parametrize(("data", "theirs", "ours"), DIFFERENCES)
def test_intended_differences(data: bytes, theirs: str | None, ours: str | None) -> None:
    assert condition(flat(by_expat([data]))) == theirs
    assert condition(agreed(data)) == ours


@pytest.mark.parametrize(("data", "verdict"), [
    (b"<!DOCTYPE s [<!ENTITY a 'b'>]>" + HEADER, "restricted-xml"),
    (HEADER + b"<a>&foo;</a>", "restricted-xml"),
    (HEADER + b"<!-- --><a/>", "restricted-xml"), (HEADER + b"<a><?x y?></a>", "restricted-xml"),
    (b"<?xml version='1.0' encoding='UTF-16'?>" + HEADER, "unsupported-encoding"),
    (b"<?xml version='1.0' encoding='ISO-8859-1'?>" + HEADER, "unsupported-encoding"),
    (b"<?xml version='1.0' encoding='x-unknown'?>" + HEADER, "unsupported-encoding"),
    (b"<?xml version='1.1'?>" + HEADER, "not-well-formed"),
    (b"<?xml version='1.0' encoding='utf-8'?>" + HEADER, None),
    (HEADER + b"text", "bad-format"), (HEADER + b"<![CDATA[ ]]>", "bad-format"),
    (HEADER + b"<a></b>", "not-well-formed"),
    (HEADER + b"<p:a/>", "not-well-formed"), (HEADER + b"<a b='' b=''/>", "not-well-formed"),
    (HEADER + b"<a>\xff</a>", "not-well-formed"),
])
def test_the_same_conditions(data: bytes, verdict: str | None) -> None:
    assert condition(flat(by_expat([data]))) == verdict
    assert condition(agreed(data)) == verdict


def test_a_document_type_is_refused_before_it_expands_anything() -> None:
    bomb = b"<!DOCTYPE s [<!ENTITY a '" + b"x" * 1000 + b"'>" + b"<!ENTITY b '" + b"&a;" * 1000 + b"'>]><s>&b;</s>"
    assert [event[:2] for event in flat(by_expat([bomb]))] == [("error", "restricted-xml")]


@pytest.mark.parametrize(("limits", "good", "bad"), [
    (Limits(depth=2), b"<a><b/></a>", b"<a><b><c/></b></a>"),
    (Limits(elements=2), b"<a><b/></a><a/>", b"<a><b/><b/></a>"),
    (Limits(attrs=1), b"<a b=''/>", b"<a b='' c=''/>"),
    (Limits(decls=2), b"<a xmlns:b='u'/>", b"<a xmlns:b='u' xmlns:c='u' xmlns:d='u'/>"),
    (Limits(name=7), b"<abcdefg/>", b"<abcdefgh/>"), (Limits(tops=1), b"<a/>", b"<a/><b/>"),
    (Limits(stanza=100), b"<a>" + b"x" * 50 + b"</a>", b"<a>" + b"x" * 9000 + b"</a>"),
])
def test_bounds(limits: Limits, good: bytes, bad: bytes) -> None:
    assert condition(flat(by_expat([HEADER + good], limits))) is None
    assert condition(flat(by_expat([HEADER + bad], limits))) == "policy-violation"


def test_nothing_comes_after_an_error_and_a_reset_starts_anew() -> None:
    reader = ExpatReader()
    assert [event[0] for event in reader.feed(HEADER + b"<a/><b></c><d/>")] == ["open", "element", "error"]
    assert reader.feed(b"<e/>") == []
    reader.reset()
    assert [event[0] for event in reader.feed(HEADER + b"<a/>")] == ["open", "element"]


def test_says_which_expat_it_is() -> None:
    assert expat.version.startswith("expat_2.")
    assert isinstance(expat.prompt, bool)
