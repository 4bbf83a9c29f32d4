"""Privileged entities that see whom our users see (XEP-0356, `presence = "roster"`): users' contacts elsewhere.

Contacts here stand in the router's tables as if they had subscribed the component (headrace.modules.contacts). Of those
elsewhere every user's copy comes in by itself, whether he is here or not; the component gets one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from headrace.core import ns, reply
from headrace.core.addresses import domain_of
from headrace.core.stanza import Stanza
from headrace.core.writer import serialize
from headrace.modules.api import Context, Effects, Module, Request, Route
from headrace.modules.contacts import bits, sees_us
from headrace.modules.grants import told_of_contacts
from headrace.router.account import Subscription

MOST_BYTES = 64 << 20   # of what one component has been told; some 50,000 contacts. Beyond it the oldest is told again
DELAY = f"{{{ns.DELAY}}}delay"


@dataclass(slots=True)
class Seen:
    """A resource that is available, as a component knows it."""

    stanza: bytes
    said: bytes     # without what may differ between users' copies
    watchers: set[str] = field(default_factory=set)    # users who have it

    @property
    def size(self) -> int:
        return len(self.stanza) + len(self.said)


class Known:
    """What one component knows of contacts elsewhere."""

    def __init__(self, component: str) -> None:
        self._component = component
        self._contacts: dict[str, dict[str, Seen]] = {}     # by bare JID, by full JID; oldest first
        self._size = 0

    def all(self) -> Iterator[bytes]:
        return (seen.stanza for resources in self._contacts.values() for seen in resources.values())

    def came(self, stanza: Stanza, contact: str, account: str) -> bytes | None:
        """A user's copy that says that the contact (bare JID) is available: what is new in that for the component."""
        resource = stanza.from_ or ""
        payload, said = _read(stanza)
        seen = self._take(contact, resource)
        old = seen.said if seen is not None else None
        if seen is None or old != said:
            raw = reply.stanza("presence", payload, from_=resource, to=self._component, id=stanza.id, lang=stanza.lang)
            seen = Seen(raw, said, seen.watchers if seen is not None else set())
        seen.watchers.add(account)
        self._contacts.setdefault(contact, {})[resource] = seen
        self._size += seen.size
        self._forget_old()
        return seen.stanza if old != said else None

    def went(self, stanza: Stanza, contact: str, account: str) -> Iterator[bytes]:
        """One that says that it is not, or that none of its resources is: those that nobody sees any more."""
        named = stanza.from_ or ""
        for resource in [named] if named != contact else list(self._contacts.get(contact, ())):
            seen = self._contacts.get(contact, {}).get(resource)
            if seen is None or account not in seen.watchers:
                continue
            seen.watchers.remove(account)
            if not seen.watchers:
                self._take(contact, resource)
                yield reply.stanza("presence", _read(stanza)[0], from_=resource, to=self._component, id=stanza.id,
                                   type="unavailable", lang=stanza.lang)

    def _take(self, contact: str, resource: str) -> Seen | None:
        resources = self._contacts.get(contact, {})
        seen = resources.pop(resource, None)
        if seen is not None:
            self._size -= seen.size
        if not resources:
            self._contacts.pop(contact, None)
        return seen

    def _forget_old(self) -> None:
        while self._size > MOST_BYTES:
            contact, resources = next(iter(self._contacts.items()))
            self._take(contact, next(iter(resources)))


class ContactPresence(Module):
    name = "contact_presence"

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._known = {component: Known(component) for component, grant in context.grants.items() if grant.contacts}

    async def watched(self, request: Request) -> Effects:
        stanza, contact = request.stanza, request.account
        those = [self._known[component] for component, _ in told_of_contacts(self.context.grants, request.host)
                 if component != domain_of(contact)]
        if stanza.type == "unavailable":
            return [Route(raw) for known in those for raw in known.went(stanza, contact, request.to)]
        if not bits(await self.context.storage.roster.get(request.to, contact)) & Subscription.SUB_TO:
            return ()
        return [Route(raw) for known in those if (raw := known.came(stanza, contact, request.to)) is not None]

    async def connected(self, component: str) -> Effects:
        """It is told what it would have been if it had always been here."""
        known = self._known.get(component)
        if known is None:
            return ()
        hosts = self.context.grants[component].hosts
        for host in sorted(self.context.hosts.keys() - hosts):
            for account in sorted({one.jid.partition("/")[0] for one in await self.context.accounts.online(host)}):
                items = await self.context.storage.roster.load(account)
                if any(sees_us(item) and domain_of(item.jid) in hosts for item in items):
                    await self.context.accounts.show(account, component)
        return [Route(raw) for raw in known.all()]


def _read(stanza: Stanza) -> tuple[bytes, bytes]:
    """What it says, and that without when: a probe's answer may say since when it does."""
    children = [(child.tag, serialize(child, ns.CLIENT)) for child in stanza.element()]
    return b"".join(raw for _, raw in children), b"".join(raw for tag, raw in children if tag != DELAY)
