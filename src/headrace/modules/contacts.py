"""Two accounts' views of each other, changed together: what roster changes and subscription requests share.

A contact's side changes in the same commit as ours if its home is here, so that no crash leaves one believing what the
other doesn't; one elsewhere gets the stanzas and changes its side itself. Pushes and presence go out
before the accounts' locks are released: all clients see one order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

import msgspec

from headrace.cluster.ports import Audience
from headrace.core import reply
from headrace.core.addresses import domain_of
from headrace.modules.api import Context, Refused
from headrace.modules.grants import told_of_contacts, told_of_presence, told_of_rosters
from headrace.router.account import Subscription
from headrace.storage.ports import RosterChange, RosterItem, RosterStore
from headrace.xep import roster
from headrace.xep.subscription import INBOUND, OUTBOUND, State

MAX_CONTACTS = 5_000  # of an account: a client downloads them all at each login
MAX_REQUEST = 8_192  # bytes of a subscription request: it is stored and shown at each login until it is answered

Request = tuple[str, bytes]  # type of the presence stanza; the stanza, from bare JID to bare JID


def bits(item: RosterItem | None) -> int:
    """The item as the router's tables have it."""
    if item is None:
        return 0
    to = int(Subscription.SUB_TO) if item.subscription in ("to", "both") else 0
    from_ = int(Subscription.SUB_FROM) if item.subscription in ("from", "both") else 0
    return to | from_ | (int(Subscription.SUB_LISTED) if item.listed else 0)


def sees_us(item: RosterItem | None) -> bool:
    """May this contact know our presence?"""
    return bool(bits(item) & Subscription.SUB_FROM)


def seers(context: Context, account: str, items: Sequence[RosterItem]) -> Iterator[str]:
    """Components that see the presence of who has this roster, whatever it and they say (XEP-0356 7)."""
    watchers = {domain_of(item.jid) for item in items if sees_us(item)}
    return told_of_presence(context.grants, domain_of(account), watchers)


def written(item: RosterItem) -> bytes:
    return roster.item(item.jid, item.name, item.subscription, item.groups, ask=item.ask, approved=item.approved)


@dataclass
class Side:
    """What one account has of the other, while it changes."""

    account: str
    other: str
    before: RosterItem | None
    item: RosterItem | None
    received: list[Request] = field(default_factory=list)
    deaf: bool = False  # has blocked the other: what it would receive is dropped

    @property
    def state(self) -> State:
        item = self.item
        if item is None:
            return State.NONE
        return State.of(item.subscription, ask=item.ask, pending=item.pending_in is not None)

    def move(self, state: State, request: bytes | None = None) -> None:
        """Go to a state; request: the stanza that is pending now, unless an older one is."""
        item = self.item or RosterItem(self.other, listed=False)
        listed = item.listed or state.ask or state.subscription != "none"
        pending = (item.pending_in or request) if state.pending else None
        item = msgspec.structs.replace(item, subscription=state.subscription, ask=state.ask,
                                       pending_in=pending, listed=listed)
        self.item = item if listed or pending is not None else None

    def approve(self, on: bool) -> None:
        """A request that may come is granted in advance, or not any more (RFC 6121 3.4)."""
        if on:
            item = self.item or RosterItem(self.other)
            self.item = msgspec.structs.replace(item, approved=True, listed=True)
        elif self.item is not None:
            self.item = msgspec.structs.replace(self.item, approved=False)

    async def overflows(self, rosters: RosterStore) -> bool:
        """It is one more than the account may have, contacts and strangers' requests together."""
        grows = self.item is not None and self.before is None
        return grows and len(await rosters.load(self.account)) >= MAX_CONTACTS

    def push(self) -> bytes | None:
        """What the account's clients are told: nothing where they see no difference."""
        old, new = (item if item and item.listed else None for item in (self.before, self.item))
        if new is None:
            return None if old is None else roster.removed(self.other)
        return None if old and written(old) == written(new) else written(new)


@dataclass
class Far:
    """A contact on another server, or at home at another worker, which keeps its own side."""

    account: str
    received: list[Request] = field(default_factory=list)  # what goes there


async def read(context: Context, account: str, contact: str, *,
               leaving: bool = False) -> tuple[Side, Side | Far | None]:
    """Both sides; the other is None where it is no account of ours, or one that keeps us away (XEP-0191).

    leaving: the account is being deleted. Then who keeps it away is no exception, but hears nothing of it."""
    ours = await context.storage.roster.get(account, contact)
    side = Side(account, contact, ours, ours)
    if not context.keeps(contact):
        return side, Far(contact)
    if not await context.storage.accounts.exists(contact):
        return side, None
    deaf = await context.blocklists.keeps_away(contact, account)
    if deaf and not leaving:
        return side, None
    theirs = await context.storage.roster.get(contact, account)
    return side, Side(contact, account, theirs, theirs, deaf=deaf)


def send(request: Request, ours: Side, theirs: Side | Far | None) -> None:
    """A subscription stanza from us to them (RFC 6121 A.2, 3.4.2)."""
    type, _ = request
    step = OUTBOUND[type][ours.state]
    if type == "unsubscribed" or (type == "subscribed" and not step.carried and not sees_us(ours.item)):
        ours.approve(type == "subscribed")
    ours.move(step.state)
    if step.carried:
        carry(request, ours, theirs)


