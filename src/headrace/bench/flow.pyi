from collections.abc import Iterable
from enum import IntEnum
from typing import final

from headrace.bench.tally import Tally
from headrace.net.link import Sink
from headrace.net.reactor import Reactor

class Shape(IntEnum):
    """What a flow sends: a <message/>, a <presence/> with a status, an <iq/>, an <iq/> that a page comes before."""

    CHAT = 0
    STATUS = 1
    QUERY = 2
    PAGE = 3

class Fault(IntEnum):
    """What can be wrong with what comes (flow.pxd says more)."""

    REPEATED = 0
    REORDERED = 1
    SENDER = 2
    CHANGED = 3
    STRAY = 4
    REFUSED = 5
    UNARCHIVED = 6
    MISCOUNTED = 7
    PAGED = 8

CHAT: Shape
STATUS: Shape
QUERY: Shape
PAGE: Shape
REPEATED: Fault
REORDERED: Fault
SENDER: Fault
CHANGED: Fault
STRAY: Fault
REFUSED: Fault
UNARCHIVED: Fault
MISCOUNTED: Fault
PAGED: Fault

class Sender(Sink):
    """Who sends a flow's stanzas (headrace.bench.client.Client)."""

@final
class Load:
    """One run: its flows, and what has been counted."""

    archived: bool
    """Each message must carry a <stanza-id/>."""
    superseding: bool
    """A presence that does not come is not lost if a later one does (XEP-0352)."""
    def __new__(cls, reactor: Reactor, tag: bytes | None = None) -> Load:
        """tag: four bytes in each stanza's mark, by chance if None: what another run has left is not this one's."""
    @property
    def tag(self) -> bytes: ...
    @property
    def stale(self) -> int:
        """Stanzas of an earlier run, which the server has kept and delivers now."""
    @property
    def reactor(self) -> Reactor: ...
    @property
    def latency(self) -> Tally:
        """From due time to arrival, of what was due while measured."""
    @property
    def lag(self) -> Tally:
        """How late an open loop sent what was due: the generator's own part of the latencies."""
    @property
    def sent(self) -> int: ...
    @property
    def delivered(self) -> int:
        """Stanzas that came and were right, one for each receiver."""
    @property
    def other(self) -> int:
        """Stanzas that belong to no flow."""
    @property
    def skipped(self) -> int:
        """Not come, though later ones of their flow have."""
    @property
    def missing(self) -> int:
        """Deliveries that are still waited for."""
    @property
    def acks(self) -> int:
        """XEP-0198 acknowledgements that came."""
    @property
    def faults(self) -> dict[str, int]:
        """By name of Fault, lower case."""
    @property
    def examples(self) -> list[tuple[str, bytes]]:
        """The first faulty stanzas, with the name of what is wrong."""
    @property
    def sending(self) -> bool: ...
    def measure_from_now(self) -> None:
        """Warm-up is over: latencies of what is due from now on count."""
    def measure_until_now(self) -> None:
        """What is due later doesn't count."""
    def start(self, flows: Iterable[Flow], rate: float = 0.0) -> None:
        """Send. rate: stanzas a second of all flows together, in turn and evenly; 0: closed loop."""
    def stop(self) -> None:
        """Send no more; what is under way is still counted."""
    def __call__(self) -> None:
        """The open loop's timer."""

@final
class Flow:
    """Numbered stanzas of one sender: head + mark + filler + tail, the mark being number and flow.

    source: the address that they come from; for an IQ, that of the answer where it has one. receivers: how many get
    each. window: stanzas under way in a closed loop. page: messages in each page (PAGE).
    """

    def __new__(cls, load: Load, sender: Sender, shape: int, head: bytes, filler: bytes, tail: bytes, *,
                source: bytes | None = None, receivers: int = 1, window: int = 1, page: int = 0) -> Flow: ...
    @property
    def load(self) -> Load: ...
    @property
    def index(self) -> int: ...
    @property
    def receivers(self) -> int: ...
    @property
    def number(self) -> int:
        """Stanzas sent so far."""
    @property
    def under_way(self) -> int: ...
