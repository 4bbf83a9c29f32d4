"""The levels at which the stream core can be used, each reading a whole stream in pieces.

    PYTHONPATH=src:bench python -m native.levels LEVEL     # every corpus; bench/count.py counts it

They answer how many stanzas came, or None where they can't know.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from corpus.stanzas import CORPORA, HEADER, stanzas
from headrace.stream.callbacks import CallbackParser
from headrace.stream.parser import StreamParser
from headrace.stream.pull import StanzaPullParser, XMLPullParser
from native.build import module

Drive = Callable[[list[bytes]], int | None]
PIECE, BYTES = 4096, 64 * 1024   # of a piece, of the stream that is counted


class Puller(Protocol):
    """What slixmpp asks of a parser."""

    def feed(self, data: bytes) -> None: ...
    def read_events(self) -> Iterable[tuple[str, Any]]: ...


def in_slixmpps_loop(parser: Puller, pieces: list[bytes]) -> int:
    """The receive path of slixmpp 1.17 (xmlstream.py, data_received) with nothing behind it."""
    depth = stanzas = 0
    root: Any = None
    for piece in pieces:
        parser.feed(piece)
        for event, xml in parser.read_events():
            if event == "start":
                if depth == 0:
                    root = xml
                depth += 1
            if event == "end":
                depth -= 1
                if depth == 1:
                    stanzas += 1
                    root.clear()
    return stanzas


def objects(pieces: list[bytes]) -> int:
    """One object a stanza."""
    feed = StreamParser().feed
    events = 0
    for piece in pieces:
        events += len(feed(piece))
    return events - 1   # the stream header


def start(name: str, attributes: dict[str, str]) -> None: ...
def text(data: str) -> None: ...
def end(name: str) -> None: ...


def callables(pieces: list[bytes]) -> None:
    feed = CallbackParser(start, text, end).feed
    for piece in pieces:
        feed(piece)


def elements(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(StanzaPullParser(("start", "end")), pieces)


def every_element(pieces: list[bytes]) -> int:
    return in_slixmpps_loop(XMLPullParser(("start", "end")), pieces)


def tape(pieces: list[bytes]) -> int:
    """Every record of every stanza looked at, in Cython."""
    found: int = module("parsers").tape(pieces)[0]
    return found


LEVELS: dict[str, Drive] = {
    "tape": tape, "objects": objects, "callables": callables, "elements": elements, "every element": every_element,
}


def main() -> None:
    marks, drive = module("marks"), LEVELS[sys.argv[1]]
    for corpus in CORPORA:
        data = b"".join(stanzas(corpus, BYTES))
        pieces = [HEADER, *(data[i:i + PIECE] for i in range(0, len(data), PIECE))]
        drive(pieces)   # whatever is done once
        marks.begin()
        drive(pieces)
        marks.end(corpus)


if __name__ == "__main__":
    main()
