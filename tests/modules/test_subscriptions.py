"""Subscriptions between two local accounts: what is stored, told, and shown."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert world.home.told == []

    his.got.clear(), hers.got.clear()
    await send(world, JULIET, "subscribed", ROMEO)
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, subscription="to")
    assert await world.storage.roster.get(JULIET, ROMEO) == RosterItem(ROMEO, subscription="from")
    assert [summary(raw) for raw in his.got] == [("presence", "subscribed", JULIET), ("push", "to", None)]
    assert [summary(raw) for raw in hers.got] == [("push", "from", None)]
    assert sorted(world.home.told[:-1]) == [("table", JULIET, ROMEO, "2"), ("table", ROMEO, JULIET, "1")]
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


async def test_approval_that_nobody_asked_for_changes_nothing(world: World) -> None:
    await world.account(ROMEO, JULIET)
    hers = world.arrives(f"{JULIET}/b")
    for type in ("subscribed", "unsubscribed"):
        await send(world, ROMEO, type, JULIET)
    assert await world.storage.roster.load(ROMEO) == await world.storage.roster.load(JULIET) == []
    assert hers.got == []


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
        assert ("table", contact, ROMEO, "0") in world.home.told
    assert [tree(raw).get("type") for raw in hers.got] == ["unsubscribe", "unsubscribed", "set"]
    assert [tree(raw).get("type") for raw in blockers.got] == ["set"]
