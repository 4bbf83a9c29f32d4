"""Presence subscriptions (RFC 6121 section 3): requests, approvals, cancellations and their ends."""

from headrace.modules import contacts
from headrace.modules.api import Effects, Module, Refused, Request


class Subscriptions(Module):
    name = "subscriptions"

    async def subscription(self, request: Request) -> Effects:
        if request.to == request.account:
            return ()  # nobody subscribes to himself: his resources see one another anyway
        if len(request.stanza.raw) > contacts.MAX_REQUEST:
            raise Refused("policy-violation", "Say it in fewer words.")
        async with self.context.locks.hold(request.account, request.to):
            ours, theirs = await contacts.read(self.context, request.account, request.to)
            contacts.send((request.stanza.type or "", request.stanza.raw), ours, theirs)
            await contacts.settle(self.context, ours, theirs)
        return ()

    async def deleting(self, account: str) -> None:
        """Contacts are told, so that whoever gets that name later is a stranger to them."""
        for item in await self.context.storage.roster.load(account):
            async with self.context.locks.hold(account, item.jid):
                ours, theirs = await contacts.read(self.context, account, item.jid, leaving=True)
                contacts.part(ours, theirs)
                ours.item = None
                await contacts.settle(self.context, ours, theirs)
