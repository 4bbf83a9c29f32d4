"""A client counts and checks: sender, order, loss, repeats, text; and answers stream management."""

import asyncio

import pytest

from headrace.bench.flow import PAGE, STATUS, Flow
from support.loading import Pair, World, message


async def sent(world: World, count: int) -> tuple[Pair, Flow]:
    """A receiver to whom so many messages are under way."""
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver, window=count)
    world.load.start([flow])
    world.load.stop()
    await sender.hear(b"</message>", count)
    return receiver, flow


async def test_right_messages_are_counted(world: World) -> None:
    receiver, _ = await sent(world, 3)
    await receiver.say(message(0) + message(1))
    await receiver.say(message(2)[:30])
    await receiver.say(message(2)[30:])
    await world.faults()
    assert (world.load.delivered, world.load.skipped, world.load.missing) == (3, 0, 0)


async def test_a_repeat_is_seen(world: World) -> None:
    receiver, _ = await sent(world, 2)
    await receiver.say(message(0) + message(0))
    await world.faults(repeated=1)
    assert world.load.delivered == 1
    assert world.load.examples[0] == ("repeated", message(0))


async def test_a_loss_is_seen(world: World) -> None:
    receiver, flow = await sent(world, 3)
    await receiver.say(message(2))
    await world.faults()
    assert (world.load.skipped, world.load.missing, flow.under_way) == (2, 0, 0)


async def test_wrong_order_is_no_loss(world: World) -> None:
    receiver, _ = await sent(world, 2)
    await receiver.say(message(1) + message(0))
    await world.faults(reordered=1)
    assert (world.load.skipped, world.load.delivered) == (0, 2)


@pytest.mark.parametrize(("wrong", "fault"), [
    (message(0, from_="mallory@localhost/y"), "sender"),
    (message(0, text=" tex7"), "changed"),
    (message(0, text=" text and more"), "changed"),
    (message(0, flow=7), "stray"),
    (message(5), "stray"),
    (message(0, type="error"), "refused"),
])
async def test_what_is_wrong_is_named(world: World, wrong: bytes, fault: str) -> None:
    receiver, _ = await sent(world, 1)
    await receiver.say(wrong)
    await world.faults(**{fault: 1})
    assert world.load.delivered == 0


async def test_a_message_of_another_flow_is_stray(world: World) -> None:
    receiver, _ = await sent(world, 1)
    other = await world.pair("c@localhost/x")
    await other.say(message(0))
    await world.faults(stray=1)
    assert receiver.client.load is world.load


async def test_what_has_no_mark_is_no_flow_s(world: World) -> None:
    receiver, _ = await sent(world, 1)
    await receiver.say(b"<message from='a@localhost/y'><body>hello</body></message><message><subject/></message>"
                       b"<presence from='a@localhost/y'/>")
    await world.faults()
    assert world.load.other == 3


async def test_what_an_earlier_run_has_left_is_no_fault(world: World) -> None:
    receiver, _ = await sent(world, 1)
    await receiver.say(message(0).replace(b"-test", b"-last") + message(0))
    await world.faults()
    assert (world.load.stale, world.load.delivered) == (1, 1)


async def test_an_archive_puts_its_id_on_messages(world: World) -> None:
    receiver, _ = await sent(world, 3)
    world.load.archived = True
    await receiver.say(message(0, inside="<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='b@localhost'/>"))
    await world.faults()
    await receiver.say(message(1))
    await world.faults(unarchived=1)
    await receiver.say(message(2, type="groupchat"))        # the room's to archive
    await world.faults(unarchived=1)


def carbon(number: int, *, wrapper: str = "b@localhost", from_: str = "a@localhost/y", kind: str = "received") -> bytes:
    inner = message(number, from_=from_).replace(b"<message ", b"<message xmlns='jabber:client' ", 1)
    return (f"<message from='{wrapper}' to='b@localhost/z' type='chat'><{kind} xmlns='urn:xmpp:carbons:2'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>").encode() + inner + f"</forwarded></{kind}></message>".encode()


async def test_carbon_copies_count_as_deliveries(world: World) -> None:
    receiver, _ = await sent(world, 4)
    await receiver.say(carbon(0) + carbon(1, kind="sent"))
    await world.faults()
    assert world.load.delivered == 2
    await receiver.say(carbon(2, wrapper="mallory@localhost"))
    await world.faults(sender=1)
    await receiver.say(carbon(2, from_="mallory@localhost/y"))
    await world.faults(sender=2)


