import pytest

from headrace.cluster.ports import Audience
from headrace.modules.api import Interested, Refused, Reply
from headrace.modules.blocking import Blocking
from headrace.storage.ports import RosterItem
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
SENDER = f"{ROMEO}/orchard"


def items(*jids: str) -> str:
    return "".join(f"<item jid='{jid}'/>" for jid in jids)


async def ask(world: World, name: str, *jids: str, **options: int) -> list[object]:
    module = world.module(Blocking, **options)
    type = "get" if name == "blocklist" else "set"
    got = request(f"<iq type='{type}' id='1'><{name} xmlns='urn:xmpp:blocking'>{items(*jids)}</{name}></iq>", SENDER)
    return await effects(getattr(module, type if type == "get" else name)(got))


def same(raw: bytes, expected: str) -> bool:
    return shape(tree(raw)) == shape(tree(expected))


async def test_list_is_stored_pushed_and_handed_to_the_router(world: World) -> None:
    await world.account(ROMEO)
    asked, other = world.arrives(SENDER, blocklist=True), world.arrives(f"{ROMEO}/deaf")
    assert await ask(world, "block", "Juliet@example.NET", "far.example") == [Reply()]
    assert await ask(world, "unblock", JULIET) == [Reply()]
    assert await world.storage.blocks.load(ROMEO) == {"far.example"}
    assert await world.context.blocklists.of(ROMEO) == {"far.example"}
    assert world.home.told == [("blocked", ROMEO, "far.example", JULIET), ("blocked", ROMEO, "far.example")]
    block, unblock = asked.got
    assert same(block, f"<iq type='set' id='p'><block xmlns='urn:xmpp:blocking'>{items(JULIET, 'far.example')}"
                       "</block></iq>")
    assert same(unblock, f"<iq type='set' id='p'><unblock xmlns='urn:xmpp:blocking'>{items(JULIET)}</unblock></iq>")
    assert other.got == []


async def test_get_answers_and_asks_for_pushes(world: World) -> None:
    await world.account(ROMEO)
    interested, answer = await ask(world, "blocklist")
    assert interested == Interested(Audience.BLOCKLIST)
    assert answer == Reply(b"<blocklist xmlns='urn:xmpp:blocking'></blocklist>")
    await ask(world, "block", "b.example", "a.example")
    _, answer = await ask(world, "blocklist")
    assert isinstance(answer, Reply)
    assert same(answer.payload, f"<blocklist xmlns='urn:xmpp:blocking'>{items('a.example', 'b.example')}</blocklist>")


async def test_unblocking_all(world: World) -> None:
    await world.account(ROMEO)
    client = world.arrives(SENDER, blocklist=True)
    await ask(world, "block", "a.example", JULIET)
    assert await ask(world, "unblock") == [Reply()]
    assert await world.storage.blocks.load(ROMEO) == frozenset()
    assert same(client.got[-1], "<iq type='set' id='p'><unblock xmlns='urn:xmpp:blocking'/></iq>")
    assert world.home.told[-1] == ("blocked", ROMEO)


@pytest.mark.parametrize(("jids", "condition"), [
    ([], "bad-request"), (["@"], "jid-malformed"), ([JULIET, ""], "jid-malformed"),
    ([ROMEO], "not-allowed"), ([SENDER], "not-allowed"), (["example.org"], "not-allowed"),
    (["example.org/x"], "not-allowed"), ([f"{n}.example" for n in range(4)], "resource-constraint"),
])
async def test_refused_block_changes_nothing(world: World, jids: list[str], condition: str) -> None:
    await world.account(ROMEO)
    with pytest.raises(Refused) as refused:
        await ask(world, "block", *jids, max_items=3)
    assert refused.value.condition == condition
    assert await world.storage.blocks.load(ROMEO) == frozenset()
    assert world.home.told == []


async def test_others_of_the_own_host_can_be_blocked(world: World) -> None:
    await world.account(ROMEO)
    assert await ask(world, "block", "tybalt@example.org", "example.net") == [Reply()]


@pytest.mark.parametrize(("sender", "kept"), [(f"{JULIET}/b", True), ("nurse@example.net/b", False)])
async def test_screen_knows_accounts_that_are_not_here(world: World, sender: str, kept: bool) -> None:
    """First from the storage, then from memory."""
    await world.account(ROMEO)
    await world.storage.blocks.add(ROMEO, [JULIET])
    module, message = world.module(Blocking), request("<message><body>Hi</body></message>", sender, ROMEO)
    assert await module.screen(message) is kept
    assert module.screen(message) is kept


async def test_contact_that_went_meanwhile_is_shown_to_be_away(world: World) -> None:
    """Those who are here are the router's to show; those elsewhere their server's."""
    await world.account(ROMEO)
    contacts = {"away@example.net": "both", "here@example.net": "to", "far@far.example": "to",
                "watcher@example.net": "from", "still@example.org": "to"}
    for jid, subscription in contacts.items():
        await world.storage.roster.put(ROMEO, RosterItem(jid, subscription=subscription))  # type: ignore[arg-type]
    world.arrives("here@example.net/x")
    client = world.arrives(SENDER, interested=False)
    await ask(world, "block", "example.net", *contacts)
    await ask(world, "unblock", "example.net", *(jid for jid in contacts if "still" not in jid))
    [presence] = client.got
    assert same(presence, f"<presence from='away@example.net' to='{ROMEO}' type='unavailable'/>")
