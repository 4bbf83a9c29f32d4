"""What the server keeps, as ports: back ends implement them, and one test-suite runs against each of them.

Bare JIDs are prepared ones everywhere here (protocol.md 18); callers prepare, back ends compare code points.
Every call that changes something returns after the commit. A call sees what was asked before it about the same account,
committed or not yet: of accounts, rosters, block lists and documents one after the other, of messages too, but
what is asked of the ones never waits for the other.
"""

from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from headrace.router.archive import Archive
from headrace.router.control import Ticket
from headrace.sasl.credentials import Credentials, Digest, ScramVerifier

Durability = Literal["power", "process"]    # what a commit outlives: a power cut, or only the server process's end
Subscription = Literal["none", "to", "from", "both"]


class StorageError(Exception):
    """What the storage could not do, in words for the operator."""


class StorageLocked(StorageError):
    """Another process holds the data."""


class StorageUnavailable(StorageError):
    """The data cannot be read or written now: a full disk, no permission, a damaged file, a long queue."""


class AccountExists(StorageError):
    """There is an account of that name."""


class Account(msgspec.Struct, frozen=True):
    jid: str
    credentials: Credentials
    created: float                  # unix s
    disabled: bool = False          # may not log in


class RosterItem(msgspec.Struct, frozen=True):
    """What one account knows of one contact (RFC 6121 2.1.2, 3.1.3 and appendix A)."""

    jid: str
    name: str = ""
    subscription: Subscription = "none"
    ask: bool = False               # our request is unanswered ("pending out")
    approved: bool = False          # pre-approved (RFC 6121 3.4)
    groups: tuple[str, ...] = ()
    pending_in: bytes | None = None     # their unanswered subscribe stanza, given to each login till answered
    listed: bool = True             # False: only pending_in is known, the roster hides it (RFC 6121 3.1.3)


class RosterChange(NamedTuple):
    owner: str
    contact: str
    item: RosterItem | None         # None: removed
    visible: bool = True            # clients are told: the roster gets a new version (RFC 6121 2.6.3)


class RosterRevision(NamedTuple):
    """What a contact's last visible change led to."""

    version: int
    contact: str
    item: RosterItem | None         # None: it is not in the roster any more


ROSTER_MEMORY = 1_000   # versions that revisions() reaches back: a client that missed more reads the whole roster


class OfflineMessage(msgspec.Struct, frozen=True):
    id: int                         # 64 bits, time-ordered, never used twice (protocol.md 6)
    time: float                     # unix s at which it was queued, for XEP-0203; grows with the ids
    stanza: bytes                   # as given to add()
    archived: bool = False          # it is in the archive of whom it is for


class SpooledMessage(NamedTuple):
    """One that waits until another server, or a component, has it."""

    id: int
    time: float                     # unix s at which it was taken
    stanza: bytes                   # to be sent as it is


class AccountStore(Protocol):
    async def get(self, jid: str) -> Account | None: ...

    async def exists(self, jid: str) -> bool: ...

    async def create(self, jid: str, credentials: Credentials) -> None:
        """Raises AccountExists."""

    async def create_many(self, accounts: Iterable[tuple[str, Credentials]]) -> int:
        """Creates those that don't exist yet, all in one commit; how many it created."""

    async def set_credentials(self, jid: str, credentials: Credentials) -> bool:
        """A new password: all verifiers are replaced, all login tokens forgotten. False: no such account."""

    async def add_verifier(self, jid: str, digest: Digest, verifier: ScramVerifier) -> bool:
        """One more verifier of the same password. False: no such account, or it has one of that digest."""

    async def set_disabled(self, jid: str, disabled: bool) -> bool:
        """Disabling forgets its login tokens. False: no such account."""

    async def delete(self, jid: str) -> bool:
        """The account and all that is stored for it: roster, archive, offline messages, block list, documents,
        login tokens.

        False: no such account."""

    async def set_last_seen(self, times: Mapping[str, float]) -> None:
        """When each account was last here, unix s, in one commit; those that don't exist are passed over."""

    async def last_seen(self, jid: str) -> float | None: ...

    async def jids(self, host: str | None = None) -> list[str]:
        """Of one host or of all, sorted."""

    async def count(self, host: str, *, disabled: bool = False) -> int:
        """Accounts of a host; disabled: only those that are."""


