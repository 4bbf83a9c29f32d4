"""Presence subscriptions (RFC 6121 section 3): requests, approvals also in advance, cancellations and their ends."""

from headrace.modules import contacts
from headrace.modules.api import Effects, Module, Refused, Request
from headrace.stream import features


class Subscriptions(Module):
    name = "subscriptions"
    stream_features = (features.pre_approval(),)

    async def subscription(self, request: Request) -> Effects:
        if request.to == request.account:
            return ()  # nobody subscribes to himself: his resources see one another anyway
        if len(request.stanza.raw) > contacts.MAX_REQUEST:
            raise Refused("policy-violation", "Say it in fewer words.")
        stanza = (request.stanza.type or "", request.stanza.raw)
        async with self.context.locks.hold(request.account, request.to):
            if self.context.keeps(request.account):
                ours, theirs = await contacts.read(self.context, request.account, request.to)
                contacts.send(stanza, ours, theirs)
                await contacts.settle(self.context, ours, theirs)
            else:
                await self._arrived(stanza, request)
        return ()

    async def deleting(self, account: str) -> None:
        """Contacts are told, so that whoever gets that name later is a stranger to them."""
        for item in await self.context.storage.roster.load(account):
            async with self.context.locks.hold(account, item.jid):
                ours, theirs = await contacts.read(self.context, account, item.jid, leaving=True)
                contacts.part(ours, theirs)
                ours.item = None
                await contacts.settle(self.context, ours, theirs)

    async def _arrived(self, stanza: contacts.Request, request: Request) -> None:
        """From elsewhere. Silence where there is no such account (RFC 6121 8.5.1), or it keeps the sender away."""
        storage, blocklists = self.context.storage, self.context.blocklists
        if not await storage.accounts.exists(request.to) or await blocklists.keeps_away(request.to, request.account):
            return
        ours, _ = await contacts.read(self.context, request.to, request.account)
        sender = contacts.Far(request.account)
        contacts.carry(stanza, sender, ours)
        await contacts.settle(self.context, sender, ours)
