from asyncio import AbstractEventLoop
from typing import final

from headrace.core.jid import JidCache
from headrace.core.tokenizer import Workspace

class Task:
    """Something that acts at the end of a loop turn or at a deadline; subclassed natively (reactor.pxd)."""

class Channel(Task):
    """Something with a descriptor that a turn serves; Link is one."""

@final
class Reactor:
    """What the links of one event loop share: receive scratch, clock, lists of the turn, deadlines, counters.

    One per loop, used from the loop's thread only. Works on uvloop and on asyncio's selector loop.

    - read_size: bytes that one turn reads from one link (1 to 65536); what is left waits for the next turn.
    - handshake_seconds: time spent on TLS handshakes in one turn; established links are read before.
    - handshakes: handshakes in progress; further ones wait in order, unread.
    - handshake_timeout: seconds that one may be in progress.
    """

    def __init__(self, loop: AbstractEventLoop, *, read_size: int = 65536, handshake_seconds: float = 0.002,
                 handshakes: int = 64, handshake_timeout: float = 10.0) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def work(self) -> Workspace:
        """For every tokenizer of this loop."""
    @property
    def jids(self) -> JidCache:
        """Prepared JIDs, for everybody on this loop."""
    @property
    def now(self) -> int:
        """Monotonic nanoseconds, read once per turn."""
    @property
    def time(self) -> float:
        """Unix seconds, read once per turn."""
    @property
    def links(self) -> int:
        """Open links. The other counters are in counters()."""
    @property
    def sessions(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    def counters(self) -> dict[str, int]:
        """Gauges (links, sessions, chunks, handshakes_in_progress, handshakes_waiting, deadlines) and
        totals since the start (stanzas_received, stanzas_sent, bytes_received, bytes_sent, handshakes)."""
    def close(self) -> None:
        """Stops the deadlines' timer. Links are closed by their owners."""
    def __call__(self) -> None:
        """The end of a turn; the loop's business."""
