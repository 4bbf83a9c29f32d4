"""To the first address that answers."""

import asyncio
import os
import socket

import pytest

from headrace.net.connect import connect, interleaved
from support.ports import unused_port


async def listening(address="127.0.0.1"):
    return await asyncio.start_server(lambda reader, writer: writer.close(), address, 0)


def port_of(server):
    return server.sockets[0].getsockname()[1]


async def test_the_first_that_answers():
    async with await listening() as server:
        fd, peer = await connect([("127.0.0.1", unused_port()), ("127.0.0.1", port_of(server))])
        assert peer == ("127.0.0.1", port_of(server))
        assert not os.get_blocking(fd)
        with socket.socket(fileno=fd) as made:
            assert made.getpeername() == peer
            assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_nobody_answers():
    with pytest.raises(ConnectionRefusedError):
        await connect([("127.0.0.1", unused_port()), ("127.0.0.1", unused_port())])
    with pytest.raises(OSError, match="no address"):
        await connect([])


async def test_one_that_is_silent_holds_up_nobody(descriptors):
    """A listener whose backlog is full takes no connection and refuses none."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        async with await listening() as server:
            before = descriptors()
            fd, peer = await connect([silent.getsockname(), ("127.0.0.1", port_of(server))], delay=0.01)
            os.close(fd)
            assert peer == ("127.0.0.1", port_of(server))
            await asyncio.sleep(0.01)
            assert descriptors() == before
        for filler in fillers:
            filler.close()


async def test_cancelled_it_leaves_nothing_open(descriptors):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        before = descriptors()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect([silent.getsockname()])
        await asyncio.sleep(0.01)
        assert descriptors() == before
        for filler in fillers:
            filler.close()


def test_both_families_in_turn():
    assert interleaved(["1.1.1.1", "2.2.2.2", "3.3.3.3", "::1", "::2"]) == [
        "::1", "1.1.1.1", "::2", "2.2.2.2", "3.3.3.3"]
    assert interleaved(["::1", "::2"]) == ["::1", "::2"]
