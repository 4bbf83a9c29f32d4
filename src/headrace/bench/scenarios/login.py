"""Login storm."""

from headrace.bench.measure import Measured, latencies
from headrace.bench.run import Run
from headrace.bench.scenarios.api import LOAD, Scenario
from headrace.bench.sessions import patience, several
from headrace.bench.storms import Storm
from headrace.bench.users import Account


class LoginStorm(Scenario):
    name = "login"
    help = """Logins up to a bound resource, --at-once of them under way or --rate a second.

    From the connection's first packet to the bound resource, then the stream is closed. Each user logs in once before
    measuring: what clients derive from a password (SCRAM), or are given for it (--fast), they keep."""
    options = tuple(name for name in LOAD if name != "window")

    async def run(self, run: Run) -> Measured:
        options = run.options
        accounts = await run.accounts(options.users)
        await run.introduce(accounts[0])

        async def one(number: int) -> None:
            await self._come_and_go(run, accounts[number % len(accounts)])

        run.screen.phase("logging in everybody once")
        await several(range(len(accounts)), one, options.at_once)
        storm = Storm(one, options.at_once, options.rate)
        storm.begin()
        try:
            run.screen.phase("warming up")
            await run.sleep(options.warm_up)
            storm.check()
            storm.clear()
            measured = await run.measure("logins", lambda: storm.done, storm.latency, enough=lambda: storm.failed)
            storm.check()
        finally:
            await storm.end()
        measured.latency = latencies(storm.latency)
        measured.lag = latencies(storm.lag) if options.rate else None
        return measured

    async def _come_and_go(self, run: Run, account: Account) -> None:
        async with patience(run.options.patience, f"{account.name}@{run.options.domain}: the login"):
            session, _ = await run.sessions.log_in(account, "load")
        session.wire.negotiating = False
        session.wire.leave()
