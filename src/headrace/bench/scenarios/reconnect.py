"""Reconnect storm with stream resumption."""

import asyncio
import time
from dataclasses import replace

from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.flow import Flow
from headrace.bench.measure import Measured, latencies
from headrace.bench.run import Run
from headrace.bench.scenarios.api import Scenario, message_flow
from headrace.bench.sessions import Session, patience, several
from headrace.bench.tally import Tally
from headrace.core import ns

MISSED = 5              # messages that each user gets while its link is broken
GONE_SECONDS = 0.2      # for the server to notice


class Reconnect(Scenario):
    name = "reconnect"
    help = """All links break at once, 5 messages come for each user, all resume (XEP-0198).

    Round after round, --at-once connections under way. The messages have to come once each, in order."""
    options = ("duration", "warm_up", "body", "senders")

    async def run(self, run: Run) -> Measured:
        run.sessions.options = run.options = replace(run.options, sm=True)
        accounts = await run.accounts(run.options.users + run.options.senders)
        sessions = await run.log_in(accounts)
        users, senders = sessions[:run.options.users], sessions[run.options.users:]
        if not users[0].resumption:
            raise NotOffered("the server does not offer to resume streams (XEP-0198)")
        flows = [message_flow(run, senders[i % len(senders)], user.jid, window=MISSED)
                 for i, user in enumerate(users)]
        for flow, user in zip(flows, users, strict=True):
            user.client.receives(flow)
        storm = Rounds(run, users, flows)
        run.screen.phase("warming up")
        await storm.run(run.options.warm_up)
        storm.latency.clear()
        work = asyncio.ensure_future(storm.run(run.options.duration))
        measured = await run.measure("resumptions", lambda: storm.done, storm.latency, enough=work.done, seconds=600)
        await work
        measured.latency = latencies(storm.latency)
        return measured


class Rounds:
    """The rounds: break, write, resume."""

    def __init__(self, run: Run, users: list[Session], flows: list[Flow]) -> None:
        self.run_ = run
        self.users = users
        self.flows = flows
        self.done = 0
        self.latency = Tally()

    async def run(self, seconds: float) -> None:
        """At least one; whole ones only."""
        end = time.monotonic() + seconds
        while True:
            await self._round()
            if time.monotonic() >= end or self.run_.spoilt():
                return

    async def _round(self) -> None:
        run = self.run_
        for user in self.users:
            user.wire.cut()
        await asyncio.sleep(GONE_SECONDS)
        run.load.start(self.flows)
        run.load.stop()
        await asyncio.sleep(GONE_SECONDS)
        await several(self.users, self._resume, run.options.at_once)
        await run.drain()
        if run.load.missing:
            raise BenchError(f"{run.load.missing} messages did not come after their streams were resumed")

    async def _resume(self, user: Session) -> None:
        run, began, old = self.run_, time.monotonic(), user.client
        async with patience(run.options.patience, f"{user.bare}: the resumption"):
            wire = await run.sessions.connect(user.bare)
            wire.client.adopt(old)
            login = run.sessions.login(wire, user.account, "load")
            login.resumption = f"<resume xmlns='{ns.SM}' h='{old.heard}' previd='{user.resumption}'/>"
            await login.run()
        wire.negotiating = False
        user.wire = wire
        self.latency.record(int((time.monotonic() - began) * 1e9))
        self.done += 1
