"""Service Discovery of our domains and, for those who may see them, of accounts."""

from collections.abc import Sequence

from headrace.core.ns import DISCO_INFO, DISCO_ITEMS
from headrace.modules.api import Effects, Module, Refused, Reply, Request, Target, Xep, iq
from headrace.modules.contacts import sees_us
from headrace.xep import disco
from headrace.xep.disco import Identity


class Disco(Module):
    name = "disco"
    xeps = (Xep(30, "2.5.0"),)
    features = (DISCO_INFO, DISCO_ITEMS)
    account_features = (DISCO_INFO, DISCO_ITEMS)
    identities = (Identity("server", "im", "Headrace"),)
    account_identities = (Identity("account", "registered"),)

    def loaded(self, modules: Sequence[Module]) -> None:
        self._host = disco.info([i for m in modules for i in m.identities],
                                [f for m in modules for f in m.features])
        features = [f for m in modules for f in m.account_features]
        self._account = disco.info([i for m in modules for i in m.account_identities], features)
        self._anonymous = disco.info([Identity("account", "anonymous")], features)      # XEP-0175 5

    @iq("get", DISCO_INFO, "query", Target.HOST)
    def host_info(self, request: Request) -> Effects:
        return self._answer(request, self._host)

    @iq("get", DISCO_ITEMS, "query", Target.HOST | Target.SELF)
    def items(self, request: Request) -> Effects:
        return self._answer(request, disco.items(()))

    @iq("get", DISCO_INFO, "query", Target.SELF)
    def own_info(self, request: Request) -> Effects:
        return self._answer(request, self._info(request))

    @iq("get", DISCO_INFO, "query", Target.ACCOUNT)
    async def contact_info(self, request: Request) -> Effects:
        await self._may_ask(request)
        return self._answer(request, self._info(request))

    @iq("get", DISCO_ITEMS, "query", Target.ACCOUNT)
    async def contact_items(self, request: Request) -> Effects:
        await self._may_ask(request)
        return self._answer(request, disco.items(()))

    def _info(self, request: Request) -> bytes:
        return self._anonymous if request.host in self.context.anonymous else self._account

    def _answer(self, request: Request, payload: bytes) -> Effects:
        if request.payload.get("node"):
            raise Refused("item-not-found")
        return Reply(payload)

    async def _may_ask(self, request: Request) -> None:
        """Strangers learn not even whether there is such an account (protocol.md 12)."""
        if not sees_us(await self.context.storage.roster.get(request.to, request.account)):
            raise Refused("service-unavailable")