class Token(msgspec.Struct, frozen=True):
    """A login token (XEP-0484), by what it is made from: `seed` logs nobody in without the server's key."""

    mechanism: str                  # the only one that it is good for
    seed: bytes
    issued: float                   # unix s
    expires: float


class ClientTokens(msgspec.Struct, frozen=True):
    """What one client holds. Two, while it is not known whether the fresh one has reached it."""

    current: Token | None = None
    fresh: Token | None = None      # issued later, not used yet


class TokenStore(Protocol):
    """Tokens of clients (the id of XEP-0388's <user-agent/>) of accounts."""

    async def get(self, jid: str, client: str) -> ClientTokens: ...

    async def issue(self, jid: str, client: str, token: Token, keep: int) -> None:
        """The client's fresh token, in the place of one that was never used. Forgets what of the account has expired
        when this is issued, and all of clients beyond the `keep` that got one last."""

    async def used(self, jid: str, client: str, token: Token) -> None:
        """That fresh token has been used: it is the current one. Nothing if it is not the fresh one any more."""

    async def forget(self, jid: str, client: str | None = None) -> int:
        """All tokens of a client, or of the account; how many there were."""


class RosterStore(Protocol):
    async def load(self, owner: str) -> list[RosterItem]: ...

    async def get(self, owner: str, contact: str) -> RosterItem | None: ...

    async def put(self, owner: str, item: RosterItem) -> None: ...

    async def remove(self, owner: str, contact: str) -> bool:
        """False: there was none."""

    async def apply(self, changes: Sequence[RosterChange]) -> list[int]:
        """Several items, of several owners, in one commit (both sides of a subscription). For each change the
        version that it gave to its owner's roster, 0 if it is not a visible one."""

    async def put_pair(self, owner: str, item: RosterItem, other: str, other_item: RosterItem) -> None:
        """apply() of two items of two owners."""

    async def version(self, owner: str) -> int:
        """Of the roster as clients see it: grows with each visible change; 0 before the first."""

    async def revisions(self, owner: str, since: int) -> list[RosterRevision] | None:
        """The visible changes since that version, each contact once, in order. None where they are not known:
        it is too old, or no version of this roster."""


EVER = 2**63 - 1        # an id behind all others


class ArchivedMessage(NamedTuple):
    id: int                         # its number
    time: float                     # unix s, whole milliseconds: as it is shown, so that filters by time agree with it
    stanza: bytes


class ArchiveFilter(NamedTuple):
    """Which messages of an archive; all unless said otherwise."""

    peer: str | None = None         # bare JID of the other side; the owner's own: what it has sent to itself
    start: float | None = None      # unix s, the earliest
    end: float | None = None        # the latest
    after: int = 0                  # behind this id
    before: int = EVER              # in front of this id


class ArchivePage(NamedTuple):
    messages: list[ArchivedMessage]     # in order
    complete: bool                      # nothing that fits the filter lies beyond it, in the direction asked


