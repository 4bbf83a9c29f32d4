"""The XMPP side of proxies of bytestreams."""

import dataclasses
from hashlib import sha1

import pytest

from headrace.modules.api import Refused
from headrace.modules.bytestreams import Bytestreams, stream_key
from headrace.modules.disco import Disco
from headrace.session.bytestreams import Activation, Proxy
from support.stanzas import tree
from support.world import World, effects, request

PROXY, STREAMS = "proxy.example.org", "http://jabber.org/protocol/bytestreams"
ROMEO = "romeo@example.org/o"


class Relay:
    """headrace.session.bytestreams.Relay."""

    def __init__(self) -> None:
        self.outcome, self.asked = Activation.DONE, list[tuple[str, str]]()

    def activate(self, key: str, user: str) -> Activation:
        self.asked.append((key, user))
        return self.outcome


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def module(world: World, relay: Relay) -> Bytestreams:
    proxy = Proxy("192.0.2.1", 1080, frozenset({"example.org"}), relay)     # type: ignore[arg-type]
    world.context = dataclasses.replace(world.context, proxies={PROXY: proxy})
    return world.module(Bytestreams)    # type: ignore[no-any-return]


async def ask(module: Bytestreams, type: str, payload: str, sender: str = ROMEO) -> bytes:
    [service] = module.services().values()
    [reply] = await effects(service(request(f"<iq type='{type}' id='1'>{payload}</iq>", sender, PROXY)))
    return reply.payload    # type: ignore[no-any-return]


async def refusal(module: Bytestreams, type: str, payload: str, sender: str = ROMEO) -> str:
    with pytest.raises(Refused) as refused:
        await ask(module, type, payload, sender)
    return refused.value.condition


def activate(sid: str = " sid='s'", target: str = "<activate>Juliet@example.org/x</activate>") -> str:
    return f"<query xmlns='{STREAMS}'{sid}>{target}</query>"


async def test_what_it_is(module: Bytestreams) -> None:
    info = tree(await ask(module, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"))
    assert info[0].attrib == {"category": "proxy", "type": "bytestreams", "name": "File Transfer Relay"}
    assert STREAMS in {feature.get("var") for feature in info}
    assert not len(tree(await ask(module, "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>")))
    assert await refusal(module, "get", "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"
                         ) == "item-not-found"
    assert await refusal(module, "get", "<vCard xmlns='vcard-temp'/>") == "service-unavailable"


async def test_its_address(module: Bytestreams) -> None:
    [host] = tree(await ask(module, "get", f"<query xmlns='{STREAMS}'/>"))
    assert (host.tag, host.attrib) == (f"{{{STREAMS}}}streamhost", {"host": "192.0.2.1", "jid": PROXY, "port": "1080"})


async def test_activation(module: Bytestreams, relay: Relay) -> None:
    assert await ask(module, "set", activate()) == b""
    key = sha1(b"sromeo@example.org/ojuliet@example.org/x").hexdigest()     # prepared
    assert relay.asked == [(key, "romeo@example.org")]
    assert stream_key("s", ROMEO, "juliet@example.org/x") == key


@pytest.mark.parametrize(("outcome", "condition"), [
    (Activation.UNKNOWN, "item-not-found"), (Activation.LONELY, "not-allowed"),
    (Activation.TOO_MANY, "resource-constraint")])
async def test_what_cannot_be_activated(module: Bytestreams, relay: Relay, outcome: Activation, condition: str) -> None:
    relay.outcome = outcome
    assert await refusal(module, "set", activate()) == condition


@pytest.mark.parametrize(("payload", "condition"), [
    (activate(sid=""), "bad-request"), (activate(target=""), "bad-request"),
    (activate(target="<activate>@</activate>"), "jid-malformed")])
async def test_nonsense(module: Bytestreams, relay: Relay, payload: str, condition: str) -> None:
    assert await refusal(module, "set", payload) == condition
    assert relay.asked == []


async def test_strangers(module: Bytestreams, relay: Relay) -> None:
    for type, payload in ("get", f"<query xmlns='{STREAMS}'/>"), ("set", activate()):
        assert await refusal(module, type, payload, "mercutio@other.example/x") == "forbidden"
    assert relay.asked == []


async def test_it_is_found(module: Bytestreams, world: World) -> None:
    """Among the items of the host whose name its ends in, and of no other."""
    disco = Disco(world.context, Disco.Options())
    disco.loaded([disco, module])
    query = "<iq type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
    for host, below in ("example.org", [PROXY]), ("example.net", []):
        [reply] = await effects(disco.host_items(request(query, ROMEO, host)))
        assert [item.get("jid") for item in tree(reply.payload)] == below
