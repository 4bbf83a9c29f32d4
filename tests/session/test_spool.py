"""What is in the outgoing spool waits for longer, and leaves it when it is sent or its sender has been told."""

from typing import Any

import pytest

from headrace.core.ns import DELAY
from headrace.core.stanza import Stanza, parse_stanza
from headrace.router.archive import number_at
from headrace.session.outbound import DialError
from headrace.session.spool import PAGE, give_up_at, restore, stamped
from headrace.storage.ports import SpooledMessage
from support.routing import read

from .test_federation import ROOT, Bench, carried, stream

DOWN = DialError("no")
PING = "<iq to='{to}' id='{id}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"


async def fail(bench: Bench, error: DialError = DOWN) -> None:
    bench.answers["b"].set_exception(error)
    await bench.settle()


def message(text: str, more: str = "") -> bytes:
    return f"<message from='romeo@localhost/r' to='x@b' id='{text}' type='chat'><body/>{more}</message>".encode()


async def test_it_waits_for_the_next_dial_where_a_request_does_not() -> None:
    bench = Bench(spool=True, least_wait=1.0)
    bench.say("b", "0")
    bench.send(bench.romeo, PING.format(to="b", id="1"))
    bench.say("b", "2")
    await bench.settle()
    await fail(bench)
    assert bench.errors() == [("1", "remote-server-timeout")]
    bench.send(bench.romeo, PING.format(to="b", id="3"))
    bench.say("b", "4")
    assert bench.errors() == [("3", "remote-server-timeout")]
    assert bench.commit() == []
    bench.federation._lines["localhost", "b"].not_before = 0.0      # it is time
    bench.federation._lines["localhost", "b"].dialling.cancel()     # type: ignore[union-attr]
    bench.federation._lines["localhost", "b"].dialling = None
    bench.say("b", "5")
    await bench.settle()
    assert bench.dials == ["b", "b"]
    _, link = await stream(bench, "b")
    assert carried(bench, link) == ["0", "2", "4", "5"]
    assert len(bench.commit()) == 4
    assert bench.errors() == []


async def test_a_domain_that_is_not_there_gets_no_second_dial() -> None:
    bench = Bench(spool=True)
    bench.say("b", "0")
    await bench.settle()
    await fail(bench, DialError("no such domain", "remote-server-not-found"))
    bench.say("b", "1")
    assert bench.errors() == [("0", "remote-server-not-found"), ("1", "remote-server-not-found")]
    assert len(bench.commit()) == 2
    assert bench.dials == ["b"]


async def test_what_an_earlier_run_has_left_waits_for_who_would_hear_of_it() -> None:
    """Its sender is not here yet, and a peer that calls us back finds nobody: that says nothing of the domain."""
    bench = Bench(spool=True, least_wait=1.0)
    bench.federation.restore(parse_stanza(message("0")), number_at(1.7e9))
    await bench.settle()
    await fail(bench, DialError("it does not believe that we are localhost", "remote-server-not-found"))
    assert bench.errors() == []
    bench.federation._lines["localhost", "b"].not_before = 0.0
    bench.federation._lines["localhost", "b"].dialling.cancel()     # type: ignore[union-attr]
    bench.federation._lines["localhost", "b"].dialling = None
    bench.say("b", "1")
    await bench.settle()
    _, link = await stream(bench, "b")
    assert carried(bench, link) == ["0", "1"]


async def test_it_is_given_up_in_time_also_while_a_dial_goes_on() -> None:
    timers: list[tuple[float, Any, Any]] = []
    bench = Bench(spool=True, give_up_seconds=60.0)

    def call_later(delay: float, call: Any, *args: Any) -> object:
        timers.append((delay, call, args))
        return args

    bench.rig.loop.call_later = call_later  # type: ignore[attr-defined]
    bench.say("b", "0")
    bench.time += 30
    bench.send(bench.romeo, PING.format(to="b", id="1"))
    bench.say("b", "2")
    (_, end, args), = [timer for timer in timers if timer[1] == bench.federation._end]
    bench.time += 31
    end(*args)
    bench.rig.turn()
    assert bench.errors() == [("0", "remote-server-timeout")]
    assert len(bench.commit()) == 1
    assert [timer[0] for timer in timers if timer[1] == bench.federation._end][1:] == [pytest.approx(29.0)]
    bench.time += 30
    await bench.settle()
    await fail(bench)
    assert [id for id, _ in bench.errors()] == ["1", "2"]
    assert len(bench.commit()) == 1


