"""Runs a scenario on an event loop of its own."""

import asyncio
from typing import Any

from headrace.bench.measure import Measured
from headrace.bench.options import Options
from headrace.bench.result import summary
from headrace.bench.run import Run, Screen
from headrace.bench.scenarios.api import Scenario
from headrace.bench.verdict import Verdict
from headrace.net.listener import raise_descriptor_limit
from headrace.net.reactor import Reactor


def execute(scenario: Scenario, options: Options, screen: Screen, label: str = "") -> tuple[dict[str, Any], Verdict]:
    """The result and what is to be thought of it. Raises BenchError."""
    raise_descriptor_limit()
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(_execute(scenario, options, screen, label))


async def _execute(scenario: Scenario, options: Options, screen: Screen, label: str) -> tuple[dict[str, Any], Verdict]:
    reactor = Reactor(asyncio.get_running_loop())
    run = Run(options, reactor, screen)
    try:
        measured: Measured = await scenario.run(run)
        return summary(run, scenario.name, label, measured)
    finally:
        run.sessions.leave_all()
        await _until_closed(reactor)
        reactor.close()


async def _until_closed(reactor: Reactor) -> None:
    for _ in range(100):
        if not reactor.links:
            return
        await asyncio.sleep(0.02)


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
