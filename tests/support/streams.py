"""Reading test streams in every way that must not matter: each scanner, each cut."""

from headrace.core.events import Event, EventReader
from headrace.core.limits import Limits
from headrace.core.tokenizer import Mode, Workspace, scans

STREAMS = "http://etherx.jabber.org/streams"
HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
OPEN: Event = ("open", STREAMS, "stream", (("", "version", "1.0"),))
SCANS = scans()


def read(pieces: list[bytes], limits: Limits | None = None, work: Workspace | None = None,
         mode: int = Mode.MODE_STREAM) -> list[list[Event]]:
    """The events of each piece."""
    reader = EventReader(mode, limits, work=work)
    return [reader.feed(piece) for piece in pieces]


def flat(lists: list[list[Event]]) -> list[Event]:
    return [event for events in lists for event in events]


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i:i + size] for i in range(0, len(data), size)]


def agreed(data: bytes, limits: Limits | None = None) -> list[Event]:
    """What a stream's bytes say, having been read by every scanner, cut at every byte and cut into single bytes."""
    whole = flat(read([data], limits))
    for scan in SCANS:
        work = Workspace(scan)
        for cut in range(len(data) + 1):
            assert flat(read([data[:cut], data[cut:]], limits, work)) == whole, (scan, cut)
        assert flat(read(in_pieces(data, 1), limits, work)) == whole, scan
    return whole


def body(data: bytes, limits: Limits | None = None) -> list[Event]:
    """The events of `data` behind a stream header."""
    events = agreed(HEADER + data, limits)
    assert events[0] == OPEN
    return events[1:]


def condition(events: list[Event]) -> str | None:
    """The stream error that the events end with, if they do."""
    last = events[-1] if events else ("none",)
    return str(last[1]) if last[0] == "error" else None


def raws(events: list[Event]) -> list[bytes]:
    """The elements among the events, as received."""
    return [event[1] for event in events if event[0] == "element" and isinstance(event[1], bytes)]
