"""A bound resource: gets its link's stanzas, has them routed, and queues what others send it."""

from asyncio import Future
from enum import IntEnum
from typing import Any, final

from headrace.core.tokenizer import Tokenizer
from headrace.net.link import Link
from headrace.router.outbox import Outbox

class Reason(IntEnum):
    """Why a stanza is punted to the control plane."""

    P_NONZA = 1
    """A top-level element that is no stanza. `stanza.raw` as received."""
    P_SERVER = 2
    """To the server itself: IQ without `to`, to a hosted domain or to a local bare JID; message and presence
    to a hosted domain. An IQ has been checked (id, type, one child). `stanza.raw` as received."""
    P_SUBSCRIPTION = 3
    """Presence subscribe, subscribed, unsubscribe, unsubscribed: from a session to anybody, here or elsewhere; from
    another server (no session) to an account of ours, be there one or not. `stanza.raw` is
    self-contained: a new head (`from` and `to` bare, xml:lang) in no namespace, judged children gone: it can
    be stored and routed."""
    P_PROBE = 4
    """Presence probe to a local account, be there one or not; `stanza.to` may be a full JID. `stanza.raw`
    self-contained."""
    P_ABSENT = 5
    """Message (normal or chat) to a local bare JID that no session can take, whether the account exists or
    not (RFC 6121 8.5). `stanza.raw` self-contained; `stanza.to` may be a full JID of a resource that is not
    there."""
    P_REMOTE = 6
    """Any stanza to a domain that is not hosted here. `stanza.raw` self-contained. Without a session, presence that
    the router owes others by itself: a copy of a broadcast for each contact there, probes, the unavailable presence
    of who has gone to where it had sent directed presence."""
    P_WATCHED = 7
    """Available or unavailable presence from elsewhere to an account, be there one or not, of a host that
    Router.watch() has named. Whoever of the account is here has it. `stanza.raw` self-contained."""

class SessionFlag(IntEnum):
    S_AVAILABLE = 1
    """Has sent initial presence."""
    S_INTERESTED = 2
    """Has asked for the roster: gets pushes (RFC 6121 2.1.6)."""
    S_ENDED = 4
    """Unbound, or about to be at the end of this turn: takes nothing any more."""
    S_BLOCKLIST = 8
    """Has asked for the block list: gets pushes (XEP-0191 3.3)."""
    S_CARBONS = 16
    """Gets copies of its account's messages (XEP-0280)."""
    S_INACTIVE = 32
    """Its user looks elsewhere (XEP-0352): what can wait waits."""
    S_HIBERNATED = 64
    """Has no link, and may come back: takes stanzas into its outbox."""
    S_MANAGED = 128
    """Stream management is on."""
    S_PUSHED = 256
    """Hibernated, and its user has been told that something waits (Control.missed)."""

@final
class Session:
    """Made by Router.bind() alone. All JIDs are prepared."""

    jid: str
    """Full JID."""
    bare: str
    resource: str
    priority: int
    """Of the last available presence; -128 to 127."""
    flags: int
    """Bits of SessionFlag."""
    presence: bytes | None
    """The last broadcast available presence, as a stanza without `to`; None while unavailable."""
    lang: str | None
    """The stream's xml:lang."""
    link: Link | None
    """None once the link has gone."""
    tok: Tokenizer
    outbox: Outbox
    silence: float
    """Seconds since its client was last heard, be it white space; 0 after the end."""
    state: Any
    """The control plane's own; None at first and after the end."""

    sm_key: int
    """The first half of its SM-ID as a number; 0 without stream management."""
    h: int
    """How many of its client's stanzas are handled, as XEP-0198 counts; 0 without stream management."""

    def written(self) -> Future[bool]:
        """Done once all that is in the outbox now has been written to the socket, or the session hibernates: True;
        False if it ends before that."""

    def manage(self, id: bytes, seconds: float) -> None:
        """Switch stream management on, with this SM-ID of 16 bytes. seconds: so long it may be without a link; 0: it
        ends with its link. Raises RuntimeError if it is on."""

    def handled(self) -> Future[None]:
        """Done once all that its client has sent is handled; so as soon as the session has ended."""

    def attach(self, link: Link, tok: Tokenizer, h: int, lang: str | None) -> int:
        """Resume it on this link, whose tokenizer stands below a stream root, and of whose stanzas the client has h.
        A link that it still has ends with `conflict`. Answers h of the other direction. Raises LookupError if it can't
        be resumed (any more), ValueError for an h that is too high: the application's condition of a stream error, as
        XML; then nothing has changed."""

    def hold(self) -> int:
        """The client's stanza that is being handled is not done with yet: h stays below it. A ticket for settle(); 0
        where nothing is counted, which may be settled as well."""

    def again(self, ticket: int) -> int:
        """Hold once more what that ticket holds."""

    def settle(self, ticket: int) -> int:
        """It is done with: refused or committed. As often as it was held, in any order."""

    def committing(self, ticket: int) -> int:
        """The commit that comes next settles this ticket, and every one that this was called for before. Answers h
        once that is done."""

    def set_flag(self, flag: int, on: bool = True) -> None:
        """Set or clear S_INTERESTED, S_BLOCKLIST, S_CARBONS or S_INACTIVE; the other flags are the data plane's. Raises
        ValueError for those."""
