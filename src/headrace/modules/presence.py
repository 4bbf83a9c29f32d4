"""What becoming available and probing bring beyond the router's tables (RFC 6121 3.1.3, 4.3)."""

from collections.abc import Awaitable, Callable, Sequence

from headrace.core import reply
from headrace.modules.api import Context, Effects, Later, Module, Request, Route, Send
from headrace.modules.contacts import sees_us
from headrace.modules.last import Last
from headrace.xep.blocking import listed
from headrace.xep.delay import delay


class Presence(Module):
    name = "presence"

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._left: Callable[[str], Awaitable[float | None]] = context.storage.accounts.last_seen

    def loaded(self, modules: Sequence[Module]) -> None:
        for module in modules:
            if isinstance(module, Last):
                self._left = module.when    # which knows of those who have just gone

    def available(self, sender: str, priority: int) -> Effects:
        return Later(self._requests(sender.partition("/")[0]))

    async def _requests(self, account: str) -> Effects:
        """Subscription requests are shown at each login until they are answered (RFC 6121 3.1.3)."""
        items = await self.context.storage.roster.load(account)
        blocked = await self.context.blocklists.of(account)
        return [Send(item.pending_in) for item in items
                if item.pending_in is not None and not listed(blocked, item.jid)]

    async def probe(self, request: Request) -> Effects:
        """Whoever has no subscription gets no answer, be there an account or not (protocol.md 12). What we say
        ourselves has the probe's id; a resource's presence has its own (RFC 6121 4.3.2)."""
        target = request.stanza.to or request.to
        if "/" in target:
            return await self._probe_resource(request, target)
        if not await self._may_see(request):
            return ()
        if await self.context.accounts.show(request.to, request.sender):
            return ()
        left = await self._left(request.to)
        since = None if left is None else delay(request.host, left)
        return Route(reply.stanza("presence", since, from_=request.to, to=request.sender, id=request.stanza.id,
                                  type="unavailable"))

    async def _probe_resource(self, request: Request, target: str) -> Effects:
        """Is it still here, asks who has had presence of this resource (RFC 6121 4.3.2, 4.6.5): yes or no, no more.

        Who has had it unasked is told by the resource itself when it goes: no answer means the same."""
        shown = any([await self.context.accounts.directed(target, to) for to in (request.sender, request.account)])
        if not shown and not await self._may_see(request):
            return ()
        here = shown or any(resource.jid == target and resource.available
                            for resource in await self.context.accounts.resources(request.to))
        return Route(reply.stanza("presence", from_=target, to=request.sender, id=request.stanza.id,
                                  type=None if here else "unavailable"))

    async def _may_see(self, request: Request) -> bool:
        if request.to == request.account:
            return True
        return sees_us(await self.context.storage.roster.get(request.to, request.account))
