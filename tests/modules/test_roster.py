import asyncio

import pytest

from headrace.modules.api import Interested, Refused, Reply
from headrace.modules.contacts import MAX_CONTACTS, Side, settle
from headrace.modules.roster import Roster
from headrace.storage.ports import RosterChange, RosterItem
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
SENDER = f"{ROMEO}/orchard"
Q = "<query xmlns='jabber:iq:roster'>%s</query>"


async def ask(world: World, type: str, inside: str = "", to: str | None = None, **options: int) -> list[object]:
    module = world.module(Roster, **options)
    got = request(f"<iq type='{type}' id='1'>{Q % inside}</iq>", SENDER, to)
    handler = module.foreign if to else getattr(module, type)
    return await effects(handler(got))


async def refusal(world: World, type: str, inside: str, to: str | None = None, **options: int) -> str:
    with pytest.raises(Refused) as refused:
        await ask(world, type, inside, to, **options)
    return refused.value.condition


def same(raw: bytes, expected: str) -> bool:
    """But for the roster's version, which is there."""
    got = tree(raw)
    query = got.find("{jabber:iq:roster}query") if got.tag.endswith("iq") else got
    if query is not None and query.tag == "{jabber:iq:roster}query":
        assert int(query.attrib.pop("ver")) > 0
    return shape(got) == shape(tree(expected))


def version_of(raw: bytes) -> int:
    return int(next(tree(raw).iter("{jabber:iq:roster}query")).attrib["ver"])


async def test_get_shows_listed_contacts_and_makes_interested(world: World) -> None:
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, "J", "both", groups=("Friends",)))
    await world.storage.roster.put(ROMEO, RosterItem("x@example.org", pending_in=b"<presence/>", listed=False))
    interested, answer = await ask(world, "get")
    assert interested == Interested()
    assert isinstance(answer, Reply)
    assert same(answer.payload, Q % f"<item jid='{JULIET}' name='J' subscription='both'><group>Friends</group></item>")


# Versions (RFC 6121 2.6).

async def get(world: World, ver: object = None) -> tuple[Reply, list[bytes]]:
    """The result, and the pushes behind it."""
    said = "" if ver is None else f" ver='{ver}'"
    got = request(f"<iq type='get' id='1'><query xmlns='jabber:iq:roster'{said}/></iq>", SENDER)
    interested, answer, *pushes = await effects(world.module(Roster).get(got))
    assert interested == Interested()
    assert isinstance(answer, Reply)
    return answer, [push.stanza for push in pushes]


async def test_versions_grow_with_results_and_pushes(world: World) -> None:
    client = world.arrives(SENDER)
    empty, _ = await get(world)
    await ask(world, "set", f"<item jid='{JULIET}'/>")
    first, _ = await get(world)
    await ask(world, "set", f"<item jid='{JULIET}' name='J'/>")
    second, _ = await get(world)
    assert version_of(empty.payload) < version_of(first.payload) < version_of(second.payload)
    assert [version_of(raw) for raw in client.got] == [version_of(first.payload), version_of(second.payload)]


async def test_who_knows_the_latest_gets_nothing(world: World) -> None:
    await ask(world, "set", f"<item jid='{JULIET}'/>")
    latest, _ = await get(world, "")
    assert await get(world, version_of(latest.payload)) == (Reply(), [])


async def test_who_missed_something_gets_just_that(world: World) -> None:
    """One push for each contact, of what came of it in the end, in order; no word of requests that wait."""
    for name in "abcd":
        await ask(world, "set", f"<item jid='{name}@example.org'/>")
    before, _ = await get(world)
    await ask(world, "set", "<item jid='a@example.org' name='1'/>")
    await ask(world, "set", "<item jid='b@example.org' subscription='remove'/>")
    await ask(world, "set", "<item jid='a@example.org' name='2'/>")
    await world.storage.roster.apply([RosterChange(ROMEO, JULIET, RosterItem(
        JULIET, pending_in=b"<presence/>", listed=False), visible=False)])
    answer, pushes = await get(world, version_of(before.payload))
    assert answer == Reply()
    assert {tree(raw).get("to") for raw in pushes} == {SENDER}
    removed, renamed = ([dict(item.attrib) for item in tree(raw)[0]] for raw in pushes)
    assert removed == [{"jid": "b@example.org", "subscription": "remove"}]
    assert renamed == [{"jid": "a@example.org", "name": "2", "subscription": "none"}]
    latest, _ = await get(world)
    assert version_of(pushes[0]) < version_of(pushes[1]) == version_of(latest.payload)