class ArchiveStore(Protocol):
    """The archives of accounts, each of messages that it sent or got. Owners are bare JIDs; one that is unknown has an
    empty archive. All see what was added before."""

    def add(self, a: str, b: str, stanza: bytes, flags: int, time: float | None = None, *,
            ticket: Ticket | None = None) -> Awaitable[int]:
        """A message from `a` to `b` (bare JIDs), flags of router.group.MessageFlag; awaiting gives its id after the
        commit, which settles the ticket. The data plane adds to Storage.queue itself.

        It is queued when this returns. Raises StorageUnavailable at once, and keeps nothing, when the store
        is too slow or too full to promise that (protocol.md 3)."""

    async def page(self, owner: str, filter: ArchiveFilter, limit: int, *, backwards: bool = False) -> ArchivePage:
        """The first so many of those messages; backwards: the last."""

    async def count(self, owner: str, filter: ArchiveFilter, most: int | None = None) -> int:
        """How many there are; it stops counting at `most`."""

    async def get(self, owner: str, ids: Collection[int]) -> list[ArchivedMessage]:
        """Those of them that are there, in order."""

    async def ends(self, owner: str) -> tuple[ArchivedMessage, ArchivedMessage] | None:
        """The first and the last; None: it is empty."""

    async def mark(self, owner: str) -> int:
        """Up to which id some session of the account has acknowledged what it got (protocol.md 5); 0 at first."""

    async def set_marks(self, marks: Mapping[str, int]) -> None:
        """By owner, all in one commit; none goes back. Offline messages up to there are gone then, in others."""

    async def pending(self, owner: str, after: int, limit: int) -> list[OfflineMessage]:
        """What a login is given (XEP-0160) beyond that id: the first so many, offline messages among them."""

    async def offline(self, owner: str) -> int:
        """How many offline messages wait for it: those that are in no archive of its own."""

    async def spooled(self, after: int, limit: int) -> list[SpooledMessage]:
        """What is on its way to other servers (M_SPOOL) beyond that id, as committed: the first so many. It leaves the
        spool by Storage.queue.done(id)."""

    async def last_h(self, owner: str, sm_key: int) -> int | None:
        """The h of the account's session (XEP-0198) with its last message here, if that is not over a day old; None:
        there is none (protocol.md 4)."""

    async def clear(self, owner: str) -> int:
        """Empty the archive: messages that it alone has are gone, others leave it. What a login would still be given
        stays as offline messages. How many have left."""

    async def forget(self, owner: str) -> None:
        """All messages of an account, offline ones too, and its mark, in small steps: it is going, or gone. What comes
        after this is asked may be for an account that was made anew."""

    async def purge(self, host: str, before: float | None, most: int | None) -> int:
        """clear() of all archives of a host, as far as messages are older than that (unix s) or there are more of them
        in one archive than `most`. In small steps, between which others have their turn."""


class BlockStore(Protocol):
    """Whom accounts have blocked (XEP-0191): prepared JIDs of any form. Owners that don't exist are passed over."""

    async def load(self, owner: str) -> frozenset[str]: ...

    async def add(self, owner: str, jids: Collection[str]) -> None: ...

    async def remove(self, owner: str, jids: Collection[str]) -> None: ...


class DocumentStore(Protocol):
    """XML that accounts keep here, by kind (whose feature it is) and name; bytes come back as they were given."""

    async def get(self, owner: str, kind: str, name: str) -> bytes | None: ...

    async def put(self, owner: str, kind: str, documents: Mapping[str, bytes]) -> None:
        """Documents by name, all in one commit. An owner that doesn't exist is passed over."""

    async def sizes(self, owner: str, kind: str) -> dict[str, int]:
        """Bytes of each document, by name."""

    async def all(self, owner: str, kind: str) -> dict[str, bytes]:
        """Each document, by name."""

    async def remove(self, owner: str, kind: str, names: Collection[str]) -> None:
        """Those that are there, all in one commit."""


class Storage(Protocol):
    @property
    def queue(self) -> Archive:
        """Messages on their way to it, natively; what is asked of offline messages sees them."""

    @property
    def accounts(self) -> AccountStore: ...

    @property
    def tokens(self) -> TokenStore: ...

    @property
    def roster(self) -> RosterStore: ...

    @property
    def archive(self) -> ArchiveStore: ...

    @property
    def blocks(self) -> BlockStore: ...

    @property
    def documents(self) -> DocumentStore: ...

    async def secret(self) -> bytes:
        """32 random bytes, the same for all time: salts of accounts that don't exist (protocol.md 10)."""

    async def close(self) -> None:
        """Commits what waits and ends. Nothing may be asked afterwards."""
