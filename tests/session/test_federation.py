"""What waits for other domains, for how long, and what becomes of it: dialling is a table of the test's."""

import asyncio
from typing import Any

import pytest

from headrace.core.stanza import Stanza
from headrace.router.archive import Archive
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.session.dialback import Keys
from headrace.session.domains import Contexts, Home, S2SConfig
from headrace.session.federation import Federation
from headrace.session.outbound import DialError
from support.routing import World, read

ROOT = b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
HEADER = b"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' from='b' to='localhost'>"


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(event)

    warning = exception = info


def left(archive: Archive) -> list[int]:
    """Which have left the spool since this was last asked."""
    group = archive.take()
    if group is None:
        return []
    archive.committed()
    return group.finished


class Dialled:
    """An Outbound that has got there."""

    both_ways = False
    how = "certificate"

    def __init__(self, peer: Peer) -> None:
        self.peer = peer


class Bench(World):
    """A router with a federation whose dialler waits for the test: answers[domain] is what it comes to."""

    def __init__(self, *, spool: bool = False, **options: Any) -> None:
        super().__init__()
        self.archive = Archive(bytes(16))
        if spool:
            self.rig.router.archive = self.archive
        self.time = 1000.0
        self.log = Log()
        self.dials: list[str] = []
        self.answers: dict[str, asyncio.Future[Any]] = {}
        tls: Any = None
        home = Home(S2SConfig(**options), Keys(b"x"), {"localhost": Contexts(tls, tls)}, self.log)
        self.federation = Federation(home, self.rig.router, tls, tls, now=lambda: self.time)
        self.federation._dialler = self     # type: ignore[assignment]
        self.notes.answer = self._punted
        self.romeo = self.client("romeo@localhost/r", presence="0")
        self.notes.punted.clear()

    def _punted(self, session: object, stanza: Stanza, reason: int) -> None:
        self.federation.remote(stanza, wanted=True, number=self.notes.number)

    async def dial(self, call: Any) -> Any:
        self.dials.append(call.theirs)
        answer = self.answers[call.theirs] = asyncio.get_running_loop().create_future()
        return await answer

    def say(self, to: str, text: str) -> None:
        self.send(self.romeo, f"<message to='x@{to}' id='{text}' type='chat'><body>{text}</body></message>")

    def commit(self) -> list[int]:
        return left(self.archive)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        self.rig.turn()

    def errors(self) -> list[tuple[str | None, str]]:
        return [(e.get("id"), e[0][0].tag.rpartition("}")[2]) for e in self.got(self.romeo)]