def carry(request: Request, sender: Side | Far, receiver: Side | Far | None) -> None:
    """What it does where it arrives (RFC 6121 A.3), and what is answered there for the receiver (3.1.3)."""
    if receiver is None:
        return
    if isinstance(receiver, Far):
        receiver.received.append(request)
        return
    type, stanza = request
    step = INBOUND[type][receiver.state]
    state, granted = step.state, step.approved
    if type == "subscribe" and not granted and receiver.item is not None and receiver.item.approved:
        state, granted = OUTBOUND["subscribed"][state].state, True
    receiver.move(state, stanza)
    if granted:
        back = reply.stanza("presence", from_=receiver.account, to=sender.account, type="subscribed")
        carry(("subscribed", back), receiver, sender)
    elif step.carried:
        receiver.received.append(request)


def part(ours: Side, theirs: Side | Far | None) -> None:
    """End what there is between both, in both directions (RFC 6121 2.5.2)."""
    for type in ("unsubscribe", "unsubscribed"):
        if concerns(type, ours.state):
            send((type, reply.stanza("presence", from_=ours.account, to=ours.other, type=type)), ours, theirs)


def concerns(type: str, state: State) -> bool:
    """Does this stanza of ours end anything?"""
    return OUTBOUND[type][state].state is not state


async def settle(context: Context, actor: Side | Far, other: Side | Far | None) -> None:
    """Commit what changed, then tell everybody whom it concerns. Raises Refused if the actor may have no more."""
    if isinstance(actor, Side) and await actor.overflows(context.storage.roster):
        raise Refused("resource-constraint", f"A roster holds at most {MAX_CONTACTS} contacts.")
    parties = [actor] if other is None else [actor, other]
    if isinstance(other, Side) and await other.overflows(context.storage.roster):
        parties.remove(other)  # in silence, as where there is no such account
    versions = await commit(context, [party for party in parties if isinstance(party, Side)])
    pairs = [] if other is None else [(actor, other), (other, actor)]
    for seen, watcher in pairs:
        if isinstance(seen, Side) and lost(seen, watcher) and not await privileged(context, seen):
            # first: RFC 6121 3.2.2
            await context.accounts.hide(seen.account, watcher.account)
    for party in parties:
        await tell(context, party, versions.get(party.account, 0))
    for seen, watcher in pairs:
        if isinstance(seen, Side) and gained(seen, watcher):
            await context.accounts.show(seen.account, watcher.account)


async def commit(context: Context, sides: Sequence[Side]) -> dict[str, int]:
    """Account -> the version that its roster gets, where clients see a difference."""
    changed = [side for side in sides if side.item != side.before]
    versions = await context.storage.roster.apply([
        RosterChange(side.account, side.other, side.item, side.push() is not None) for side in changed])
    for side in changed:
        if bits(side.before) != bits(side.item):
            seen = Subscription.SUB_FROM if await privileged(context, side) else 0
            await context.accounts.set_contact(side.account, side.other, bits(side.item) | seen)
            await follow(context, side)
    return {side.account: version for side, version in zip(changed, versions, strict=True)}


async def privileged(context: Context, side: Side) -> bool:
    """Is the other one a component that sees this account's presence whatever the two say (XEP-0356 7)?"""
    if side.other not in context.grants:
        return False
    return side.other in seers(context, side.account, await context.storage.roster.load(side.account))


async def follow(context: Context, side: Side) -> None:
    """Components see whom users of their hosts see: from when the first of those sees this account until none does."""
    seen = sees_us(side.item)
    for component, grant in told_of_contacts(context.grants, domain_of(side.other)):
        if seen == sees_us(side.before) or domain_of(side.account) in grant.hosts:
            continue
        items = await context.storage.roster.load(side.account)
        if any(sees_us(item) and domain_of(item.jid) in grant.hosts for item in items if item.jid != side.other):
            continue
        own = next((bits(item) for item in items if item.jid == component), 0)
        await context.accounts.set_contact(side.account, component, own | (Subscription.SUB_FROM if seen else 0))
        if not own & Subscription.SUB_FROM:
            await (context.accounts.show if seen else context.accounts.hide)(side.account, component)


async def tell(context: Context, party: Side | Far, version: int) -> None:
    """The stanzas that a side has received, then its roster push (RFC 6121 3.1.6)."""
    for type, stanza in party.received:
        if isinstance(party, Far):
            await context.accounts.route(stanza)
        elif not party.deaf:
            audience = Audience.AVAILABLE if type == "subscribe" else Audience.INTERESTED
            await context.accounts.deliver(party.account, stanza, audience)
    push = party.push() if isinstance(party, Side) else None
    if push is not None:
        payload = roster.query([push], version)
        await context.accounts.push(party.account, payload)
        for component in told_of_rosters(context.grants, domain_of(party.account)):
            await context.accounts.route(reply.stanza(
                "iq", payload, from_=party.account, to=component, id=token_hex(8), type="set"))


def shares(seen: RosterItem | None, watcher: Side | Far, *, before: bool) -> bool:
    """Does the watcher see the other's presence? Both sides must agree; another server's is taken to."""
    if isinstance(watcher, Far):
        return sees_us(seen)
    return sees_us(seen) and bool(bits(watcher.before if before else watcher.item) & Subscription.SUB_TO)


def gained(seen: Side, watcher: Side | Far) -> bool:
    return shares(seen.item, watcher, before=False) and not shares(seen.before, watcher, before=True)


def lost(seen: Side, watcher: Side | Far) -> bool:
    return shares(seen.before, watcher, before=True) and not shares(seen.item, watcher, before=False)
