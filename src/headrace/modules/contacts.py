"""Two accounts' views of each other, changed together: what roster changes and subscription requests share.

A local contact's side changes in the same commit as ours, so that no crash leaves one believing what the
other doesn't. Pushes and presence go out before the accounts' locks are released: all clients see one order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from headrace.cluster.ports import Audience
from headrace.core import reply
from headrace.modules.api import Context, Refused
from headrace.router.account import Subscription
from headrace.storage.ports import RosterChange, RosterItem, RosterStore
from headrace.xep import roster
from headrace.xep.subscription import INBOUND, OUTBOUND, State

MAX_CONTACTS = 5_000  # of an account: a client downloads them all at each login
MAX_REQUEST = 8_192  # bytes of a subscription request: it is stored and shown at each login until it is answered

Request = tuple[str, bytes]  # type of the presence stanza; the stanza, from bare JID to bare JID


def bits(item: RosterItem | None) -> int:
    """The item as the router's tables have it."""
    subscription = item.subscription if item else "none"
    to = int(Subscription.SUB_TO) if subscription in ("to", "both") else 0
    return to | (int(Subscription.SUB_FROM) if subscription in ("from", "both") else 0)


def sees_us(item: RosterItem | None) -> bool:
    """May this contact know our presence?"""
    return bool(bits(item) & Subscription.SUB_FROM)


def written(item: RosterItem) -> bytes:
    return roster.item(item.jid, item.name, item.subscription, item.ask, item.groups)


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


async def read(context: Context, account: str, contact: str, *, leaving: bool = False) -> tuple[Side, Side | None]:
    """Both sides; the other is None where it is no local account, or one that keeps us away (XEP-0191).

    leaving: the account is being deleted. Then who keeps it away is no exception, but hears nothing of it."""
    ours = await context.storage.roster.get(account, contact)
    side = Side(account, contact, ours, ours)
    if contact.rpartition("@")[2] not in context.hosts or not await context.storage.accounts.exists(contact):
        return side, None
    deaf = await context.blocklists.keeps_away(contact, account)
    if deaf and not leaving:
        return side, None
    theirs = await context.storage.roster.get(contact, account)
    return side, Side(contact, account, theirs, theirs, deaf=deaf)


def send(request: Request, ours: Side, theirs: Side | None) -> None:
    """A subscription stanza from us to them (RFC 6121 A.2, A.3), and what their server answers for them."""
    type, stanza = request
    step = OUTBOUND[type][ours.state]
    ours.move(step.state)
    if theirs is None or not step.carried:
        return
    taken = INBOUND[type][theirs.state]
    theirs.move(taken.state, stanza)
    if taken.carried:
        theirs.received.append(request)
    if taken.approved:
        answer = INBOUND["subscribed"][ours.state]
        ours.move(answer.state)
        if answer.carried:
            back = reply.stanza("presence", from_=theirs.account, to=ours.account, type="subscribed")
            ours.received.append(("subscribed", back))


def part(ours: Side, theirs: Side | None) -> None:
    """End what there is between both, in both directions (RFC 6121 2.5.2)."""
    for type in ("unsubscribe", "unsubscribed"):
        if concerns(type, ours.state):
            send((type, reply.stanza("presence", from_=ours.account, to=ours.other, type=type)), ours, theirs)


def concerns(type: str, state: State) -> bool:
    """Does this stanza of ours end anything?"""
    return OUTBOUND[type][state].state is not state


async def settle(context: Context, ours: Side, theirs: Side | None) -> None:
    """Commit what changed, then tell everybody whom it concerns."""
    sides = [ours] if theirs is None else [ours, theirs]
    if await ours.overflows(context.storage.roster):
        raise Refused("resource-constraint", f"A roster holds at most {MAX_CONTACTS} contacts.")
    if theirs is not None and await theirs.overflows(context.storage.roster):
        sides.remove(theirs)  # in silence, as where there is no such account
    changed = [side for side in sides if side.item != side.before]
    if changed:
        await context.storage.roster.apply([RosterChange(s.account, s.other, s.item) for s in changed])
    for side in changed:
        if bits(side.before) != bits(side.item):
            await context.accounts.set_contact(side.account, side.other, bits(side.item))
    if theirs is not None:
        for seen, watcher in ((ours, theirs), (theirs, ours)):
            if lost(seen, watcher):  # first, as RFC 6121 3.2.2 has it
                await context.accounts.hide(seen.account, watcher.account)
    await tell(context, sides)
    if theirs is not None:
        for seen, watcher in ((ours, theirs), (theirs, ours)):
            if gained(seen, watcher):
                await context.accounts.show(seen.account, watcher.account)


async def tell(context: Context, sides: Sequence[Side]) -> None:
    """The stanzas that each side received, then its roster push (RFC 6121 3.1.6)."""
    for side in sides:
        for type, stanza in () if side.deaf else side.received:
            audience = Audience.AVAILABLE if type == "subscribe" else Audience.INTERESTED
            await context.accounts.deliver(side.account, stanza, audience)
        push = side.push()
        if push is not None:
            await context.accounts.push(side.account, roster.query([push]))


def shared(seen: RosterItem | None, watcher: RosterItem | None) -> bool:
    """Both sides agree that the watcher sees the other's presence."""
    return sees_us(seen) and bool(bits(watcher) & Subscription.SUB_TO)


def gained(seen: Side, watcher: Side) -> bool:
    return shared(seen.item, watcher.item) and not shared(seen.before, watcher.before)


def lost(seen: Side, watcher: Side) -> bool:
    return shared(seen.before, watcher.before) and not shared(seen.item, watcher.item)
