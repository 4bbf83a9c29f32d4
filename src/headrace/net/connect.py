"""Connections that we make: to the first address that answers (RFC 8305, XEP-0495)."""

import asyncio
import socket
from collections.abc import Sequence

from headrace.net.sockets import tune

DELAY = 0.25    # s until the next address is tried beside those under way (RFC 8305 5)


async def connect(addresses: Sequence[tuple[str, int]], *, delay: float = DELAY) -> tuple[int, tuple[str, int]]:
    """A connected, non-blocking descriptor and its peer. Addresses are IP literals, tried in that order.

    Raises OSError: the last address's, if none answers. Cancelling it leaves nothing open."""
    waiting, under_way = list(addresses), set[asyncio.Task[tuple[socket.socket, tuple[str, int]]]]()
    problem: BaseException = OSError("no address to connect to")
    try:
        while waiting or under_way:
            if waiting:
                under_way.add(asyncio.ensure_future(_attempt(waiting.pop(0))))
            done, under_way = await asyncio.wait(
                under_way, timeout=delay if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    under_way |= done - {task}
                    made, peer = task.result()
                    tune(made.fileno())
                    return made.detach(), peer
                problem = error
    finally:
        for task in under_way:
            _give_up(task)
    raise problem


async def _attempt(address: tuple[str, int]) -> tuple[socket.socket, tuple[str, int]]:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made, address


def _give_up(task: asyncio.Task[tuple[socket.socket, tuple[str, int]]]) -> None:
    """Another one was quicker; this one may have come through in the same moment."""

    def close(task: asyncio.Task[tuple[socket.socket, tuple[str, int]]]) -> None:
        if not task.cancelled() and task.exception() is None:
            task.result()[0].close()

    task.cancel()
    task.add_done_callback(close)


def interleaved(addresses: Sequence[str]) -> list[str]:
    """IPv6 and IPv4 in turn, IPv6 first (RFC 8305 4)."""
    six, four = [a for a in addresses if ":" in a], [a for a in addresses if ":" not in a]
    pairs = [address for pair in zip(six, four, strict=False) for address in pair]
    shorter = min(len(six), len(four))
    return [*pairs, *six[shorter:], *four[shorter:]]