@pytest.mark.parametrize("said", ["", "0", "12345", "abc", str(10**18 - 1)])
async def test_who_knows_a_version_that_is_none_gets_all(world: World, said: str) -> None:
    await ask(world, "set", f"<item jid='{JULIET}'/>")
    answer, pushes = await get(world, said)
    assert (len(tree(answer.payload)), pushes) == (1, [])


async def test_all_where_it_is_less_than_what_was_missed(world: World) -> None:
    await ask(world, "set", f"<item jid='{JULIET}'/>")
    before, _ = await get(world)
    for _ in range(2):
        for name in "ab":
            await ask(world, "set", f"<item jid='{name}@example.org'/>")
            await ask(world, "set", f"<item jid='{name}@example.org' subscription='remove'/>")
    answer, pushes = await get(world, version_of(before.payload))
    assert ([item.get("jid") for item in tree(answer.payload)], pushes) == ([JULIET], [])


async def test_what_clients_do_not_see_makes_no_version(world: World) -> None:
    await world.account(ROMEO, JULIET)
    before = await world.storage.roster.version(ROMEO)
    item = RosterItem(JULIET, pending_in=b"<presence/>", listed=False)
    side = Side(ROMEO, JULIET, None, item)
    await settle(world.context, side, None)
    assert await world.storage.roster.get(ROMEO, JULIET) == item
    assert await world.storage.roster.version(ROMEO) == before


async def test_set_adds_and_pushes_to_the_interested(world: World) -> None:
    first, second, deaf = (world.arrives(f"{ROMEO}/{n}", interested=n != "c") for n in "abc")
    assert await ask(world, "set", f"<item jid='{JULIET}' name='J'><group>G</group></item>") == [Reply()]
    assert await world.storage.roster.load(ROMEO) == [RosterItem(JULIET, "J", groups=("G",))]
    item = f"<item jid='{JULIET}' name='J' subscription='none'><group>G</group></item>"
    push = f"<iq type='set' id='p'>{Q % item}</iq>"
    assert [same(raw, push) for raw in first.got] == [same(raw, push) for raw in second.got] == [True]
    assert deaf.got == []


async def test_set_changes_name_and_groups_alone(world: World) -> None:
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, "old", "from", ask=True, groups=("G",)))
    await ask(world, "set", f"<item jid='{JULIET}' name='new' subscription='both'/>")
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, "new", "from", ask=True)
    assert world.home.told == []


async def test_listing_somebody_whose_request_waits_keeps_the_request(world: World) -> None:
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, pending_in=b"<presence/>", listed=False))
    await ask(world, "set", f"<item jid='{JULIET}' name='J'/>")
    assert await world.storage.roster.get(ROMEO, JULIET) == RosterItem(JULIET, "J", pending_in=b"<presence/>")


async def test_same_again_pushes_nothing(world: World) -> None:
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, "J"))
    client = world.arrives(SENDER)
    assert await ask(world, "set", f"<item jid='{JULIET}' name='J'/>") == [Reply()]
    assert client.got == []


@pytest.mark.parametrize(("inside", "condition"), [
    ("", "bad-request"),
    (f"<item jid='{JULIET}'/><item jid='{ROMEO}'/>", "bad-request"),
    (f"<item jid='{JULIET}'><group/></item>", "not-acceptable"),
    (f"<item jid='{JULIET}' name='{'n' * 1024}'/>", "not-acceptable"),
    (f"<item jid='{ROMEO}'/>", "not-allowed"),
    ("<item jid='@'/>", "jid-malformed"),
    ("<item jid='unknown@example.org' subscription='remove'/>", "item-not-found"),
])
async def test_refused_set_changes_nothing(world: World, inside: str, condition: str) -> None:
    client = world.arrives(SENDER)
    assert await refusal(world, "set", inside) == condition
    assert await world.storage.roster.load(ROMEO) == []
    assert client.got == []


