import dataclasses

import pytest

from headrace.modules.api import Identity, Module, Outcome, Refused, Reply, Request
from headrace.modules.disco import Disco
from headrace.modules.hosts import Host
from headrace.storage.ports import RosterItem
from support.stanzas import tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"


class Rooms(Module):
    name = "rooms"
    features = ("urn:rooms",)
    account_features = ("urn:account",)
    identities = (Identity("conference", "text", "Rooms"),)

    def forms(self, host: str) -> list[bytes]:
        return [b"<x xmlns='jabber:x:data'/>"] if host == "example.net" else []

    def node_info(self, request: Request, node: str) -> bytes | None:
        return b"<info/>" if node == "rooms" else None

    def node_items(self, request: Request, node: str) -> bytes | None:
        return b"<items/>" if node == "rooms" else None


def ask(namespace: str, to: str, node: str = "") -> Request:
    attribute = f" node='{node}'" if node else ""
    return request(f"<iq type='get' id='1'><query xmlns='{namespace}'{attribute}/></iq>", f"{ROMEO}/o", to)


def loaded(world: World) -> Disco:
    module = Disco(world.context, Disco.Options())
    module.loaded([module, Rooms(world.context, Rooms.Options())])
    return module


async def answer(outcome: Outcome) -> tuple[set[tuple[str | None, ...]], set[str | None]]:
    """(identities, features) of an answer."""
    [reply] = await effects(outcome)
    assert isinstance(reply, Reply)
    query = tree(reply.payload)
    return ({tuple(map(e.get, ("category", "type", "name"))) for e in query.iter(f"{{{INFO}}}identity")},
            {e.get("var") for e in query.iter(f"{{{INFO}}}feature")})


async def test_host_tells_what_is_loaded(world: World) -> None:
    identities, features = await answer(loaded(world).host_info(ask(INFO, "example.org")))
    assert identities == {("server", "im", "Headrace"), ("conference", "text", "Rooms")}
    assert features == {INFO, ITEMS, "urn:rooms"}


async def test_forms_are_of_a_host(world: World) -> None:
    for host, count in (("example.org", 0), ("example.net", 1)):
        [answer] = await effects(loaded(world).host_info(ask(INFO, host)))
        assert len(tree(answer.payload).findall("{jabber:x:data}x")) == count


async def test_nodes_are_those_of_modules(world: World) -> None:
    assert await effects(loaded(world).host_info(ask(INFO, "example.org", "rooms"))) == [Reply(b"<info/>")]
    assert await effects(loaded(world).host_items(ask(ITEMS, "example.org", "rooms"))) == [Reply(b"<items/>")]


async def test_own_account(world: World) -> None:
    identities, features = await answer(loaded(world).own_info(ask(INFO, ROMEO)))
    assert identities == {("account", "registered", None)}
    assert features == {INFO, ITEMS, "urn:account"}


async def test_contact_with_subscription(world: World) -> None:
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="from"))
    module = loaded(world)
    assert await answer(module.contact_info(ask(INFO, JULIET))) == await answer(module.own_info(ask(INFO, ROMEO)))
    [items] = await effects(module.contact_items(ask(ITEMS, JULIET)))
    assert tree(items.payload).tag == f"{{{ITEMS}}}query"


@pytest.mark.parametrize("namespace", [INFO, ITEMS])
@pytest.mark.parametrize("known", [True, False])
async def test_stranger_learns_nothing(world: World, namespace: str, known: bool) -> None:
    """Alike whether there is such an account (protocol.md 12); our seeing them gives no right to see what they are."""
    if known:
        await world.account(JULIET)
        await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="to"))
    module = loaded(world)
    handler = module.contact_info if namespace == INFO else module.contact_items
    with pytest.raises(Refused, match="service-unavailable"):
        await effects(handler(ask(namespace, JULIET)))


async def test_unknown_node(world: World) -> None:
    module = loaded(world)
    await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="both"))
    for handler, got in [(module.host_info, ask(INFO, "example.org", "x")),
                         (module.host_items, ask(ITEMS, "example.net", "x")),
                         (module.own_items, ask(ITEMS, ROMEO, "x")), (module.contact_items, ask(ITEMS, JULIET, "x")),
                         (module.own_info, ask(INFO, ROMEO, "x")), (module.contact_info, ask(INFO, JULIET, "x"))]:
        with pytest.raises(Refused, match="item-not-found"):
            await effects(handler(got))


async def test_an_anonymous_user_is_none_who_has_registered(world: World) -> None:
    module = Disco(dataclasses.replace(world.context, hosts={"example.org": Host(anonymous=True)}), Disco.Options())
    module.loaded([module])
    identities, features = await answer(module.own_info(ask(INFO, ROMEO)))
    assert identities == {("account", "anonymous", None)}
    assert INFO in features
