"""The queue towards the archive: numbers, packed groups, tickets, refusal (protocol.md 3 and 6)."""

from asyncio import Future
from collections.abc import Callable
from typing import final

from headrace.router.group import Group
from headrace.router.session import Session

FULL_GROUP: int
"""Messages that start a commit at once."""
QUIET: int
"""With fewer messages in the last LONGEST_WAIT one is committed at once."""
STANZA_ID: int
"""Bytes of a stanza-id."""
LONGEST_WAIT: float
"""Seconds that the oldest waits for company."""
STALE: float
"""Archive.stale, unless given."""
DONE_WAIT: float
"""Seconds that what is done with waits for a group to go with."""

def number_at(time: float) -> int:
    """The lowest number of that unix time."""

def time_of(number: int) -> float:
    """Unix time at which it was given."""

@final
class Archive:
    """One per server; the storage makes it. The data plane and add_ready() fill it, take() empties it."""

    last: int
    """The last number given."""
    reserved: int
    """As committed: an earlier run has given none above it."""
    wake: Callable[[float], object] | None
    """Called, at most three times a group, when the writer is idle: after so many seconds it shall call take(); the
    last call counts."""
    closed: bool
    """Nothing more is taken."""
    most_bytes: int
    """Uncommitted, packed: beyond it nothing more is taken."""

    stale: float
    """Seconds; with a message uncommitted for longer nothing more is taken: the storage is too slow."""

    def __init__(
        self,
        secret: bytes,
        reserved: int = 0,
        *,
        most_bytes: int = ...,
        stale: float = ...,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """secret: 16 bytes or more, the same for all time. clock: in place of the monotonic one."""

    def number(self, time: float | None = None) -> int:
        """A message's number, of the clock's time unless given; 0: refused. It is to be added before the next one
        is asked for: nothing is awaited in between."""

    def add_ready(
        self,
        number: int,
        stanza: bytes,
        a: bytes,
        b: bytes,
        flags: int = ...,
        session: Session | None = None,
        ticket: int = 0,
    ) -> Future[int]:
        """Queue a message of this number; the future is done after the commit.

        stanza: self-contained, without stanza-id; a, b: bare JIDs of sender and recipient; flags: MessageFlag,
        M_OFFLINE unless given; the session's ticket is settled after the commit."""

    def done(self, number: int) -> int:
        """The message of this number, of M_SPOOL, has got to the server it is for, or its sender has been told that it
        can't: it leaves the spool, with the next group or soon."""

    @property
    def refuses(self) -> str | None:
        """Why nothing is taken now, for the operator; None: all is well."""

    @property
    def idle(self) -> bool:
        """Nothing is to be committed."""

    @property
    def waiting(self) -> int:
        """Messages that are not committed."""

    def id_of(self, number: int, owner: bytes) -> str:
        """What `owner` (a bare JID) knows the message by (XEP-0359)."""

    def number_of(self, id: str, owner: bytes) -> int:
        """The number of such an id; 0: it is none that `owner` was ever given."""

    # For the commit loop.

    def flushed(self) -> Future[int] | None:
        """Done after the commit of all that is queued; None if nothing is."""

    def take(self) -> Group | None:
        """The group that is to be committed now; None: nothing waits, or another is under way.

        Without messages that are in no archive and have got to their recipients already: who waits for one is told, and
        if there are no others, at once."""

    def committed(self) -> None:
        """That group is: who waits is told."""

    def failed(self, error: BaseException) -> None:
        """It is given up."""

    def reservation(self) -> int:
        """What to commit as the new reservation; 0: the committed one still reaches far enough."""

    def reserve(self, reserved: int) -> None:
        """It is committed."""

    def start_above(self, reserved: int) -> None:
        """What is committed, by us or another server: numbers go on above it."""
