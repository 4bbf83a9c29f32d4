"""What modules live in, for their tests: a real storage, and a home of accounts that writes down what it is asked."""

from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.cluster.ports import Audience, Online, Resource
from headrace.modules.api import Context, Effects, Later, Module, Outcome, Request
from headrace.sasl.credentials import Credentials, ScramVerifier
from headrace.storage.ports import OfflineMessage, Storage
from headrace.xep.mam import Preferences
from support.stanzas import stanza

VERIFIER = ScramVerifier(bytes(16), 4096, bytes(20), bytes(20))
NOBODY_LOGS_IN = Credentials(sha1=VERIFIER, sha256=VERIFIER)


@dataclass
class FakeResource:
    jid: str
    available: bool = True
    interested: bool = True
    blocklist: bool = False
    priority: int = 0
    silence: float = 0.0
    dies: bool = False  # when messages are handed over
    got: list[bytes] = field(default_factory=list)


@dataclass
class FakeHome:
    """headrace.cluster.ports.Accounts that writes down what it is asked."""

    here: list[FakeResource] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)  # full JID, condition
    told: list[tuple[str, ...]] = field(default_factory=list)  # shows, hides and tables, in order
    routed: list[bytes] = field(default_factory=list)
    beside: set[int] = field(default_factory=set)  # numbers of messages that resources got apart
    waits: bool = True  # who comes, for older messages
    has: dict[str, int] = field(default_factory=dict)  # up to which number, by account
    shown: set[tuple[str, str]] = field(default_factory=set)  # (full JID, to whom it has sent directed presence)

    def of(self, account: str) -> list[FakeResource]:
        return [resource for resource in self.here if resource.jid.partition("/")[0] == account]

    async def push(self, account: str, payload: bytes, audience: Audience = Audience.INTERESTED) -> None:
        for resource in self.of(account):
            if getattr(resource, audience.value):
                resource.got.append(b"<iq type='set' id='p'>" + payload + b"</iq>")

    async def deliver(self, account: str, stanza: bytes, audience: Audience) -> int:
        those = [r for r in self.of(account) if getattr(r, audience.value)]
        for resource in those:
            resource.got.append(stanza)
        return len(those)

    async def hand_over(self, resource: str, stanzas: Sequence[tuple[int, bytes]]) -> bool:
        found = next((r for r in self.here if r.jid == resource), None)
        if found is None or found.dies:
            self.here = [r for r in self.here if r.jid != resource]
            return False
        found.got += [stanza for _, stanza in stanzas]
        self.has[resource.partition("/")[0]] = stanzas[-1][0]
        return True

    async def write(self, resource: str, stanzas: Sequence[bytes]) -> bool:
        found = next((r for r in self.here if r.jid == resource), None)
        if found is None or found.dies:
            return False
        found.got += stanzas
        return True

    async def apart(self, account: str) -> set[int]:
        return self.beside

    async def catching_up(self, account: str) -> bool:
        return self.waits

    async def acknowledged(self) -> dict[str, int]:
        return self.has

    async def settled(self, account: str) -> None:
        """Nothing is under way."""

    async def route(self, stanza: bytes) -> None:
        self.routed.append(stanza)

    async def show(self, account: str, watcher: str) -> int:
        self.told.append(("show", account, watcher))
        return sum(resource.available for resource in self.of(account))

    async def hide(self, account: str, watcher: str) -> int:
        self.told.append(("hide", account, watcher))
        return sum(resource.available for resource in self.of(account))

    async def directed(self, resource: str, to: str) -> bool:
        return (resource, to) in self.shown

    async def set_contact(self, account: str, contact: str, subscription: int) -> None:
        self.told.append(("table", account, contact, str(int(subscription))))

    async def set_blocked(self, account: str, jids: Collection[str]) -> None:
        self.told.append(("blocked", account, *sorted(jids)))

    async def set_archive(self, account: str, preferences: Preferences) -> None:
        self.told.append(("archive", account, preferences.default, *preferences.always, *preferences.never))

    async def online(self, host: str | None = None) -> list[Online]:
        return [Online(r.jid, r.available, r.priority, "192.0.2.1", True, r.silence) for r in self.here
                if host in (None, r.jid.partition("/")[0].rpartition("@")[2])]

    async def end(self, jid: str, condition: str, text: str = "", *, but: str | None = None) -> int:
        ended = [r for r in self.here if r.jid != but and jid in (r.jid, r.jid.partition("/")[0])]
        self.here = [r for r in self.here if r not in ended]
        self.ended += [(r.jid, condition) for r in ended]
        return len(ended)

    async def resources(self, account: str) -> list[Resource]:
        return [Resource(r.jid, r.available, r.interested, r.priority) for r in self.of(account)]


async def derive(source: str, password: str) -> Credentials:
    """Quick, and no use for a login."""
    if not password:
        raise ValueError("a password must not be empty")
    salt = f"{source} {password}".encode()
    return replace(NOBODY_LOGS_IN, sha256=ScramVerifier(salt, 4096, bytes(32), bytes(32)))


@dataclass
class Clock:
    time: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class World:
    """What a module lives in."""

    context: Context
    home: FakeHome
    clock: Clock
    storage: Storage

    def module(self, kind: type[Module], **options: Any) -> Any:
        return kind(self.context, kind.Options(**options))

    async def account(self, *jids: str) -> None:
        await self.storage.accounts.create_many([(jid, NOBODY_LOGS_IN) for jid in jids])

    async def waiting(self, jid: str) -> list[OfflineMessage]:
        """What the account's next login would be given."""
        return await self.storage.archive.pending(jid, await self.context.marks.of(jid), 10_000)

    def arrives(self, jid: str, **how: Any) -> FakeResource:
        self.home.here.append(resource := FakeResource(jid, **how))
        return resource


def request(xml: str, sender: str, to: str | None = None) -> Request:
    """As the dispatcher makes it; `to` as in the stanza, else the sender's account."""
    got = stanza(xml, sender, to)
    return Request(got, sender, (got.to or sender).partition("/")[0])


async def effects(outcome: Outcome) -> list[Any]:
    """What a handler's outcome comes to, work that it left for later included."""
    result: Effects = await outcome if isinstance(outcome, Coroutine) else outcome
    listed = [] if result is None else list(result) if isinstance(result, Sequence) else [result]
    return [done for effect in listed
            for done in (await effects(effect.work) if isinstance(effect, Later) else [effect])]
