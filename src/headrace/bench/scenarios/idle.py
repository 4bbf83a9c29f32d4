"""Idle connections."""

import asyncio

from headrace.bench.errors import BenchError
from headrace.bench.measure import Measured
from headrace.bench.process import Memory
from headrace.bench.run import Run
from headrace.bench.scenarios.api import Scenario

FEW = 20                # connections that are there before: what a first login loads is left out


class Idle(Scenario):
    name = "idle"
    help = """Memory of the server's processes per idle connection. Needs --pid.

    The first 20 connections don't count. What counts is anonymous memory (PSS): pages that processes share once, none
    of files; the kernel's own for sockets is not in it. Memory is read --warm-up seconds after the last login."""
    options = ("warm_up", "duration", "sm", "carbons", "csi", "archive")

    async def run(self, run: Run) -> Measured:
        if run.server is None:
            raise BenchError("idle needs --pid, the server's first process")
        accounts = await run.accounts(run.options.users + FEW)
        await run.log_in(accounts[:FEW])
        before = await self._memory(run)
        await run.log_in(accounts[FEW:])
        after = await self._memory(run)
        count = run.options.users
        measured = await run.measure("connections", lambda: count, run.load.latency)
        measured.done = count
        run.extra["bytes_per_connection"] = (after.pss - before.pss) / count
        run.extra["resident_bytes_per_connection"] = (after.rss - before.rss) / count
        return measured

    async def _memory(self, run: Run) -> Memory:
        run.screen.phase("waiting for calm")
        await asyncio.sleep(run.options.warm_up)
        run.check()
        assert run.server is not None
        return run.server.memory()
