"""One run of one scenario: what they all share."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headrace.bench import users
from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.flow import Flow, Load
from headrace.bench.measure import Measured, Meter, Sample, latencies
from headrace.bench.options import Options
from headrace.bench.process import Processes
from headrace.bench.sessions import Session, Sessions
from headrace.bench.tally import Tally
from headrace.bench.users import Account
from headrace.core import ns
from headrace.net.reactor import Reactor

DRAIN_SECONDS = 10.0        # for what is under way at the end
MANY_FAULTS = 1000          # the run is spoilt: no need to go on
VERSION = f"{{{ns.VERSION}}}"


class Screen(Protocol):
    """Who is shown how the run goes on."""

    def phase(self, what: str, total: int = 0) -> None:
        """A new phase; total: how many steps it has."""

    def step(self, done: int) -> None: ...

    def sample(self, sample: Sample) -> None: ...


@dataclass(slots=True)
class Run:
    options: Options
    reactor: Reactor
    screen: Screen
    load: Load = field(init=False)
    sessions: Sessions = field(init=False)
    server: Processes | None = field(init=False)
    inactive: list[Session] = field(default_factory=list)  # clients that nobody looks at (XEP-0352)
    software: str = ""                  # the server's name and version, as it says (XEP-0092)
    left_out: list[str] = field(default_factory=list)      # of the scenario, because the server does not offer it
    extra: dict[str, Any] = field(default_factory=dict)    # figures of this scenario alone

    def __post_init__(self) -> None:
        self.load = Load(self.reactor)
        self.sessions = Sessions(self.reactor, self.options)
        self.server = Processes(self.options.pid) if self.options.pid else None

    # Users

    async def accounts(self, count: int) -> list[Account]:
        """So many, registered if that is asked for."""
        options = self.options
        if options.csv is not None:
            found = users.from_csv(options.csv, count, options.domain)
        else:
            found = users.by_pattern(count, options.user, options.password)
        if options.register:
            self.screen.phase("registering users", count)
            await self.sessions.register_all(found, self.screen.step)
        return found

    async def log_in(self, accounts: Sequence[Account]) -> list[Session]:
        """Available connections that take part in the load."""
        return [devices[0] for devices in await self.log_in_devices(accounts, 1)]

    async def log_in_devices(self, accounts: Sequence[Account], devices: int) -> list[list[Session]]:
        """The same, so many for each account."""
        if not self.software:
            await self.introduce(accounts[0])
        self.screen.phase("logging in", len(accounts) * devices)
        flat = await self.sessions.start_all(accounts, devices, progress=self.screen.step)
        for session in flat:
            session.client.take_part(self.load, session.bare)
        return [flat[i:i + devices] for i in range(0, len(flat), devices)]

    async def introduce(self, account: Account) -> None:
        """Who is the server? Also the first login, whose failure tells most: nothing else is going on."""
        self.screen.phase("asking the server who it is")
        session = await self.sessions.start(account, "introduction", available=False)
        try:
            answer = await session.wire.ask(f"<query xmlns='{ns.VERSION}'/>", to=self.options.domain)
            query = answer.child() if answer.type == "result" else None
            if query is not None:
                names = (query.findtext(f"{VERSION}{part}") for part in ("name", "version"))
                self.software = " ".join(name for name in names if name)
        finally:
            self.sessions.open.remove(session)
            session.wire.leave()

    async def features(self, session: Session, jid: str) -> set[str]:
        """What an entity says that it can (XEP-0030); nothing if it doesn't answer."""
        answer = await session.wire.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=jid)
        found = answer.element().iterfind(f"{{{ns.DISCO_INFO}}}query/{{{ns.DISCO_INFO}}}feature")
        return {each.get("var", "") for each in found}

    # Load

    async def measure_flows(self, flows: Iterable[Flow], unit: str, *, rate: float | None = None) -> Measured:
        """Warm-up, the measured time, and the wait for what is under way."""
        load, options, flows = self.load, self.options, list(flows)
        rate = options.rate if rate is None else rate
        load.archived = options.archive
        load.start(flows, rate)
        try:
            self.screen.phase("warming up")
            await self.sleep(options.warm_up)
            load.measure_from_now()
            measured = await self.measure(unit, lambda: load.delivered, load.latency)
            load.measure_until_now()
        finally:
            load.stop()
        await self.drain()
        measured.due = rate * sum(flow.receivers for flow in flows) / len(flows)
        measured.latency = latencies(load.latency)
        measured.lag = latencies(load.lag) if rate else None
        return measured

    async def measure(self, unit: str, done: Callable[[], int], latency: Tally, *, seconds: float = 0.0,
                      enough: Callable[[], bool] = lambda: False) -> Measured:
        """For so long (the options' duration), or until it is enough."""
        self.screen.phase("measuring")
        meter = Meter(unit, done, latency, self.server, self.screen.sample)
        measured = await meter.run(seconds or self.options.duration, lambda: enough() or self.spoilt())
        self.check()
        return measured

    def inactivate(self, sessions: Sequence[Session]) -> None:
        self.load.superseding = True
        for session in sessions:
            session.client.send(f"<inactive xmlns='{ns.CSI}'/>".encode())
        self.inactive += sessions

    async def drain(self) -> None:
        """What servers hold back from inactive clients has to come when they are active again."""
        self.screen.phase("waiting for what is under way")
        for session in self.inactive:
            session.client.send(f"<active xmlns='{ns.CSI}'/>".encode())
        for _ in range(int(DRAIN_SECONDS * 50)):
            if not self.load.missing or self.spoilt():
                return
            await asyncio.sleep(0.02)

    async def sleep(self, seconds: float) -> None:
        """Looks now and then whether all is well."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0 and not self.spoilt():    # noqa: ASYNC110  time passes
            await asyncio.sleep(min(left, 0.25))
        self.check()

    @property
    def lost(self) -> int:
        return self.load.skipped + self.load.missing

    def spoilt(self) -> bool:
        return sum(self.load.faults.values()) > MANY_FAULTS or self.sessions.first_lost() is not None

    def check(self) -> None:
        """Raises BenchError if a connection has ended."""
        lost = self.sessions.first_lost()
        if lost is not None:
            raise lost

    def leave_out(self, error: NotOffered) -> None:
        """Only a part of the scenario needs it."""
        self.left_out.append(str(error))


def filler(n: int, seed: int = 0) -> bytes:
    """Text of n bytes, another one for another seed."""
    return bytes(b"abcdefghijklmnopqrstuvwxyz "[(i * 7 + seed) % 27] for i in range(n - 1)) + b"." if n else b""


def even(count: int, what: str) -> int:
    if count < 2 or count % 2:
        raise BenchError(f"--users {count}: {what} needs an even number")
    return count
