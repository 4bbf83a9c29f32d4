"""Users without an account (XEP-0175): no subscriptions, and nothing is left of them."""

from headrace.modules.api import Effects, Module, Outcome, Refused, Request, Xep


class Anonymous(Module):
    name = "anonymous"
    xeps = (Xep(175, "1.2"),)

    def subscription(self, request: Request) -> Outcome:
        """A contact that goes for ever at the end of a session would be of no use to anybody."""
        if self._is(request.account) or self._is(request.to):
            raise Refused("not-allowed", "Anonymous users have no contacts.")
        return None

    def gone(self, sender: str) -> Outcome:
        account = sender.partition("/")[0]
        return self._forget(account) if self._is(account) else None

    async def _forget(self, account: str) -> Effects:
        """A roster that it has kept for itself."""
        async with self.context.locks.hold(account):
            await self.context.storage.accounts.delete(account)
        return None

    def _is(self, account: str) -> bool:
        host = self.context.hosts.get(account.rpartition("@")[2])
        return host is not None and host.anonymous