async def test_what_is_refused_for_want_of_room_leaves_it() -> None:
    bench = Bench(spool=True, queue_stanzas=1)
    bench.say("b", "0")
    bench.say("b", "1")
    assert bench.errors() == [("1", "resource-constraint")]
    assert len(bench.commit()) == 1


async def test_what_an_earlier_run_has_left_goes_first_with_its_time() -> None:
    bench = Bench(spool=True)
    for text in ("0", "1"):
        bench.federation.restore(parse_stanza(message(text)), number_at(1.7e9))
    bench.say("b", "2")
    await bench.settle()
    _, link = await stream(bench, "b")
    first, second, new = read(bench.rig.taken(link), ROOT)
    assert [e.get("id") for e in (first, second, new)] == ["0", "1", "2"]
    for old in (first, second):
        delay, = old.findall(f"{{{DELAY}}}delay")
        assert (delay.get("from"), delay.get("stamp")) == ("localhost", "2023-11-14T22:13:20.000Z")
    assert new.find(f"{{{DELAY}}}delay") is None
    assert len(bench.commit()) == 3


@pytest.mark.parametrize(("stanza", "options", "condition"), [
    (message("0").replace(b"@localhost", b"@gone.example"), {}, None),
    (message("0"), {"deny": frozenset({"b"})}, "not-allowed")])
async def test_what_may_not_be_sent_any_more(stanza: bytes, options: dict[str, Any], condition: str | None) -> None:
    bench = Bench(spool=True, **options)
    bench.federation.restore(parse_stanza(stanza), number_at(1.7e9))
    bench.rig.turn()
    assert bench.errors() == ([] if condition is None else [("0", condition)])
    assert bench.commit() == [number_at(1.7e9)]
    assert bench.dials == []


async def test_what_a_stream_has_not_brought_there_stays() -> None:
    bench = Bench(spool=True)
    bench.say("b", "0")
    await bench.settle()
    peer, link = await stream(bench, "b")
    peer.manage()
    bench.say("b", "1")
    bench.rig.turn()
    assert carried(bench, link)[:2] == ["0", "1"]
    zero, = bench.commit()      # written before anything was counted
    bench.rig.lose(link)
    bench.federation._lines["localhost", "b"].not_before = 0.0
    await bench.settle()
    assert bench.commit() == []
    peer, link = await stream(bench, "b")
    assert carried(bench, link) == ["1"]
    one, = bench.commit()
    assert zero < one


async def test_stopping_leaves_it_to_the_next_run() -> None:
    bench = Bench(spool=True)
    bench.say("b", "0")
    bench.federation.stop()
    bench.say("b", "1")
    await bench.settle()
    assert bench.errors() == []
    assert bench.commit() == []


async def test_restoring_reads_all_in_order() -> None:
    senders = b"nurse@localhost", b"romeo@localhost"
    rows = [SpooledMessage(id, 0.0, b"<message from='%s/r' to='x@b'/>" % senders[id % 2])
            for id in range(1, 2 * PAGE + 2)]
    given: list[tuple[bytes, int]] = []

    class Store:
        async def spooled(self, after: int, limit: int) -> list[SpooledMessage]:
            return rows[after:after + limit]

    class Far:
        def restore(self, stanza: Stanza, number: int) -> None:
            given.append((stanza.raw, number))

    assert await restore(Store(), Far(), lambda account: True) == len(rows)     # type: ignore[arg-type]
    assert given == [(row.stanza, row.id) for row in rows]
    given.clear()
    assert await restore(Store(), Far(), "romeo@localhost".__eq__) == PAGE + 1  # type: ignore[arg-type]
    assert [number for _, number in given] == list(range(1, 2 * PAGE + 2, 2))


def test_a_stamp_of_ours_is_put_once_and_others_stay() -> None:
    theirs = f"<delay xmlns='{DELAY}' from='elsewhere' stamp='2020-01-01T00:00:00Z'/>"
    once = stamped(message("0", theirs), "localhost", 1.7e9)
    assert once.count(b"<delay") == 2
    assert stamped(once, "localhost", 1.8e9) == once


def test_how_long_is_tried() -> None:
    assert give_up_at(1000.0, 0.0, 3600.0) == 4600.0
    assert give_up_at(1000.0, 600.0, 3600.0) == 4000.0
    assert give_up_at(1000.0, 1e6, 3600.0) == 1300.0       # its sender comes back after a restart
    assert give_up_at(1000.0, 1e6, 60.0) == 1060.0
