"""Tables and delivery (RFC 6121 section 8) of the accounts whose home is here: alone, of all (protocol.md 19).

JIDs given to a Router are prepared already. Stanzas of our own making are given as one element without xmlns,
in the content namespace, and are routed in the turn in which they are given; nothing is ever returned to the
caller: errors come back as stanzas.
"""

from collections.abc import Iterable, Mapping
from typing import final

from headrace.core.tokenizer import Tokenizer
from headrace.net.link import Link
from headrace.net.reactor import Reactor
from headrace.router.archive import Archive
from headrace.router.control import Control
from headrace.router.federation import Routes
from headrace.router.neighbour import Neighbours, Visitor
from headrace.router.session import Session
from headrace.stream.limits import SessionLimits

@final
class Router:
    def __init__(
        self, reactor: Reactor, control: Control | None = None, limits: SessionLimits | None = None
    ) -> None:
        """control may be set later, before the first bind()."""

    control: Control
    archive: Archive | None
    """Where messages are kept; None: nowhere."""
    reactor: Reactor
    hosts: frozenset[str]
    routes: Routes
    """To other servers and components."""
    neighbours: Neighbours | None
    """The homes of other accounts; None: this one is alone."""
    visitor: Visitor | None
    """What the stanza that is being routed came as, from another worker; None: it did not."""

    def add_host(self, domain: str) -> None:
        """Serve this domain: stanzas to it and to its accounts are ours."""

    def watch(self, domain: str) -> None:
        """What presence its accounts get from elsewhere, Control gets too (Reason.P_WATCHED)."""

    def load(self, bare: str, contacts: Mapping[str, int], blocked: Iterable[str] = ()) -> None:
        """Put an account's tables into memory: bits of account.Subscription by bare JID, and whom it has blocked.

        Does nothing if they are there already: what is there has followed every set_contact() and
        set_blocked() since. They go
        by themselves after the account's last session, or by release().
        """

    def loaded(self, bare: str) -> bool: ...

    def acknowledged(self) -> dict[str, int]:
        """By bare JID, the accounts of which a session is done with more than this last told, and what reached() says
        of them; also those that have left since."""

    def apart(self, bare: str) -> set[int]:
        """Archive numbers of messages that resources of the account got though older ones waited for it: to their full
        JIDs. The last ones."""

    def catching_up(self, bare: str) -> bool:
        """Does a resource that came while none took messages wait for older ones (Control.available, rose)?"""

    def reached(self, bare: str) -> int:
        """The highest archive number that a session of the account is done with (Account.reached); 0 if it is not
        loaded."""

    def release(self, bare: str) -> None:
        """Drop an account's tables if no session is bound: for a login that failed after load()."""

    def bind(self, link: Link, tokenizer: Tokenizer, jid: str, lang: str | None) -> Session:
        """Take the link over as the session of this full JID.

        The tokenizer stands below an open stream root; elements that it has kept are read at the end of the
        turn. What to do with a session that has this JID already is the caller's business: find() it first,
        end() it with `conflict`; both may exist until the end of the turn. Raises LookupError if the account
        is not loaded.
        """

    def resumable(self, bare: str, id: bytes) -> Session | None:
        """The account's session with this SM-ID, with a link or without."""

    def last_h(self, bare: str, id: bytes) -> int | None:
        """How many stanzas were handled of the account's session with this SM-ID, which has ended; None if that is
        not known."""

    def find(self, full: str) -> Session | None:
        """The bound session of this full JID."""

    def sessions(self, bare: str) -> list[Session]:
        """The account's bound sessions, in order of binding. For cluster/local.py alone."""

    def everybody(self) -> list[Session]:
        """All bound sessions, those of an account together. For cluster/local.py alone."""

    def contact(self, bare: str, contact: str) -> int:
        """Bits of Subscription; 0 if there are none or the account is not loaded."""

    def set_contact(self, bare: str, contact: str, bits: int) -> None:
        """Change a loaded account's table; nothing happens if it is not loaded. 0 takes the contact out."""

    def set_blocked(self, bare: str, jids: Iterable[str]) -> None:
        """Give a loaded account another block list: JIDs of any form (XEP-0191 5), neither its own nor its
        domain.

        Who becomes blocked and might see its presence, as a contact or because it was directed there, gets
        unavailable; who is blocked no longer gets the current presence again, and is seen again.
        """

    def set_archive(self, bare: str, mode: int, always: Iterable[str] = (), never: Iterable[str] = ()) -> None:
        """Whose messages a loaded account's archive takes: account.ArchiveMode, and prepared JIDs (bare or full) that
        are excepted from it; never comes first. Until this is called, everybody's."""

    def archives(self, bare: str, peer: str) -> bool:
        """Does the account's archive take what passes between it and this JID? False if it is not loaded."""

    def show(self, bare: str, watcher: str) -> None:
        """Send the current presence of each available session of `bare` to each available session of
        `watcher` (a bare JID; or a full one: to that session only), unless one has blocked the other. Where the
        watcher is on another server, a stanza for each goes there."""

    def hide(self, bare: str, watcher: str) -> None:
        """Send `watcher` an unavailable presence from each available session of `bare`."""

    def directed(self, full: str, to: str) -> bool:
        """Has the session of this full JID sent its presence to this very address (RFC 6121 4.6)?"""

    def deliver(self, session: Session, raw: bytes) -> None:
        """Queue a stanza of our own making towards this session as it is: replies, pushes. Nothing if it has
        ended."""

    def lend(self, session: Session, raw: bytes, number: int = 0) -> None:
        """Likewise of a message that is kept for the account until Session.written() says that the session answers for
        it. number: of it in the account's archive (Account.reached); 0: it is in none."""

    def answer(self, session: Session, raw: bytes) -> None:
        """deliver() for an error that answers a message: where that was copied to other sessions of the account
        (XEP-0280), so is this."""

    def route(self, raw: bytes, from_: str | None = None) -> None:
        """Route a stanza of our own making by RFC 6121 section 8 as if it came from `from_`, or from the
        `from` in it.

        What no session takes is punted with session None. Raises ValueError if it is no stanza, or malformed.
        """

    def end(self, session: Session, condition: str, text: str = "") -> None:
        """End a session: stream error (RFC 6120 4.9.3; none if condition is empty), `</stream:stream>`,
        close, unavailable to its contacts. Takes effect at the end of the turn; a second call changes
        nothing."""
