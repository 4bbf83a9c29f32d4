"""What becoming available and probing bring beyond the router's tables (RFC 6121 3.1.3, 4.3)."""

from headrace.core import reply
from headrace.modules.api import Effects, Later, Module, Request, Route, Send
from headrace.modules.contacts import sees_us
from headrace.xep.blocking import listed


class Presence(Module):
    name = "presence"

    def available(self, sender: str, priority: int) -> Effects:
        return Later(self._requests(sender.partition("/")[0]))

    async def _requests(self, account: str) -> Effects:
        """Subscription requests are shown at each login until they are answered (RFC 6121 3.1.3)."""
        items = await self.context.storage.roster.load(account)
        blocked = await self.context.blocklists.of(account)
        return [Send(item.pending_in) for item in items
                if item.pending_in is not None and not listed(blocked, item.jid)]

    async def probe(self, request: Request) -> Effects:
        """Whoever has no subscription gets no answer, be there an account or not (protocol.md 12)."""
        if request.to != request.account:
            item = await self.context.storage.roster.get(request.to, request.account)
            if not sees_us(item):
                return ()
        if not await self.context.accounts.show(request.to, request.sender):
            return Route(reply.stanza("presence", from_=request.to, to=request.sender, type="unavailable"))
        return ()
