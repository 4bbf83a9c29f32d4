"""Other servers: who is connected, what waits for whom, and when to try again."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic, time

from headrace.core.addresses import domain_of
from headrace.core.errors import JIDError
from headrace.core.prep import prepare_domain
from headrace.core.stanza import Stanza, parse_stanza
from headrace.net.link import Link
from headrace.net.resolve import Resolver
from headrace.net.tls import TlsContext
from headrace.router.archive import time_of
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.router.router import Router
from headrace.session.dialback import Dialback
from headrace.session.dialler import Dialler
from headrace.session.domains import Home
from headrace.session.inbound import Inbound
from headrace.session.outbound import DIALBACK, Call, DialError, Outbound, Question
from headrace.session.spool import give_back, give_up_at, stamped, wants_error
from headrace.stream.header import END

SUBSCRIPTIONS = ("subscribe", "subscribed", "unsubscribe", "unsubscribed")
MOST_TRIES = 3              # streams in a row that end at once, until what they did not take is given up
SHORT_SECONDS = 30.0        # a stream that lives longer than this was a good one
LATE_SECONDS = 10.0         # what has waited for longer says so
FORGET_SECONDS = 600.0      # what is known of a failing domain is kept so long after its last try


@dataclass(slots=True)
class Waiting:
    """A stanza on its way: self-contained, without xmlns."""

    raw: bytes
    wanted: bool            # its sender wants to know if it fails
    number: int = 0         # in the spool: tries go on until then; 0: it is not there
    until: float = 0.0
    late: bool = False      # an earlier run of the server has taken it


@dataclass(slots=True)
class Line:
    """From one domain of ours to one of theirs."""

    ours: str
    theirs: str
    waiting: deque[Waiting] = field(default_factory=deque)
    size: int = 0
    peer: Peer | None = None        # until it is gone, also while it ends
    dialling: asyncio.Task[None] | None = None
    since: float = 0.0              # when that stream came
    failures: int = 0               # dials in a row that came to nothing
    cut: int = 0                    # streams in a row that ended at once
    not_before: float = 0.0
    problem: DialError | None = None
    ending: asyncio.TimerHandle | None = None   # when the next of what is in the spool has waited for long enough


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """A stream, for people (`headrace s2s list`)."""

    direction: str          # in, out or both
    ours: str
    theirs: str
    address: str
    tls: str
    how: str
    queue: int              # bytes not yet written


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of an attempt to reach a domain, step by step (`headrace s2s test`)."""

    reached: bool
    steps: list[str]