class _Deaf:
    """A negotiator that only tells the federation when its stream is gone."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.peer: Peer | None = None

    def secured(self) -> None: ...
    def opened(self, header: object) -> None: ...
    def element(self, stanza: Stanza) -> None: ...
    def closed(self) -> None: ...
    def failed(self, condition: str, text: str) -> None: ...
    def expired(self) -> None: ...

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        assert self.peer is not None
        self.bench.federation._gone(self, self.peer, unsent, unsure)


def carried(bench: Bench, link: Any) -> list[str | None]:
    """Ids of what has gone out on a stream."""
    return [stanza.get("id") for stanza in read(bench.rig.taken(link), ROOT)]


def proven(bench: Bench) -> Peer:
    """A stream that leads nowhere yet."""
    deaf = _Deaf(bench)
    peer = deaf.peer = bench.rig.federate(deaf, S2SConfig())
    bench.rig.feed(peer, HEADER)
    peer.settle()
    bench.federation._streams[deaf] = peer      # type: ignore[index]
    return peer


async def stream(bench: Bench, domain: str) -> tuple[Peer, Any]:
    """The dial succeeds: the stream and its link."""
    peer = proven(bench)
    bench.answers[domain].set_result(Dialled(peer))
    await bench.settle()
    return peer, peer.link


async def cut(bench: Bench, text: str) -> None:
    """The dial succeeds, and the stream takes a message and ends before it is written."""
    await bench.settle()
    peer, link = await stream(bench, "b")
    bench.rig.allow(link, 0)
    bench.say("b", text)
    peer.abort()
    bench.rig.turn()


async def test_what_waits_goes_first_and_in_order() -> None:
    bench = Bench()
    for number in range(3):
        bench.say("b", str(number))
    await bench.settle()
    assert bench.dials == ["b"]
    _, link = await stream(bench, "b")
    bench.say("b", "3")
    assert carried(bench, link) == ["0", "1", "2", "3"]
    assert len(bench.notes.punted) == 3
    assert bench.errors() == []


async def test_a_failure_answers_all_and_for_a_while_at_once() -> None:
    bench = Bench(least_wait=10.0)
    bench.say("b", "1")
    bench.say("b", "2")
    await bench.settle()
    bench.answers["b"].set_exception(DialError("no", "remote-server-not-found"))
    await bench.settle()
    assert bench.errors() == [("1", "remote-server-not-found"), ("2", "remote-server-not-found")]
    bench.say("b", "3")
    assert bench.errors() == [("3", "remote-server-not-found")]
    assert bench.dials == ["b"]
    bench.time += 11
    bench.say("b", "4")
    await bench.settle()
    assert bench.dials == ["b", "b"]
    bench.answers["b"].set_exception(DialError("no", "remote-server-timeout"))
    await bench.settle()
    assert bench.errors() == [("4", "remote-server-timeout")]
    bench.time += 9     # the wait is between 10 and 20 s now
    bench.say("b", "5")
    assert bench.dials == ["b", "b"]
    assert bench.log.lines.count("s2s domain not reached") == 1


async def test_one_domain_does_not_hold_up_another() -> None:
    bench = Bench()
    bench.say("silent", "1")
    bench.say("b", "2")
    await bench.settle()
    assert sorted(bench.dials) == ["b", "silent"]
    _, link = await stream(bench, "b")
    assert carried(bench, link) == ["2"]
    assert not bench.answers["silent"].done()


@pytest.mark.parametrize("options", [{"queue_stanzas": 2}, {"queue_bytes": 250}, {"queue_total": 250}])
async def test_what_waits_is_bounded(options: dict[str, int]) -> None:
    bench = Bench(**options)
    for number in range(3):
        bench.say("b", str(number))
    assert bench.errors() == [("2", "resource-constraint")]
    await bench.settle()
    bench.answers["b"].set_exception(DialError("no"))
    await bench.settle()
    bench.errors()
    bench.time += 400
    bench.say("b", "3")
    assert bench.errors() == []


async def test_what_a_lost_stream_had_not_sent_goes_on_the_next_one() -> None:
    bench = Bench()
    bench.say("b", "0")
    await bench.settle()
    peer, link = await stream(bench, "b")
    assert carried(bench, link) == ["0"]
    bench.rig.allow(link, 0)
    bench.say("b", "1")
    peer.abort()
    bench.say("b", "2")     # while the old stream ends
    bench.rig.turn()
    bench.time += 5
    await bench.settle()
    assert bench.dials == ["b", "b"]
    bench.say("b", "3")
    peer, link = await stream(bench, "b")
    assert carried(bench, link) == ["1", "2", "3"]
    assert bench.errors() == []


async def test_messages_that_may_not_have_arrived_go_again_and_requests_fail() -> None:
    """XEP-0198: better twice than never, for what a user has written; never for a request."""
    bench = Bench()
    bench.say("b", "0")
    await bench.settle()
    peer, link = await stream(bench, "b")
    peer.manage()
    bench.say("b", "1")
    bench.send(bench.romeo, "<iq to='x@b' id='q' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
                            "<presence to='x@b' id='p'/><message to='x@b' id='e' type='error'/>")
    bench.say("b", "2")
    bench.rig.taken(link)
    bench.rig.feed(peer, b"<a xmlns='urn:xmpp:sm:3' h='0'/>")
    peer.abort()
    bench.rig.turn()
    bench.time += 5
    await bench.settle()
    peer, link = await stream(bench, "b")
    assert carried(bench, link) == ["1", "2"]
    assert bench.errors() == [("q", "remote-server-timeout")]


async def test_a_peer_that_takes_and_drops_is_given_up() -> None:
    bench = Bench()
    bench.say("b", "0")
    for _ in range(3):
        await cut(bench, "more")
        bench.time += 5
    assert {condition for _, condition in bench.errors()} == {"remote-server-timeout"}
    assert len(bench.dials) == 3


async def test_what_a_stream_leaves_goes_on_one_that_took_over_before_it_was_gone() -> None:
    """As when the peer, whose stream is used both ways, was cut off and is back before our end has seen it."""
    bench = Bench()
    bench.say("b", "0")
    await bench.settle()
    old, link = await stream(bench, "b")
    assert carried(bench, link) == ["0"]
    theirs = proven(bench)
    bench.rig.allow(link, 0)
    bench.say("b", "1")
    old.abort()
    bench.federation._lead(theirs, "localhost", "b")
    bench.rig.turn()        # now the old one is gone
    bench.say("b", "2")
    await bench.settle()
    assert carried(bench, theirs.link) == ["1", "2"]
    assert bench.dials == ["b"]
    assert bench.errors() == []


async def test_a_dial_that_fails_is_nothing_where_their_stream_has_come() -> None:
    bench = Bench(least_wait=10.0)
    bench.say("b", "0")
    await bench.settle()
    theirs = proven(bench)
    bench.federation._lead(theirs, "localhost", "b")
    bench.answers["b"].set_exception(DialError("no"))
    await bench.settle()
    bench.say("b", "1")
    assert carried(bench, theirs.link) == ["0", "1"]
    assert bench.errors() == []
    assert bench.log.lines == []


async def test_dials_that_failed_do_not_count_as_streams_that_were_cut() -> None:
    bench = Bench(least_wait=1.0)
    for number in range(3):
        bench.say("b", f"lost {number}")
        await bench.settle()
        bench.answers["b"].set_exception(DialError("no"))
        await bench.settle()
        bench.time += 100
    assert len(bench.errors()) == 3
    bench.say("b", "0")
    await cut(bench, "1")
    bench.time += 100
    await bench.settle()
    _, link = await stream(bench, "b")
    assert carried(bench, link) == ["1"]
    assert bench.errors() == []


async def test_stopping_says_nothing_and_dials_no_more() -> None:
    bench = Bench()
    bench.say("b", "0")
    await bench.settle()
    bench.federation.stop()
    bench.say("c", "1")
    await bench.settle()
    assert bench.dials == ["b"]
    assert bench.errors() == [("1", "remote-server-not-found")]
