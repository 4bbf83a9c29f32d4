"""What the data plane asks of the control plane, and what it gets back."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from headrace.core.stanza import Stanza
from headrace.router.neighbour import Visitor
from headrace.router.session import Session


@dataclass(frozen=True, slots=True)
class HoldAll:
    """Until this is done, every later stanza of the session waits (protocol.md 2): for requests that change how
    later stanzas are treated."""

    awaitable: Awaitable[object]


Outcome = Awaitable[object] | HoldAll | None
"""None: finished. An awaitable: later stanzas of this session to the same bare JID wait until it is done."""


class Ticket(NamedTuple):
    """A message that h waits for (XEP-0198): who commits it settles this (router.archive.Archive.add_ready)."""

    session: Session | Visitor  # that it came from, or what it came as from another worker
    number: int         # of Session.hold(); 0 where nothing is counted


Left = tuple[bytes, int]
"""A stanza that a stream to another server has not brought there, and its number in the spool; 0: it is not there."""


class Control(Protocol):
    """The control plane, as the router sees it. Nothing here may raise: a request that fails is answered with its
    error.

    Called in the middle of a turn, after the tokenizer has returned; all it gets are copies. It may call
    anything of the Router: what ends a session only takes effect at the end of the turn.
    """

    def punt(self, session: Session | None, stanza: Stanza, reason: int, number: int) -> Outcome:
        """A stanza that the data plane can't decide. reason: `headrace.router.session.Reason`, which says
        what it is given.

        session: who sent it; None for one of our own making (`Router.route`). `stanza.from_` is the sender's
        prepared full JID (bare for P_SUBSCRIPTION), `stanza.to` the prepared address or None. number: of the message in
        the spool, which it leaves by Archive.done(); 0: it is not there.
        """

    def available(self, session: Session) -> Outcome:
        """The session has sent the first presence with which it became available.

        Contacts on this server have been told, and their current presence is in the session's outbox. Until what
        this returns is done, and while no other session takes them, messages to the bare JID are punted as P_ABSENT:
        nothing overtakes what is being handed over. So also rose().
        """

    def rose(self, session: Session) -> Outcome:
        """An available session's priority was negative and is not any more: it takes messages to the bare JID."""

    def missed(self, session: Session, stanza: Stanza) -> None:
        """A message with a body, or a call, has come for a session that has no link: once until it has one again.

        Told in the middle of its delivery, whose stanza and buffers any other would take the place of: nothing may be
        routed before this returns.
        """

    def gone(self, session: Session) -> None:
        """The session has ended; its contacts have been told. It takes nothing any more."""