async def test_presence_is_checked_by_its_status(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = Flow(world.load, sender.client, STATUS, b"<presence><status>", b" here", b"</status></presence>",
                source=b"a@localhost/y")
    receiver.client.receives(flow)
    world.load.start([flow])
    world.load.stop()
    presence = (b"<presence from='a@localhost/y'><priority>1</priority>"
                b"<status>0000000000-000000-test here</status></presence>")
    await sender.say(presence)      # one's own comes back
    await world.faults()
    assert world.load.delivered == 0
    await receiver.say(presence)
    await world.faults()
    assert world.load.delivered == 1


async def test_inactive_clients_need_only_the_last_presence(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = Flow(world.load, sender.client, STATUS, b"<presence><status>", b"", b"</status></presence>",
                source=b"a@localhost/y", window=3)
    receiver.client.receives(flow)
    world.load.superseding = True
    world.load.start([flow])
    world.load.stop()
    await receiver.say(b"<presence from='a@localhost/y'><status>0000000002-000000-test</status></presence>")
    await world.faults()
    assert (world.load.skipped, world.load.missing, world.load.delivered) == (0, 0, 1)


def archived(number: int) -> bytes:
    inner = message(number).replace(b"<message ", b"<message xmlns='jabber:client' ", 1)
    return (b"<message to='b@localhost/x'><result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
            b"<delay xmlns='urn:xmpp:delay' stamp='2026-11-30T08:22:41Z'/>" + inner
            + b"</forwarded></result></message>")


@pytest.mark.parametrize(("numbers", "faults"), [((4, 5, 6), {}), ((4, 5), {"paged": 1}), ((4, 6, 7), {"paged": 1}),
                                                 ((4, 5, 6, 7), {"paged": 1})])
async def test_a_page_is_checked(world: World, numbers: tuple[int, ...], faults: dict[str, int]) -> None:
    reader = await world.pair()
    world.chat(await world.pair("a@localhost/y"), reader)
    flow = Flow(world.load, reader.client, PAGE, b"<iq type='set' id='", b"", b"'><query xmlns='urn:xmpp:mam:2'/></iq>",
                source=b"b@localhost", page=3)
    world.load.start([flow])
    world.load.stop()
    await reader.say(b"".join(map(archived, numbers)) + b"<iq type='result' id='0000000000-000001-test'/>")
    await world.faults(**faults)
    assert world.load.delivered == 1
    assert reader.client.page == 0


async def test_stream_management_counts_from_enabled(world: World) -> None:
    pair = await world.pair(takes_part=False)
    pair.client.send_stanza(b"<presence/>")
    await pair.say(b"<message/><enabled xmlns='urn:xmpp:sm:3' id='1' resume='true'/>"
                   b"<message/><iq type='result' id='0'/><r xmlns='urn:xmpp:sm:3'/>")
    assert b"<a xmlns='urn:xmpp:sm:3' h='2'/>" in await pair.hear(b"<a ")
    assert (pair.client.heard, pair.client.said) == (2, 0)


async def test_one_request_is_open_at_a_time(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    await sender.say(b"<enabled xmlns='urn:xmpp:sm:3'/>")
    flow = world.chat(sender, receiver, window=3)
    world.load.start([flow])
    world.load.stop()
    assert (await sender.hear(b"</message>", 3)).count(b"<r ") == 1
    await sender.say(b"<a xmlns='urn:xmpp:sm:3' h='1'/>")
    await sender.hear(b"<r ")                   # two are not covered yet
    await sender.say(b"<a xmlns='urn:xmpp:sm:3' h='3'/>")
    await world.faults()
    assert (sender.client.acked, world.load.acks, sender.client.said) == (3, 2, 3)
    await sender.say(b"<a xmlns='urn:xmpp:sm:3' h='4'/>")
    await world.faults(miscounted=1)


async def test_a_resumed_stream_goes_on_counting(world: World) -> None:
    old, flow = await sent(world, 3)
    old.client.managed = True
    await old.say(message(0))
    old.wire.cut()
    await asyncio.sleep(0.02)
    new = await world.pair(takes_part=False)
    new.client.adopt(old.client)
    await new.say(b"<resumed xmlns='urn:xmpp:sm:3' previd='1' h='0'/>" + message(1) + message(2))
    await world.faults()
    assert (new.client.heard, world.load.delivered, flow.under_way) == (3, 3, 0)


async def test_what_is_no_flow_s_goes_to_the_dialog(world: World) -> None:
    pair = await world.pair()
    asked = asyncio.ensure_future(pair.wire.ask("<x/>"))
    assert b"id='q0'" in await pair.hear(b"</iq>")
    await pair.say(b"<iq type='result' id='q0'/>"
                   b"<iq type='get' id='7' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert (await asked).type == "result"
    assert b"<iq type='result' id='7' to='localhost'>" in await pair.hear(b"</iq>")


@pytest.mark.parametrize(("data", "words"), [
    (b"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "conflict"),
    (b"</stream:stream>", "closed the stream"),
    (b"<a></b>", "no XMPP"),
])
async def test_an_end_is_told(world: World, data: bytes, words: str) -> None:
    pair = await world.pair()
    await pair.say(data)
    assert pair.wire.ended is not None
    assert words in str(pair.wire.ended)


async def test_a_broken_link_is_told(world: World) -> None:
    pair = await world.pair()
    pair.server.close()
    await asyncio.sleep(0.05)
    assert "connection is lost" in str(pair.wire.ended)
