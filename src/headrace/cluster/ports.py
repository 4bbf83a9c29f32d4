"""How the control plane reaches an account: async ports addressed by bare JID (protocol.md 19).

Every account has one home, where its sessions' routes and its tables are. Alone, this process is every
account's home (`headrace.cluster.local`); with workers, a call travels to the home and comes back. So a
module never walks tables, and never learns which of the two it is. All JIDs here are prepared.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from headrace.router.neighbour import home_of
from headrace.xep.mam import Preferences

Receive = Callable[[int, bytes], None]
"""Gets the number of the worker that sends, and what it sends."""


class Bus(Protocol):
    """What workers tell one another. From one to another everything arrives once, in the order in which it was sent,
    whatever the channels; when, nobody knows."""

    def send(self, worker: int, channel: str, message: bytes) -> None: ...

    def listen(self, channel: str, receive: Receive) -> None:
        """One listener for each channel, before anybody sends. It raises nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which worker this one is, and how it reaches the others."""

    here: int  # its number, from 0
    workers: int
    bus: Bus

    def home(self, account: str) -> int:
        """The number of the worker that is the account's (bare JID) home."""
        return home_of(account, self.workers)

    def is_home(self, account: str) -> bool:
        return self.home(account) == self.here


class Audience(Enum):
    """Which of an account's resources a stanza is for: those with the SessionFlag of that name."""

    AVAILABLE = "available"  # has sent initial presence
    INTERESTED = "interested"  # has asked for the roster (RFC 6121 2.1.6)
    BLOCKLIST = "blocklist"  # has asked for the block list (XEP-0191 3.3)


@dataclass(frozen=True, slots=True)
class Resource:
    """A bound resource as other parts may see it."""

    jid: str  # full
    available: bool
    interested: bool
    priority: int
    hibernated: bool = False  # its connection is lost; it takes what comes until its client is back (XEP-0198)


@dataclass(frozen=True, slots=True)
class Online:
    """A bound resource as an administrator may see it."""

    jid: str  # full
    available: bool
    priority: int
    address: str  # of its connection; empty while it has none
    tls: bool
    silence: float  # seconds since its client was last heard


class Accounts(Protocol):
    """What may be asked of an account's home. No session is no error: there is nobody to be told, then."""

    async def push(self, account: str, payload: bytes, audience: Audience = Audience.INTERESTED) -> None:
        """An IQ set with this payload to each such resource (RFC 6121 2.1.6), each with its own id."""

    async def deliver(self, account: str, stanza: bytes, audience: Audience) -> int:
        """A stanza of ours, as it is, into the outbox of each such resource. Answers how many got it."""

    async def hand_over(self, resource: str, stanzas: Sequence[tuple[int, bytes]]) -> bool:
        """Messages that are kept for the account to one resource (full JID), each with its number in the archive.
        Answers once they are written to its socket, or it hibernates; False if the session ended before that. From
        then on it answers for them."""

    async def write(self, resource: str, stanzas: Sequence[bytes]) -> bool:
        """Stanzas of ours, of use to nobody else, to one resource. Answers as hand_over()."""

    async def apart(self, account: str) -> set[int]:
        """Numbers in the archive of messages that a resource of it got though older ones wait for it."""

    async def catching_up(self, account: str) -> bool:
        """Has a resource come while none of the account took messages, and waits for older ones? Then what is for the
        account waits, too."""

    async def acknowledged(self) -> dict[str, int]:
        """Up to which number in the archive each account has what was sent to it; of those of which this last told
        less."""

    async def settled(self, account: str) -> None:
        """Until what the account has sent so far is where it belongs: kept, refused or delivered; or until that takes
        too long."""

    async def route(self, stanza: bytes) -> None:
        """A stanza of ours by RFC 6121 section 8, from the account that its `from` names: also to other servers."""

    async def show(self, account: str, watcher: str) -> int:
        """Send the current presence of each available resource of `account` to `watcher` (bare or full JID).
        Answers how many there are."""

    async def hide(self, account: str, watcher: str) -> int:
        """Send `watcher` an unavailable presence from each available resource. Answers how many there are."""

    async def directed(self, resource: str, to: str) -> bool:
        """Has this resource (full JID) sent its presence to this very address (RFC 6121 4.6)?"""

    async def set_contact(self, account: str, contact: str, subscription: int) -> None:
        """Change the account's table; bits of router.account.Subscription, 0 takes the contact out of it."""

    async def set_blocked(self, account: str, jids: Collection[str]) -> None:
        """Give the account another block list (XEP-0191); presence follows (Router.set_blocked)."""

    async def set_archive(self, account: str, preferences: Preferences) -> None:
        """Whose messages its archive takes from now on."""

    async def resources(self, account: str) -> list[Resource]:
        """The account's bound resources, in order of binding."""

    async def online(self, host: str | None = None) -> list[Online]:
        """All resources of a host, or of all hosts; those of an account together."""

    async def end(self, jid: str, condition: str, text: str = "", *, but: str | None = None) -> int:
        """End the account's bound sessions with this stream error, all but that full JID; answers how many those were.
        Logins under way end, too. Of a full JID, that session alone."""
