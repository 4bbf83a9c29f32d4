"""protocol.md 12: without a subscription, an account that exists and one that doesn't answer alike, byte by byte."""

import pytest

from headrace.core.stanza import parse_stanza
from headrace.modules.loader import Dispatcher, build
from headrace.router.control import HoldAll
from headrace.router.session import Reason
from headrace.server.catalog import MODULES
from headrace.storage.ports import RosterItem
from support.world import World

ROMEO, JULIET, NOBODY = "romeo@example.org", "juliet@example.net", "nobody@example.net"
SENDER = f"{ROMEO}/orchard"


class Session:
    jid, priority, flags = SENDER, 0, 1

    def __init__(self) -> None:
        self.got: list[bytes] = []


class Router:
    hosts = frozenset({"example.org", "example.net"})

    def __init__(self) -> None:
        self.routed: list[bytes] = []

    def deliver(self, session: Session, raw: bytes) -> None:
        session.got.append(raw)

    def route(self, raw: bytes) -> None:
        self.routed.append(raw)


class Log:
    def exception(self, event: str, /, **fields: object) -> None:
        raise AssertionError(fields)


def iq(type: str, name: str, namespace: str) -> tuple[Reason, str]:
    return Reason.P_SERVER, f"<iq type='{type}' id='1' to='%s'><{name} xmlns='{namespace}'/></iq>"


ASKED = [
    iq("get", "query", "http://jabber.org/protocol/disco#info"),
    iq("get", "query", "http://jabber.org/protocol/disco#items"),
    iq("get", "ping", "urn:xmpp:ping"),
    iq("get", "query", "jabber:iq:last"),
    iq("get", "query", "jabber:iq:version"),
    iq("get", "time", "urn:xmpp:time"),
    iq("get", "query", "jabber:iq:roster"),
    iq("set", "query", "jabber:iq:roster"),
    iq("get", "query", "urn:unheard-of"),
    iq("get", "query", "jabber:iq:private"),
    iq("set", "query", "jabber:iq:private"),
    iq("get", "query", "jabber:iq:register"),
    iq("set", "query", "jabber:iq:register"),
    iq("get", "vCard", "vcard-temp"),
    iq("set", "vCard", "vcard-temp"),
    iq("get", "blocklist", "urn:xmpp:blocking"),
    iq("set", "block", "urn:xmpp:blocking"),
    iq("set", "command", "http://jabber.org/protocol/commands"),
    (Reason.P_PROBE, "<presence type='probe' to='%s'/>"),
    *((Reason.P_SUBSCRIPTION, f"<presence type='{type}' to='%s'/>")
      for type in ("subscribe", "unsubscribe", "subscribed", "unsubscribed")),
]


async def answers(world: World, reason: Reason, xml: str, to: str) -> list[bytes]:
    session, router = Session(), Router()
    dispatcher = Dispatcher(router, build(MODULES, world.context, {}), Log())  # type: ignore[arg-type]
    stanza = parse_stanza((xml % to).encode(), from_=ROMEO if reason == Reason.P_SUBSCRIPTION else SENDER)
    ticket = dispatcher.punt(session, stanza, reason)  # type: ignore[arg-type]
    if ticket is not None:
        await (ticket.awaitable if isinstance(ticket, HoldAll) else ticket)
    await dispatcher.close()
    return [raw.replace(to.encode(), b"SOMEBODY") for raw in session.got + router.routed]


@pytest.mark.parametrize(("reason", "xml"), ASKED)
@pytest.mark.parametrize("subscription", ["none", "to"])
async def test_alike(world: World, reason: Reason, xml: str, subscription: str) -> None:
    await world.account(ROMEO, JULIET)
    if subscription == "to":  # she sees him, which gives him no right to see her
        await world.storage.roster.put(JULIET, RosterItem(ROMEO, subscription="to"))
    world.arrives(f"{JULIET}/balcony")
    existing = await answers(world, reason, xml, JULIET)
    assert existing == await answers(world, reason, xml, NOBODY)
    assert bool(existing) is (reason == Reason.P_SERVER)