class Federation:
    """What the router punts for other domains comes in by remote(); accepted links by on_link()."""

    def __init__(self, home: Home, router: Router, resolver: Resolver, tls: TlsContext, *,
                 now: Callable[[], float] = monotonic, clock: Callable[[], float] = time) -> None:
        self._home = home
        self._router = router
        self._tls = tls
        self._now = now
        self._clock = clock
        self._dialler = Dialler(home, router, resolver, begun=self._begun, gone=self._gone)
        self._lines: dict[tuple[str, str], Line] = {}
        self._streams: dict[Inbound | Outbound, Peer] = {}
        self._size = 0
        self._stopping = False

    # Streams.

    def on_link(self, link: Link) -> Peer:
        """The Sink of an accepted connection."""
        peer = Peer(self._router, self._router.routes, link, self._home.config, self._tls)
        inbound = Inbound(peer, self._home, self._verify, self._lead, self._gone)
        peer.start(inbound)
        self._streams[inbound] = peer
        return peer

    def stop(self) -> None:
        """Ends all streams. What waits for a dial is not sent any more: what is in the spool is by the next run, of the
        rest the senders' streams end too."""
        self._stopping = True
        for line in self._lines.values():
            if line.dialling is not None:
                line.dialling.cancel()
            if line.ending is not None:
                line.ending.cancel()
        for stream in list(self._streams):
            stream.stopped()

    async def links(self) -> list[LinkInfo]:
        """Each pair of domains on each stream."""
        return [info for stream, peer in self._streams.items() for info in self._infos(stream, peer)]

    def _infos(self, stream: Inbound | Outbound, peer: Peer) -> Iterator[LinkInfo]:
        channel = peer.channel
        tls = channel.version or "" if channel is not None else ""
        if isinstance(stream, Inbound):
            direction = "both" if stream.both_ways else "in"
            pairs = [(ours, theirs, how) for (theirs, ours), how in stream.pairs.items()]
        else:
            direction = "both" if stream.both_ways else "out"
            pairs = [(stream.ours, stream.theirs, stream.how)] if stream.how else []
            pairs += [(ours, theirs, DIALBACK) for ours, theirs in sorted(stream.sharing)]
        for ours, theirs, how in pairs:
            yield LinkInfo(direction, ours, theirs, peer.address, tls, how, peer.unsent)

    async def test(self, domain: str, host: str | None = None) -> Trial:
        """Dials a domain from one of ours and hangs up. Raises ValueError for what is no domain, or not ours."""
        ours = host or min(self._home.hosts)
        try:
            theirs = prepare_domain(domain)
        except JIDError:
            raise ValueError(f"{domain!r} is not a domain") from None
        if ours not in self._home.hosts:
            raise ValueError(f"{ours} is not a host of this server")
        steps: list[str] = []
        try:
            outbound = await self._dialler.dial(Call(ours, theirs, step=steps.append))
        except DialError as error:
            return Trial(False, [*steps, f"not reached: {error.text}"])
        outbound.peer.stop(END)
        return Trial(True, [*steps, f"reached: {ours} was proven by {outbound.how}"])

    def _begun(self, outbound: Outbound) -> None:
        self._streams[outbound] = outbound.peer

    def _gone(self, stream: object, peer: Peer, unsent: list[Left], unsure: list[Left]) -> None:
        """What was not written waits for the next stream, before what came since; and so do messages of which we don't
        know whether they have arrived: better twice than never."""
        del self._streams[stream]  # type: ignore[arg-type]
        for line in [line for line in self._lines.values() if line.peer is peer]:
            line.peer = None
            line.cut = 0 if self._now() - line.since > SHORT_SECONDS else line.cut + 1
        if self._stopping:
            return
        for raw, number in reversed(unsent):
            self._again(parse_stanza(raw), raw, number)
        for raw, number in reversed(unsure):
            stanza = parse_stanza(raw)
            if stanza.type != "error" and (stanza.name == "message" or stanza.type in SUBSCRIPTIONS):
                self._again(stanza, raw, number)
            elif stanza.name == "iq":
                self._bounce(Waiting(raw, True), "remote-server-timeout")
        for line in [line for line in self._lines.values() if line.waiting]:
            if line.peer is None:
                self._dial(line)
            elif not line.peer.ended:       # another stream has taken over before this one was gone
                self._flush(line, line.peer)

    def _again(self, stanza: Stanza, raw: bytes, number: int) -> None:
        line = self._line(domain_of(stanza.from_ or ""), domain_of(stanza.to or ""))
        waiting = self._waiting(raw, wanted=wants_error(stanza), number=number)
        if line.cut >= MOST_TRIES:
            self._bounce(waiting, "remote-server-timeout")
            return
        line.waiting.appendleft(waiting)
        self._count(line, len(raw))
        if number:
            self._watch(line)

    def _lead(self, peer: Peer, ours: str, theirs: str) -> None:
        """A stream that leads from our domain to theirs is there."""
        line = self._line(ours, theirs)
        if line.peer is not None and not line.peer.ended:
            return
        line.peer = peer
        line.since = self._now()
        line.problem = None
        line.failures = 0
        self._flush(line, peer)
        peer.carries(ours, theirs)

    def _flush(self, line: Line, peer: Peer) -> None:
        while line.waiting and not peer.ended:
            waiting = line.waiting.popleft()
            self._count(line, -len(waiting.raw))
            if not peer.put(self._dressed(line, waiting), waiting.number):
                self._bounce(waiting, "policy-violation")

    def _dressed(self, line: Line, waiting: Waiting) -> bytes:
        """As it is sent."""
        taken = time_of(waiting.number)
        late = waiting.number and (waiting.late or self._clock() - taken >= LATE_SECONDS)
        return stamped(waiting.raw, line.ours, taken) if late else waiting.raw

    # Stanzas.

    def remote(self, stanza: Stanza, *, wanted: bool, number: int = 0) -> None:
        """headrace.session.ports.Far: one to a domain that no stream leads to yet."""
        ours, theirs = domain_of(stanza.from_ or ""), domain_of(stanza.to or "")
        waiting = self._waiting(stanza.raw, wanted=wanted, number=number)
        if self._stopping and number:
            return      # the next run finds it
        if ours not in self._home.contexts or self._stopping:
            self._bounce(waiting, "remote-server-not-found")
            return
        if not self._home.config.may_talk(theirs):
            self._bounce(waiting, "not-allowed")
            return
        line = self._line(ours, theirs)
        if line.problem is not None and self._now() < line.not_before and not self._lasts(waiting, line.problem):
            self._bounce(waiting, line.problem.condition)
            return
        config = self._home.config
        if (len(line.waiting) >= config.queue_stanzas or line.size + len(stanza.raw) > config.queue_bytes
                or self._size + len(stanza.raw) > config.queue_total):
            self._bounce(waiting, "resource-constraint")
            return
        self._await(line, waiting)

    def restore(self, stanza: Stanza, number: int) -> None:
        """headrace.session.ports.Far. No bound: what an earlier run has taken was within them."""
        ours, theirs = domain_of(stanza.from_ or ""), domain_of(stanza.to or "")
        waiting = self._waiting(stanza.raw, wanted=True, number=number, late=True)
        if ours not in self._home.contexts:
            self._bounce(waiting, "remote-server-not-found")
        elif not self._home.config.may_talk(theirs):
            self._bounce(waiting, "not-allowed")
        else:
            self._await(self._line(ours, theirs), waiting)

    def _waiting(self, raw: bytes, *, wanted: bool, number: int, late: bool = False) -> Waiting:
        if not number:
            return Waiting(raw, wanted)
        age = self._clock() - time_of(number)
        return Waiting(raw, wanted, number, give_up_at(self._now(), age, self._home.config.give_up_seconds), late)

    def _await(self, line: Line, waiting: Waiting) -> None:
        line.waiting.append(waiting)
        self._count(line, len(waiting.raw))
        if waiting.number:
            self._watch(line)
        if line.peer is None:
            self._dial(line)

    def _lasts(self, waiting: Waiting, error: DialError) -> bool:
        """Does it wait for another dial? Not for a domain that isn't there, unless its sender may not be here yet to
        hear of that."""
        gone = error.condition == "remote-server-not-found" and not waiting.late
        return self._now() < waiting.until and not gone

    def _watch(self, line: Line) -> None:
        """No dial, however long it takes, makes what waits wait for longer than it may."""
        ends = [waiting.until for waiting in line.waiting if waiting.number] if line.ending is None else []
        if ends and not self._stopping:
            line.ending = self._router.reactor.loop.call_later(max(0.0, min(ends) - self._now()), self._end, line)

    def _end(self, line: Line) -> None:
        line.ending = None
        now = self._now()
        self._give_up(line, "remote-server-timeout", lambda waiting: not waiting.number or now < waiting.until)
        self._watch(line)

    def _line(self, ours: str, theirs: str) -> Line:
        line = self._lines.get((ours, theirs))
        if line is None:
            line = self._lines[ours, theirs] = Line(ours, theirs)
            self._router.reactor.loop.call_later(FORGET_SECONDS, self._forget, line)
        return line

    def _forget(self, line: Line) -> None:
        if line.peer is None and line.dialling is None and not line.waiting and self._now() >= line.not_before:
            del self._lines[line.ours, line.theirs]
        else:
            self._router.reactor.loop.call_later(FORGET_SECONDS, self._forget, line)

    def _count(self, line: Line, size: int) -> None:
        line.size += size
        self._size += size

    def _give_up(self, line: Line, condition: str, stays: Callable[[Waiting], bool]) -> None:
        lost = [waiting for waiting in line.waiting if not stays(waiting)]
        line.waiting = deque(filter(stays, line.waiting))
        for waiting in lost:
            self._count(line, -len(waiting.raw))
            self._bounce(waiting, condition)

    def _bounce(self, waiting: Waiting, condition: str) -> None:
        give_back(self._router, parse_stanza(waiting.raw), waiting.number, condition, wanted=waiting.wanted)

    # Dialling.

    def _dial(self, line: Line) -> None:
        if line.dialling is None and not self._stopping:
            line.dialling = asyncio.ensure_future(self._reach(line))

    async def _reach(self, line: Line) -> None:
        try:
            await asyncio.sleep(max(0.0, line.not_before - self._now()))    # what was cut off may wait for its turn
            if await self._share(line):
                line.dialling = None
                return
            outbound = await self._dialler.dial(Call(line.ours, line.theirs))
        except DialError as error:
            line.dialling = None
            if line.peer is None or line.peer.ended:
                self._fail(line, error)
            return
        line.dialling = None
        line.not_before = self._now() + self._pause(line)   # for a peer that takes us and drops us at once
        self._home.log.info("s2s stream opened", domain=line.theirs, ours=line.ours, how=outbound.how,
                            both_ways=outbound.both_ways, address=outbound.peer.address)
        if line.peer is not None and not line.peer.ended:
            outbound.peer.stop(END)     # the peer's own stream, which may be used both ways, was quicker
        elif outbound.peer.ended:
            self._fail(line, DialError("it closed the stream at once"))
        else:
            self._lead(outbound.peer, line.ours, line.theirs)

    async def _share(self, line: Line) -> bool:
        """On a stream that another pair of domains has to the same server (XEP-0220 2.6), if there is one."""
        for stream in await self._shareable(line):
            if not stream.may_carry(line.ours, line.theirs):
                continue
            try:
                async with asyncio.timeout(self._home.config.dial_seconds):
                    await stream.claim(line.ours, line.theirs)
            except (DialError, TimeoutError) as error:
                self._home.log.info("s2s stream not shared", domain=line.theirs, ours=line.ours, why=str(error))
                continue
            self._home.log.info("s2s stream shared", domain=line.theirs, ours=line.ours, address=stream.peer.address)
            if not stream.peer.ended:
                self._lead(stream.peer, line.ours, line.theirs)
                return True
        return False

    async def _shareable(self, line: Line) -> list[Outbound]:
        """Those to the same domain, or else those to the place where its server is."""
        streams = [stream for stream in self._streams if isinstance(stream, Outbound) and stream.takes_more]
        same = [stream for stream in streams if stream.theirs == line.theirs]
        if same or not streams:
            return same
        places = await self._dialler.places(line.theirs)
        return [stream for stream in streams if stream.peer.link is not None and stream.peer.link.peer in places]

    def _pause(self, line: Line) -> float:
        config = self._home.config
        longest = min(config.longest_wait, config.least_wait * 2.0 ** min(max(line.failures, line.cut), 16))
        return longest * random.uniform(0.5, 1.0)

    def _fail(self, line: Line, error: DialError) -> None:
        """What waits is answered, and for a while, what comes at once: but for what is in the spool."""
        line.not_before = self._now() + self._pause(line)
        if line.failures == 0:
            self._home.log.warning("s2s domain not reached", domain=line.theirs, ours=line.ours, why=error.text)
        line.failures += 1
        line.problem = error
        self._give_up(line, error.condition, lambda waiting: self._lasts(waiting, error))
        if line.waiting:
            self._dial(line)

    async def _verify(self, asked: Dialback, stream: str) -> str:
        """headrace.session.inbound.Verify: over a connection of our own to who is responsible for the domain."""
        try:
            outbound = await self._dialler.dial(Call(asked.to, asked.from_, Question(stream, asked.key)))
        except DialError as error:
            self._home.log.warning("s2s dialback failed", domain=asked.from_, why=error.text)
            return error.condition
        return outbound.result.result()
