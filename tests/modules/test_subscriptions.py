"""Subscriptions between two local accounts: what is stored, told, and shown."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headrace.modules import contacts
from headrace.modules.api import Refused
from headrace.modules.contacts import Side
from headrace.modules.subscriptions import Subscriptions
from headrace.storage.ports import RosterItem
from headrace.xep.subscription import INBOUND, OUTBOUND, State
from support.stanzas import shape, tree
from support.world import World, effects, request

BLOCKER = "nurse@example.org"
ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
TYPES = ("subscribe", "subscribed", "unsubscribe", "unsubscribed")
LISTED, TO, FROM = "4", "5", "6"  # what the router is told: in the roster, and who sees whom


async def send(world: World, sender: str, type: str, to: str, inside: str = "") -> None:
    """As the router punts it: from bare to bare."""
    got = request(f"<presence from='{sender}' to='{to}' type='{type}'>{inside}</presence>", sender)
    assert await effects(world.module(Subscriptions).subscription(got)) == []


def summary(raw: bytes) -> tuple[str | None, ...]:
    """(presence, type, from), or (push, subscription, ask) of a roster push."""
    got = tree(raw)
    if got.tag.endswith("presence"):
        return "presence", got.get("type"), got.get("from")
    [item] = got[0]
    return "push", item.get("subscription"), item.get("ask")


async def test_both_directions_step_by_step(world: World) -> None:
    await world.account(ROMEO, JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")

    await send(world, ROMEO, "subscribe", JULIET, "<status>I am Romeo</status>")
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, ask=True)
    theirs = await world.storage.roster.get(JULIET, ROMEO)
    assert theirs is not None
    assert theirs.pending_in is not None
    assert not theirs.listed
    assert tree(theirs.pending_in).findtext("{jabber:client}status") == "I am Romeo"
    assert [summary(raw) for raw in his.got] == [("push", "none", "subscribe")]
    assert [summary(raw) for raw in hers.got] == [("presence", "subscribe", ROMEO)]
    assert world.home.told == [("table", ROMEO, JULIET, LISTED)]   # in the roster now, and no more

    his.got.clear(), hers.got.clear(), world.home.told.clear()
    await send(world, JULIET, "subscribed", ROMEO)
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, subscription="to")
    assert await world.storage.roster.get(JULIET, ROMEO) == RosterItem(ROMEO, subscription="from")
    assert [summary(raw) for raw in his.got] == [("presence", "subscribed", JULIET), ("push", "to", None)]
    assert [summary(raw) for raw in hers.got] == [("push", "from", None)]
    assert sorted(world.home.told[:-1]) == [("table", JULIET, ROMEO, FROM), ("table", ROMEO, JULIET, TO)]
    assert world.home.told[-1] == ("show", JULIET, ROMEO)

    world.home.told.clear()
    await send(world, JULIET, "subscribe", ROMEO)
    await send(world, ROMEO, "subscribed", JULIET)
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, subscription="both")
    assert await world.storage.roster.get(JULIET, ROMEO) == RosterItem(ROMEO, subscription="both")
    assert world.home.told[-1] == ("show", ROMEO, JULIET)

    his.got.clear(), hers.got.clear(), world.home.told.clear()
    await send(world, JULIET, "unsubscribed", ROMEO)  # RFC 6121 3.2
    assert [summary(raw) for raw in his.got] == [("presence", "unsubscribed", JULIET), ("push", "from", None)]
    assert [summary(raw) for raw in hers.got] == [("push", "to", None)]
    assert world.home.told[-1] == ("hide", JULIET, ROMEO)

    his.got.clear(), hers.got.clear(), world.home.told.clear()
    await send(world, JULIET, "unsubscribe", ROMEO)  # RFC 6121 3.3
    assert [summary(raw) for raw in his.got] == [("presence", "unsubscribe", JULIET), ("push", "none", None)]
    assert [summary(raw) for raw in hers.got] == [("push", "none", None)]
    assert world.home.told[-1] == ("hide", ROMEO, JULIET)


async def test_request_is_repeated_without_a_second_prompt(world: World) -> None:
    await world.account(ROMEO, JULIET)
    hers = world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "subscribe", JULIET, "<status>1</status>")
    await send(world, ROMEO, "subscribe", JULIET, "<status>2</status>")
    assert len(hers.got) == 1
    item = await world.storage.roster.get(JULIET, ROMEO)
    assert item is not None
    assert tree(item.pending_in or b"").findtext("{jabber:client}status") == "1"


async def test_withdrawn_request_leaves_no_trace(world: World) -> None:
    await world.account(ROMEO, JULIET)
    await send(world, ROMEO, "subscribe", JULIET)
    await send(world, ROMEO, "unsubscribe", JULIET)
    assert await world.storage.roster.load(JULIET) == []
    assert await world.storage.roster.load(ROMEO) == [RosterItem(JULIET)]


async def test_denied_request(world: World) -> None:
    await world.account(ROMEO, JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "subscribe", JULIET)
    his.got.clear(), hers.got.clear()
    await send(world, JULIET, "unsubscribed", ROMEO)
    assert await world.storage.roster.load(JULIET) == []
    assert [summary(raw) for raw in his.got] == [("presence", "unsubscribed", JULIET), ("push", "none", None)]
    assert hers.got == []


async def test_what_was_granted_is_granted_again_by_the_server(world: World) -> None:
    """Romeo's side lost what Juliet's has: her server answers for her (RFC 6121 3.1.3)."""
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "subscribe", JULIET)
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, subscription="to")
    assert [summary(raw) for raw in his.got] == [("presence", "subscribed", JULIET), ("push", "to", None)]
    assert hers.got == []
    assert world.home.told[-1] == ("show", JULIET, ROMEO)


async def test_unknown_account_is_met_with_silence(world: World) -> None:
    await world.account(ROMEO)
    his = world.arrives(f"{ROMEO}/o")
    await send(world, ROMEO, "subscribe", "nobody@example.net")
    assert await world.storage.roster.load("nobody@example.net") == []
    assert [summary(raw) for raw in his.got] == [("push", "none", "subscribe")]


async def test_requests_that_wait_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.modules.contacts.MAX_CONTACTS", 2)
    await world.account(JULIET, *(f"c{n}@example.org" for n in range(3)))
    hers = world.arrives(f"{JULIET}/b")
    for n in range(3):
        await send(world, f"c{n}@example.org", "subscribe", JULIET)
    assert [tree(raw).get("from") for raw in hers.got] == ["c0@example.org", "c1@example.org"]
    assert len(await world.storage.roster.load(JULIET)) == 2
    assert await world.storage.roster.get("c2@example.org", JULIET) == RosterItem(JULIET, ask=True)


async def test_long_request_is_refused(world: World) -> None:
    await world.account(ROMEO, JULIET)
    with pytest.raises(Refused, match="policy-violation"):
        await send(world, ROMEO, "subscribe", JULIET, f"<status>{'x' * 8192}</status>")
    assert await world.storage.roster.load(ROMEO) == []


async def test_nobody_subscribes_to_himself(world: World) -> None:
    await world.account(ROMEO)
    for type in TYPES:
        await send(world, ROMEO, type, ROMEO)
    assert await world.storage.roster.load(ROMEO) == []


async def test_refusal_of_what_nobody_asked_for_changes_nothing(world: World) -> None:
    await world.account(ROMEO, JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "unsubscribed", JULIET)
    assert await world.storage.roster.load(ROMEO) == await world.storage.roster.load(JULIET) == []
    assert his.got == hers.got == []


# Approval in advance (RFC 6121 3.4).

def pushed(raw: bytes) -> dict[str, str]:
    """The one item of a push."""
    [item] = tree(raw)[0]
    return dict(item.attrib)


async def test_approval_in_advance_is_noted_and_goes_nowhere(world: World) -> None:
    await world.account(ROMEO, JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "subscribed", JULIET)
    assert await world.storage.roster.load(ROMEO) == [RosterItem(JULIET, approved=True)]
    assert await world.storage.roster.load(JULIET) == []
    assert [pushed(raw) for raw in his.got] == [{"jid": JULIET, "subscription": "none", "approved": "true"}]
    assert hers.got == world.home.routed == []
    assert world.home.told == [("table", ROMEO, JULIET, LISTED)]   # in the roster now, and no more


async def test_what_is_approved_in_advance_is_granted_at_once(world: World) -> None:
    await world.account(ROMEO, JULIET)
    await send(world, ROMEO, "subscribed", JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, JULIET, "subscribe", ROMEO, "<status>please</status>")
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, subscription="from", approved=True)
    assert await world.storage.roster.get(JULIET, ROMEO) == RosterItem(ROMEO, subscription="to")
    assert [pushed(raw) for raw in his.got] == [{"jid": JULIET, "subscription": "from", "approved": "true"}]
    assert [summary(raw) for raw in hers.got] == [("presence", "subscribed", ROMEO), ("push", "to", None)]
    assert world.home.told[-1] == ("show", ROMEO, JULIET)


@pytest.mark.parametrize(("before", "after"), [
    (RosterItem(JULIET, "J", "to"), RosterItem(JULIET, "J", "both", approved=True)),
    (RosterItem(JULIET, ask=True), RosterItem(JULIET, subscription="from", ask=True, approved=True))])
async def test_approval_in_advance_beside_what_there_is(world: World, before: RosterItem, after: RosterItem) -> None:
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put(ROMEO, before)
    await send(world, ROMEO, "subscribed", JULIET)
    assert await world.storage.roster.get(ROMEO, JULIET) == replace(before, approved=True)
    await send(world, JULIET, "subscribe", ROMEO)
    assert await world.storage.roster.get(ROMEO, JULIET) == after


@pytest.mark.parametrize("subscription", ["from", "both"])
async def test_who_sees_us_needs_no_approval(world: World, subscription: str) -> None:
    await world.account(ROMEO, JULIET)
    item = RosterItem(JULIET, subscription=subscription)  # type: ignore[arg-type]
    await world.storage.roster.put(ROMEO, item)
    his = world.arrives(f"{ROMEO}/o")
    await send(world, ROMEO, "subscribed", JULIET)
    assert await world.storage.roster.load(ROMEO) == [item]
    assert his.got == []


async def test_approval_in_advance_is_taken_back(world: World) -> None:
    await world.account(ROMEO, JULIET)
    await send(world, ROMEO, "subscribed", JULIET)
    his, hers = world.arrives(f"{ROMEO}/o"), world.arrives(f"{JULIET}/b")
    await send(world, ROMEO, "unsubscribed", JULIET)
    assert [pushed(raw) for raw in his.got] == [{"jid": JULIET, "subscription": "none"}]
    assert hers.got == []
    await send(world, JULIET, "subscribe", ROMEO)
    assert [summary(raw) for raw in his.got[1:]] == [("presence", "subscribe", JULIET)]


async def test_their_refusal_leaves_our_approval(world: World) -> None:
    """RFC 6121 4.3.2: nor does the answer to a probe take it back."""
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put_pair(ROMEO, RosterItem(JULIET, subscription="to", approved=True),
                                        JULIET, RosterItem(ROMEO, subscription="from"))
    await send(world, JULIET, "unsubscribed", ROMEO)
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, approved=True)


async def test_approvals_in_advance_are_contacts_and_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.modules.contacts.MAX_CONTACTS", 1)
    await send(world, ROMEO, "subscribed", JULIET)
    with pytest.raises(Refused, match="resource-constraint"):
        await send(world, ROMEO, "subscribed", "tybalt@example.org")
    assert len(await world.storage.roster.load(ROMEO)) == 1


# Contacts on other servers: stanzas go there by routing and come as what the router punts without a session.

FAR = "far@far.example"


def routed(world: World) -> list[tuple[str | None, ...]]:
    """(type, from, to) of what has gone out since this was last asked."""
    went = [(tree(raw).get("type"), tree(raw).get("from"), tree(raw).get("to")) for raw in world.home.routed]
    world.home.routed.clear()
    return went


async def test_asking_and_hearing_from_elsewhere(world: World) -> None:
    await world.account(ROMEO)
    his, deaf = world.arrives(f"{ROMEO}/o"), world.arrives(f"{ROMEO}/p", interested=False)
    await send(world, ROMEO, "subscribe", FAR, "<status>please</status>")
    assert tree(world.home.routed[0]).findtext("{jabber:client}status") == "please"
    assert routed(world) == [("subscribe", ROMEO, FAR)]
    await send(world, FAR, "subscribed", ROMEO)
    assert [summary(raw) for raw in his.got] == [
        ("push", "none", "subscribe"), ("presence", "subscribed", FAR), ("push", "to", None)]
    assert await world.storage.roster.get(ROMEO, FAR) == RosterItem(FAR, subscription="to")
    his.got.clear()
    await send(world, FAR, "unsubscribed", ROMEO)
    assert [summary(raw) for raw in his.got] == [("presence", "unsubscribed", FAR), ("push", "none", None)]
    assert (deaf.got, routed(world)) == ([], [])
    assert world.home.told == [("table", ROMEO, FAR, LISTED), ("table", ROMEO, FAR, TO), ("table", ROMEO, FAR, LISTED)]


async def test_being_asked_from_elsewhere_and_granting(world: World) -> None:
    await world.account(ROMEO)
    his = world.arrives(f"{ROMEO}/o")
    for _ in range(2):
        await send(world, FAR, "subscribe", ROMEO, "<status>please</status>")
    assert [summary(raw) for raw in his.got] == [("presence", "subscribe", FAR)]
    assert routed(world) == []
    await send(world, ROMEO, "subscribed", FAR)
    assert routed(world) == [("subscribed", ROMEO, FAR)]
    assert summary(his.got[-1]) == ("push", "from", None)
    assert world.home.told == [("table", ROMEO, FAR, FROM), ("show", ROMEO, FAR)]
    world.home.told.clear()
    await send(world, FAR, "subscribe", ROMEO)  # its side was lost: granted again by the server
    assert routed(world) == [("subscribed", ROMEO, FAR)]
    await send(world, ROMEO, "unsubscribed", FAR)
    assert routed(world) == [("unsubscribed", ROMEO, FAR)]
    assert world.home.told == [("table", ROMEO, FAR, LISTED), ("hide", ROMEO, FAR)]


async def test_being_left_from_elsewhere(world: World) -> None:
    """RFC 6121 3.3.3: told, pushed, and unavailable goes there."""
    await world.account(ROMEO)
    await world.storage.roster.put(ROMEO, RosterItem(FAR, subscription="both"))
    his = world.arrives(f"{ROMEO}/o")
    await send(world, FAR, "unsubscribe", ROMEO)
    assert [summary(raw) for raw in his.got] == [("presence", "unsubscribe", FAR), ("push", "to", None)]
    assert world.home.told == [("table", ROMEO, FAR, TO), ("hide", ROMEO, FAR)]
    assert routed(world) == []


async def test_approved_in_advance_from_elsewhere(world: World) -> None:
    await world.account(ROMEO)
    his = world.arrives(f"{ROMEO}/o")
    await send(world, ROMEO, "subscribed", FAR)
    assert routed(world) == []
    await send(world, FAR, "subscribe", ROMEO)
    assert routed(world) == [("subscribed", ROMEO, FAR)]
    assert [pushed(raw).get("subscription") for raw in his.got] == ["none", "from"]
    assert world.home.told[-1] == ("show", ROMEO, FAR)


async def test_nobody_here_is_asked_from_elsewhere(world: World) -> None:
    """Silence, as for an account that keeps the sender away (RFC 6121 8.5.1, XEP-0191)."""
    await world.account(JULIET)
    await world.storage.blocks.add(JULIET, [FAR])
    for to, type in product((ROMEO, JULIET), TYPES):
        await send(world, FAR, type, to)
        assert await world.storage.roster.load(to) == []
    assert routed(world) == []


async def test_requests_from_elsewhere_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.modules.contacts.MAX_CONTACTS", 2)
    await world.account(ROMEO)
    for number in range(3):
        await send(world, f"c{number}@far.example", "subscribe", ROMEO)
    assert len(await world.storage.roster.load(ROMEO)) == 2
    assert routed(world) == []


@pytest.mark.parametrize(("ours", "type"), list(product(State, TYPES)))
async def test_every_state_with_another_server(world: World, ours: State, type: str) -> None:
    """A.2 and A.3: what goes out, what the clients are told, what is stored."""
    await world.account(ROMEO)
    his = world.arrives(f"{ROMEO}/o")
    for table, sender, to in ((OUTBOUND, ROMEO, FAR), (INBOUND, FAR, ROMEO)):
        item = side(ROMEO, FAR, ours).item
        assert item is not None
        await world.storage.roster.put(ROMEO, item)
        his.got.clear(), world.home.routed.clear()
        await send(world, sender, type, to)
        step = table[type][ours]
        after = await world.storage.roster.get(ROMEO, FAR)
        assert Side(ROMEO, FAR, None, after).state is step.state
        heard = [summary(raw)[1] for raw in his.got if tree(raw).tag.endswith("presence")]
        went = [kind for kind, *_ in routed(world)]
        if table is OUTBOUND:
            assert (heard, went) == ([], [type] * step.carried)
        else:
            assert (heard, went) == ([type] * step.carried, ["subscribed"] * step.approved)


async def test_request_goes_to_the_available_and_its_end_to_the_interested(world: World) -> None:
    await world.account(ROMEO, JULIET)
    available = world.arrives(f"{JULIET}/a", interested=False)
    interested = world.arrives(f"{JULIET}/i", available=False)
    await send(world, ROMEO, "subscribe", JULIET)
    await send(world, ROMEO, "unsubscribe", JULIET)
    assert [summary(raw)[1] for raw in available.got] == ["subscribe"]
    assert [summary(raw)[1] for raw in interested.got] == ["unsubscribe"]


def side(account: str, other: str, state: State) -> Side:
    item = RosterItem(other, subscription=state.subscription, ask=state.ask,  # type: ignore[arg-type]
                      pending_in=b"<presence/>" if state.pending else None)
    return Side(account, other, item, item)


@pytest.mark.parametrize(("ours", "theirs", "type"), list(product(State, State, TYPES)))
def test_exchange_follows_both_tables(ours: State, theirs: State, type: str) -> None:
    """Every pair of states, also those that only a fault can bring about."""
    a, b = side(ROMEO, JULIET, ours), side(JULIET, ROMEO, theirs)
    contacts.send((type, b"<presence/>"), a, b)
    out = OUTBOUND[type][ours]
    taken = INBOUND[type][theirs] if out.carried else None
    approved = taken is not None and taken.approved
    assert b.state is (taken.state if taken else theirs)
    assert a.state is (INBOUND["subscribed"][out.state].state if approved else out.state)
    assert [got for got, _ in b.received] == ([type] if taken and taken.carried else [])
    assert [got for got, _ in a.received] == (
        ["subscribed"] if approved and INBOUND["subscribed"][out.state].carried else [])


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TYPES)), max_size=12))
def test_two_sides_never_disagree(steps: list[tuple[bool, str]]) -> None:
    a, b = Side(ROMEO, JULIET, None, None), Side(JULIET, ROMEO, None, None)
    for from_a, type in steps:
        ours, theirs = (a, b) if from_a else (b, a)
        contacts.send((type, b"<presence/>"), ours, theirs)
        for x, y in ((a, b), (b, a)):
            assert (x.state.subscription in ("to", "both")) == (y.state.subscription in ("from", "both"))
            assert x.state.ask == y.state.pending
            assert x.item is None or x.item.listed or x.item.pending_in is not None


def test_carried_request_is_the_stanza_itself() -> None:
    a, b = Side(ROMEO, JULIET, None, None), Side(JULIET, ROMEO, None, None)
    contacts.send(("subscribe", b"<presence id='1'/>"), a, b)
    assert b.item is not None
    assert b.item.pending_in == b"<presence id='1'/>" == b.received[0][1]
    contacts.send(("subscribed", b"<presence id='2'/>"), b, a)
    assert [shape(tree(raw)) for _, raw in a.received] == [shape(tree("<presence id='2'/>"))]


async def test_contacts_of_a_deleted_account_are_told(world: World) -> None:
    """Also on the side of one who has blocked it: his roster changes, but nothing comes from it."""
    await world.account(ROMEO, JULIET, BLOCKER)
    await world.storage.blocks.add(BLOCKER, [ROMEO])
    for contact in (JULIET, BLOCKER):
        await world.storage.roster.put_pair(ROMEO, RosterItem(contact, subscription="both"),
                                            contact, RosterItem(ROMEO, "R", "both"))
    await world.storage.roster.put(ROMEO, RosterItem("x@far.example", subscription="to"))
    hers, blockers = world.arrives(f"{JULIET}/b"), world.arrives(f"{BLOCKER}/c")
    await world.module(Subscriptions).deleting(ROMEO)
    assert await world.storage.roster.load(ROMEO) == []
    for contact in (JULIET, BLOCKER):
        assert await world.storage.roster.load(contact) == [RosterItem(ROMEO, "R", "none")]
        assert ("table", contact, ROMEO, LISTED) in world.home.told
    assert [tree(raw).get("type") for raw in hers.got] == ["unsubscribe", "unsubscribed", "set"]
    assert [tree(raw).get("type") for raw in blockers.got] == ["set"]
