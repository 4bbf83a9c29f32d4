"""A world of clients whose servers' ends are in the test's hands."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest_asyncio
import uvloop

from headrace.bench.flow import Load
from headrace.net.reactor import Reactor
from support.loading import World


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    loop = asyncio.get_running_loop()
    errors: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    reactor = Reactor(loop)
    made = World(reactor, Load(reactor, b"test"))
    yield made
    made.load.stop()
    for pair in made.pairs:
        pair.client.link.abort()
        pair.server.close()
    for _ in range(100):
        if not reactor.links:
            break
        await asyncio.sleep(0.01)
    assert not reactor.links
    assert not errors
    reactor.close()
