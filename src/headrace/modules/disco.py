"""Service Discovery of our domains and, for those who may see them, of accounts."""

from collections.abc import Callable, Sequence

from headrace.core.ns import DISCO_INFO, DISCO_ITEMS
from headrace.modules.api import Effects, Module, Refused, Reply, Request, Target, Xep, iq
from headrace.modules.contacts import sees_us
from headrace.modules.nesting import Abilities
from headrace.xep import disco
from headrace.xep.disco import Identity

Node = Callable[[Request, str], bytes | None]


class Disco(Module):
    name = "disco"
    xeps = (Xep(30, "2.5.0"), Xep(128, "1.0.1"))
    features = (DISCO_INFO, DISCO_ITEMS)
    account_features = (DISCO_INFO, DISCO_ITEMS)
    identities = (Identity("server", "im", "Headrace"),)
    account_identities = (Identity("account", "registered"),)

    def loaded(self, modules: Sequence[Module]) -> None:
        identities = [i for m in modules for i in m.identities]
        features = [f for m in modules for f in m.features]
        self._hosts = {host: Abilities(tuple(identities), tuple(features),
                                       tuple(form for m in modules for form in m.forms(host)))
                       for host in self.context.hosts}
        features = [f for m in modules for f in m.account_features]
        self._account = Abilities(tuple(i for m in modules for i in m.account_identities), tuple(features))
        self._anonymous = Abilities((Identity("account", "anonymous"),), tuple(features))      # XEP-0175 5
        self._written = {each: disco.info(each.identities, each.features, forms=each.forms)
                         for each in (*self._hosts.values(), self._account, self._anonymous)}
        self._nodes_info: list[Node] = [m.node_info for m in modules]
        self._nodes_items: list[Node] = [m.node_items for m in modules]

    @iq("get", DISCO_INFO, "query", Target.HOST)
    def host_info(self, request: Request) -> Effects:
        return of_host(request, self._told(self._hosts[request.to], request.to, bare=False), self._nodes_info)

    @iq("get", DISCO_ITEMS, "query", Target.HOST)
    def host_items(self, request: Request) -> Effects:
        return of_host(request, disco.items(self._below(request.to)), self._nodes_items)

    @iq("get", DISCO_INFO, "query", Target.SELF)
    def own_info(self, request: Request) -> Effects:
        return without_nodes(request, self._info(request))

    @iq("get", DISCO_ITEMS, "query", Target.SELF)
    def own_items(self, request: Request) -> Effects:
        return without_nodes(request, disco.items(()))

    @iq("get", DISCO_INFO, "query", Target.ACCOUNT)
    async def contact_info(self, request: Request) -> Effects:
        await self._may_ask(request)
        return without_nodes(request, self._info(request))

    @iq("get", DISCO_ITEMS, "query", Target.ACCOUNT)
    async def contact_items(self, request: Request) -> Effects:
        await self._may_ask(request)
        return without_nodes(request, disco.items(()))

    def _below(self, host: str) -> list[disco.Item]:
        """Its components and proxies: those of its name, and those that are of no host's."""
        def parent(domain: str) -> str:
            return next((host for host in self.context.hosts if domain.endswith(f".{host}")), host)
        return [disco.Item(domain) for domain in (*self.context.components, *self.context.proxies)
                if parent(domain) == host]

    def _info(self, request: Request) -> bytes:
        ours = self._anonymous if self.context.hosts[request.host].anonymous else self._account
        return self._told(ours, request.host, bare=True)

    def _told(self, ours: Abilities, host: str, *, bare: bool) -> bytes:
        """Ours, and instead of those in namespaces that are delegated what the components say (XEP-0355 7.2)."""
        nested = self.context.nesting.known(host, bare=bare)
        if not nested:
            return self._written[ours]
        identities, features, forms = list(ours.identities), list(ours.features), list(ours.forms)
        for namespace, theirs in nested.items():
            features = [each for each in features if each != namespace and not each.startswith(f"{namespace}#")]
            identities += [identity for identity in theirs.identities if identity not in identities]
            features += theirs.features
            forms += theirs.forms
        return disco.info(identities, features, forms=forms)

    async def _may_ask(self, request: Request) -> None:
        """Strangers learn not even whether there is such an account (protocol.md 12)."""
        if not sees_us(await self.context.storage.roster.get(request.to, request.account)):
            raise Refused("service-unavailable")


def of_host(request: Request, plain: bytes, nodes: Sequence[Node]) -> Effects:
    node = request.payload.get("node")
    if not node:
        return Reply(plain)
    for ask in nodes:
        answer = ask(request, node)
        if answer is not None:
            return Reply(answer)
    raise Refused("item-not-found")


def without_nodes(request: Request, payload: bytes) -> Effects:
    if request.payload.get("node"):
        raise Refused("item-not-found")
    return Reply(payload)
