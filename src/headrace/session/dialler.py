"""From a domain to a stream with it: DNS, addresses, TLS, proof."""

import asyncio
from collections.abc import Callable, Sequence

from headrace.net.connect import connect
from headrace.net.link import Link
from headrace.net.resolve import ResolveError, Resolver, Target
from headrace.router.federation import Peer
from headrace.router.router import Router
from headrace.session.domains import Home
from headrace.session.inbound import Gone
from headrace.session.outbound import DialError, Outbound, Question, Step

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

    async def dial(self, ours: str, theirs: str, question: Question | None = None, *,
                   step: Step = lambda text: None) -> Outbound:
        """A stream on which the pair is proven, or the question is answered. Raises DialError."""
        try:
            async with self._slots, asyncio.timeout(self._home.config.dial_seconds):
                return await self._dial(ours, theirs, question, step)
        except TimeoutError:
            raise DialError("it took too long") from None

    async def _dial(self, ours: str, theirs: str, question: Question | None, step: Step) -> Outbound:
        problem = DialError("no address to connect to", "remote-server-not-found")
        for target in await self._targets(theirs, step):
            try:
                fd, address = await self._connect(target, step)
            except DialError as error:
                problem = error
                continue
            try:
                return await self._negotiate(fd, address, ours, theirs, target, question, step)
            except DialError as error:
                step(f"failed: {error.text}")
                problem = error
                if error.final:
                    break
        raise problem

    async def _targets(self, theirs: str, step: Step) -> Sequence[Target]:
        try:
            targets = await self._resolver.targets(theirs)
        except (ResolveError, UnicodeError) as error:
            step(f"DNS: {error}")
            absent = not isinstance(error, ResolveError) or error.absent
            raise DialError(str(error), "remote-server-not-found" if absent else "remote-server-timeout") from None
        step("DNS: " + ", ".join(map(str, targets)))
        return targets

    async def _connect(self, target: Target, step: Step) -> tuple[int, tuple[str, int]]:
        try:
            addresses = await self._resolver.addresses(target)
            async with asyncio.timeout(CONNECT_SECONDS):
                fd, address = await connect(addresses)
        except ResolveError as error:
            step(f"DNS: {error}")
            raise DialError(str(error), "remote-server-not-found" if error.absent else "remote-server-timeout") from None
        except OSError as error:    # TimeoutError is one
            step(f"TCP: {target}: {error.strerror or error or 'no answer'}")
            raise DialError(f"{target}: {error.strerror or error or 'no answer'}") from None
        step(f"TCP: connected to {address[0]}, port {address[1]}")
        return fd, address

    async def _negotiate(self, fd: int, address: tuple[str, int], ours: str, theirs: str, target: Target,
                         question: Question | None, step: Step) -> Outbound:
        link = Link(self._router.reactor, fd, address)
        peer = Peer(self._router, self._router.routes, link, self._home.config)
        outbound = Outbound(peer, self._home, ours, theirs, gone=self._gone, question=question, step=step)
        peer.start(outbound)
        self._begun(outbound)
        link.start(peer, self._home.contexts[ours].direct if target.direct else None, theirs_in_sni(theirs))
        outbound.begin(direct=target.direct)
        try:
            await outbound.result
        except asyncio.CancelledError:
            peer.abort()
            raise
        return outbound


def theirs_in_sni(domain: str) -> str | None:
    """No name for an address (RFC 6066 3)."""
    return None if ":" in domain or domain.replace(".", "").isdigit() else domain