async def test_request_that_waits_is_no_contact_to_remove(world: World) -> None:
    await world.storage.roster.put(ROMEO, RosterItem(JULIET, pending_in=b"<presence/>", listed=False))
    assert await refusal(world, "set", f"<item jid='{JULIET}' subscription='remove'/>") == "item-not-found"


@pytest.mark.parametrize("type", ["get", "set"])
async def test_other_peoples_rosters_are_forbidden(world: World, type: str) -> None:
    assert await refusal(world, type, f"<item jid='{ROMEO}'/>", JULIET) == "forbidden"


async def test_size_of_a_roster_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.modules.contacts.MAX_CONTACTS", 2)
    for n in range(2):
        await ask(world, "set", f"<item jid='c{n}@example.org'/>")
    assert await refusal(world, "set", "<item jid='c2@example.org'/>") == "resource-constraint"
    assert await ask(world, "set", "<item jid='c1@example.org' name='renamed'/>") == [Reply()]
    assert MAX_CONTACTS >= 1_000


async def test_removal_ends_both_directions_in_one_go(world: World) -> None:
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put_pair(ROMEO, RosterItem(JULIET, "J", "both"), JULIET, RosterItem(ROMEO, "R", "both"))
    mine, hers = world.arrives(SENDER), world.arrives(f"{JULIET}/balcony")
    assert await ask(world, "set", f"<item jid='{JULIET}' subscription='remove'/>") == [Reply()]
    assert await world.storage.roster.load(ROMEO) == []
    assert await world.storage.roster.load(JULIET) == [RosterItem(ROMEO, "R", "none")]
    [push] = mine.got
    assert same(push, f"<iq type='set' id='p'>{Q}</iq>" % f"<item jid='{JULIET}' subscription='remove'/>")
    unsubscribe, unsubscribed, push = hers.got
    assert same(unsubscribe, f"<presence from='{ROMEO}' to='{JULIET}' type='unsubscribe'/>")
    assert same(unsubscribed, f"<presence from='{ROMEO}' to='{JULIET}' type='unsubscribed'/>")
    assert same(push, f"<iq type='set' id='p'>{Q}</iq>" % f"<item jid='{ROMEO}' name='R' subscription='none'/>")
    assert sorted(world.home.told) == [("hide", JULIET, ROMEO), ("hide", ROMEO, JULIET),
                                       ("table", JULIET, ROMEO, "4"),  # she still lists him
                                       ("table", ROMEO, JULIET, "0")]


async def test_removal_withdraws_a_request_and_denies_theirs(world: World) -> None:
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put_pair(
        ROMEO, RosterItem(JULIET, ask=True, pending_in=b"<presence type='subscribe'/>"),
        JULIET, RosterItem(ROMEO, ask=True, pending_in=b"<presence type='subscribe'/>"))
    hers = world.arrives(f"{JULIET}/balcony")
    await ask(world, "set", f"<item jid='{JULIET}' subscription='remove'/>")
    assert await world.storage.roster.load(JULIET) == [RosterItem(ROMEO)]
    assert [tree(raw).get("type") for raw in hers.got] == ["unsubscribe", "unsubscribed", "set"]


async def test_removal_of_a_contact_elsewhere_or_nowhere(world: World) -> None:
    for contact in ("a@far.example", "nobody@example.net"):
        await world.storage.roster.put(ROMEO, RosterItem(contact, subscription="both"))
        assert await ask(world, "set", f"<item jid='{contact}' subscription='remove'/>") == [Reply()]
    assert await world.storage.roster.load(ROMEO) == []


async def test_concurrent_changes_lose_nothing(world: World) -> None:
    await asyncio.gather(*(ask(world, "set", f"<item jid='{JULIET}' name='n{n}'/>") for n in range(5)),
                         *(ask(world, "set", f"<item jid='c{n}@example.org'/>") for n in range(5)))
    items = await world.storage.roster.load(ROMEO)
    assert {item.jid for item in items} == {JULIET, *(f"c{n}@example.org" for n in range(5))}
