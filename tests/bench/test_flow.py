"""Flows: the window of a closed loop, the due times of an open one."""

import asyncio
import re

import pytest

from headrace.bench.flow import CHAT, QUERY, Flow
from support.loading import World, message


async def test_a_window_is_kept_full(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver, window=3)
    world.load.start([flow])
    heard = await sender.hear(b"</message>", 3)
    assert re.findall(rb"<body>(\d+)-000000-test text</body>", heard) == [b"%010d" % i for i in range(3)]
    await receiver.say(message(0) + message(1))
    heard = await sender.hear(b"</message>", 2)
    assert re.findall(rb"<body>(\d+)-", heard) == [b"0000000003", b"0000000004"]
    assert (flow.number, flow.under_way, world.load.missing) == (5, 3, 3)


async def test_a_stanza_is_under_way_until_all_have_it(world: World) -> None:
    sender = await world.pair("a@localhost/y")
    first, second = await world.pair(), await world.pair("c@localhost/x")
    flow = world.chat(sender, first, second)
    world.load.start([flow])
    await first.say(message(0))
    assert (flow.number, world.load.missing) == (1, 1)
    await second.say(message(0))
    assert (flow.number, world.load.delivered) == (2, 2)


async def test_nothing_more_is_sent_after_the_end(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver, window=2)
    world.load.start([flow])
    world.load.stop()
    await receiver.say(message(0))
    assert (flow.number, flow.under_way, world.load.missing) == (2, 1, 1)


async def test_an_open_loop_sends_in_turn_at_its_rate(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flows = [world.chat(sender, receiver), world.chat(sender, receiver)]
    world.load.start(flows, rate=200.0)
    heard = await sender.hear(b"</message>", 40)
    assert abs(flows[0].number - flows[1].number) <= 1
    order = re.findall(rb"<body>\d+-(\d+)", heard)
    assert order[:40] == [b"000000", b"000001"] * 20
    assert world.load.lag.total >= 40


async def test_a_stall_counts_from_the_due_time(world: World) -> None:
    """Coordinated omission: those that had to wait behind a stall have waited, too."""
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver)
    world.load.measure_from_now()
    world.load.start([flow], rate=100.0)
    await sender.hear(b"</message>", 50)      # half a second without an answer
    world.load.stop()
    await receiver.say(b"".join(message(i) for i in range(flow.number)))
    await world.faults()
    counts = world.load.latency.counts()
    assert world.load.latency.total == flow.number
    longest, shortest = counts[-1][0], counts[0][0]
    assert longest > 0.45e9
    assert longest - shortest == pytest.approx((flow.number - 1) * 10e6, rel=0.02)


async def test_only_what_is_due_while_measured_counts(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver)
    world.load.start([flow])
    await receiver.say(message(0))                # warm-up
    world.load.measure_from_now()
    await receiver.say(message(1))                # was sent before
    await receiver.say(message(2))
    world.load.measure_until_now()
    await receiver.say(message(3))                # was sent before the end
    await receiver.say(message(4))
    assert (world.load.delivered, world.load.latency.total) == (5, 2)


async def test_many_under_way_are_remembered(world: World) -> None:
    sender, receiver = await world.pair("a@localhost/y"), await world.pair()
    flow = world.chat(sender, receiver, window=1000)
    world.load.start([flow])
    world.load.stop()
    await receiver.say(b"".join(message(i) for i in range(1000)))
    for _ in range(100):
        if not world.load.missing:
            break
        await asyncio.sleep(0.01)
    assert (flow.under_way, world.load.delivered, world.load.skipped) == (0, 1000, 0)


async def test_a_query_is_answered_by_its_id(world: World) -> None:
    asker = await world.pair("a@localhost/y")
    flow = Flow(world.load, asker.client, QUERY, b"<iq type='get' id='", b"", b"'><p xmlns='urn:xmpp:ping'/></iq>",
                source=b"localhost", window=2)
    world.load.start([flow])
    world.load.stop()
    await asker.say(b"<iq type='result' from='localhost' id='0000000001-000000-test'/>"
                    b"<iq type='result' id='0000000000-000000-test'/>")
    await world.faults()
    assert (world.load.delivered, flow.under_way) == (2, 0)
    await asker.say(b"<iq type='result' id='0000000000-000000-test'/>")
    await world.faults(repeated=1)


def test_a_flow_has_a_sender(world: World) -> None:
    with pytest.raises(TypeError):
        Flow(world.load, None, CHAT, b"", b"", b"")      # type: ignore[arg-type]
