"""Callbacks against pyexpat's, restarts, and callbacks that misbehave."""

from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.stanzas import CORPORA, HEADER, stanzas
from headrace.core import XMLError
from headrace.core.limits import COMPONENT
from headrace.core.ns import CLIENT, SASL
from headrace.stream.callbacks import CallbackParser
from support.documents import Document, documents

CLOSE = b"</stream:stream>"
Call = tuple[object, ...]


class Calls(list[Call]):
    """What a parser called, neighbouring text joined, the text between stanzas left out."""

    depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.append(("start", name, attributes))

    def text(self, data: str) -> None:
        if self.depth > 1:
            before = self.pop()[1] if self and self[-1][0] == "text" else ""
            self.append(("text", f"{before}{data}"))

    def end(self, name: str) -> None:
        self.depth -= 1
        self.append(("end", name))


def ours(pieces: list[bytes]) -> Calls:
    calls = Calls()
    parser = CallbackParser(calls.start, calls.text, calls.end, limits=COMPONENT)
    for piece in pieces:
        parser.feed(piece)
    return calls


def braced(name: str) -> str:
    uri, _, local = name.rpartition("\x0c")
    return f"{{{uri}}}{local}" if uri else local


def expats(data: bytes) -> Calls:
    calls = Calls()
    parser = expat.ParserCreate(namespace_separator="\x0c")
    parser.StartElementHandler = lambda name, attributes: calls.start(
        braced(name), {braced(key): value for key, value in attributes.items()})
    parser.CharacterDataHandler = calls.text
    parser.EndElementHandler = lambda name: calls.end(braced(name))
    parser.Parse(data, True)
    return calls


@pytest.mark.parametrize("name", CORPORA)
def test_expat_calls_the_same(name: str) -> None:
    data = HEADER + b"".join(stanzas(name, 100_000)) + CLOSE
    wanted = expats(data)
    for size in (1000, 4096, len(data)):
        assert ours([data[i:i + size] for i in range(0, len(data), size)]) == wanted


@given(st.lists(documents(), max_size=3))
def test_expat_calls_the_same_for_odd_stanzas(found: list[Document]) -> None:
    raws = [document.raw for document in found if not document.bindings and document.content == CLIENT]
    data = HEADER + b"".join(raws) + CLOSE
    assert ours([data]) == expats(data)
    assert ours([data[i:i + 1] for i in range(len(data))]) == expats(data)


def test_text_comes_in_one_call() -> None:
    texts: list[str] = []
    parser = CallbackParser(text=texts.append)
    parser.feed(HEADER + b"<message><body>a&amp;b<![CDATA[<c>]]>\r\nd</body><x>e</x></message>")
    assert texts == ["a&b<c>\nd", "e"]


@pytest.mark.parametrize("which", ["start", "text", "end"])
def test_each_callback_can_be_left_out(which: str) -> None:
    calls = Calls()
    calls.depth = 2  # as if inside of a stanza
    parser = CallbackParser(**{which: getattr(calls, which)})
    parser.feed(HEADER + b"<message a='b'>c</message>" + CLOSE)
    assert {call[0] for call in calls} == {which}
    assert len(calls) == {"start": 2, "text": 1, "end": 2}[which]


def test_bad_input_is_an_error_that_stays() -> None:
    parser = CallbackParser()
    with pytest.raises(XMLError) as caught:
        parser.feed(HEADER + b"<message></presence>")
    assert (caught.value.condition, caught.value.offset) == ("not-well-formed", len(HEADER) + 11)
    with pytest.raises(XMLError):
        parser.feed(b"<message/>")


def test_a_stanza_is_told_when_it_is_good() -> None:
    calls = Calls()
    parser = CallbackParser(calls.start)
    parser.feed(HEADER + b"<message><body>")
    assert len(calls) == 1
    with pytest.raises(XMLError):
        parser.feed(b"\x00")
    assert len(calls) == 1


def test_it_stops_where_a_stream_restarts() -> None:
    ends: list[str] = []
    parser = CallbackParser(end=ends.append)
    parser.feed(HEADER + f"<success xmlns='{SASL}'/>".encode() + HEADER + b"<message/>")
    assert parser.stopped
    assert ends == [f"{{{SASL}}}success"]
    parser.reset()
    parser.feed(b"")
    assert ends[1:] == [f"{{{CLIENT}}}message"]


def test_what_a_callback_raises_comes_through() -> None:
    names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(name.rpartition("}")[2])
        if names[-1] == "bad":
            raise KeyError(name)

    parser = CallbackParser(start)
    with pytest.raises(KeyError):
        parser.feed(HEADER + b"<message><bad/><not-told/></message><presence/>")
    parser.feed(b"<iq/>")
    assert names == ["stream", "message", "bad", "presence", "iq"]


def test_a_callback_may_not_call_the_parser() -> None:
    caught: list[type] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        for call in (lambda: parser.feed(b"<message/>"), parser.reset, lambda: parser.rest):
            with pytest.raises(RuntimeError):
                call()
            caught.append(RuntimeError)

    parser = CallbackParser(start)
    parser.feed(HEADER + b"<message/>")
    assert len(caught) == 6
    assert not parser.failed
