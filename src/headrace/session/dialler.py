"""From a domain to a stream with it: DNS, addresses, TLS, proof."""

import asyncio
import os
from collections.abc import Callable, Sequence

from headrace.net.connect import connect
from headrace.net.link import Link
from headrace.net.resolve import ResolveError, Resolver, Target, Tlsa, literal
from headrace.router.federation import Peer
from headrace.router.router import Router
from headrace.session.domains import Home
from headrace.session.inbound import Gone
from headrace.session.outbound import Call, DialError, Outbound

CONNECT_SECONDS = 20.0      # for all addresses of one target


class Dialler:
    """begun: is told each stream as it begins, and `gone` when it has ended."""

    def __init__(self, home: Home, router: Router, resolver: Resolver, *, begun: Callable[[Outbound], None],
                 gone: Gone) -> None:
        self._home = home
        self._router = router
        self._resolver = resolver
        self._begun = begun
        self._gone = gone
        self._slots = asyncio.Semaphore(home.config.dials)

    async def dial(self, call: Call) -> Outbound:
        """A stream on which the pair is proven, or the question is answered. Raises DialError."""
        try:
            async with self._slots, asyncio.timeout(self._home.config.dial_seconds):
                return await self._dial(call)
        except TimeoutError:
            raise DialError("it took too long") from None

    async def places(self, domain: str) -> list[tuple[str, int]]:
        """Where a dial to that domain would begin; nowhere if DNS says what has to be found there (DANE)."""
        try:
            target = (await self._resolver.targets(domain))[0]
            return [] if await self._resolver.tlsa(target) else await self._resolver.addresses(target)
        except (ResolveError, UnicodeError):
            return []

    async def _dial(self, call: Call) -> Outbound:
        problem = DialError("no address to connect to", "remote-server-not-found")
        for target in await self._targets(call):
            try:
                tlsa = await self._tlsa(target, call)
                fd, address = await self._connect(target, call)
            except DialError as error:
                problem = error
                continue
            try:
                return await self._negotiate(Link(self._router.reactor, fd, address), call, target, tlsa)
            except DialError as error:
                call.step(f"failed: {error.text}")
                problem = error
                if error.final:
                    break
        raise problem

    async def _targets(self, call: Call) -> Sequence[Target]:
        try:
            targets = await self._resolver.targets(call.theirs)
        except ResolveError as error:
            raise unresolved(call, error) from None
        except UnicodeError:
            raise unresolved(call, ResolveError("that is no name that DNS can have", absent=True)) from None
        call.step("DNS: " + ", ".join(map(str, targets)))
        return targets

    async def _tlsa(self, target: Target, call: Call) -> list[Tlsa]:
        try:
            records = await self._resolver.tlsa(target)
        except ResolveError as error:
            raise unresolved(call, error) from None
        if records:
            call.step(f"DANE: {len(records)} TLSA records of {target}")
        return records

    async def _connect(self, target: Target, call: Call) -> tuple[int, tuple[str, int]]:
        try:
            addresses = await self._resolver.addresses(target)
            async with asyncio.timeout(CONNECT_SECONDS):
                fd, address = await connect(addresses)
        except ResolveError as error:
            raise unresolved(call, error) from None
        except OSError as error:    # TimeoutError is one
            why = f"{target}: {os.strerror(error.errno) if error.errno else error or 'no answer'}"
            call.step(f"TCP: {why}")
            raise DialError(why) from None
        call.step(f"TCP: connected to {address[0]}, port {address[1]}")
        return fd, address

    async def _negotiate(self, link: Link, call: Call, target: Target, tlsa: list[Tlsa]) -> Outbound:
        peer = Peer(self._router, self._router.routes, link, self._home.config)
        outbound = Outbound(peer, self._home, call, gone=self._gone, place=target.host if tlsa else None)
        link.tlsa = tlsa or None
        peer.start(outbound)
        self._begun(outbound)
        tls = self._home.contexts[call.ours].direct if target.direct else None
        link.start(peer, tls, call.theirs if literal(call.theirs) is None else None)
        outbound.begin(direct=target.direct)
        try:
            await outbound.result
        except asyncio.CancelledError:
            peer.abort()
            raise
        return outbound


def unresolved(call: Call, error: ResolveError) -> DialError:
    call.step(f"DNS: {error}")
    return DialError(str(error), "remote-server-not-found" if error.absent else "remote-server-timeout")
