"""What a client may not say in a server's name (protocol.md 1): such children are taken out, the rest arrives."""

import xml.etree.ElementTree as ET

import pytest

from support.people import World
from support.rawclient import NS, Client, without_our_id

FORGED = {
    "stanza-id of the host": "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='localhost'/>",
    "stanza-id of the receiver": "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='{bare}'/>",
    "stanza-id in other letters": "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='{loud}'/>",
    "stanza-id by reference": "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='&#x6c;ocalhost'/>",
    "stanza-id of nobody": "<stanza-id xmlns='urn:xmpp:sid:0' id='x'/>",
    "stanza-id by prefix": "<s:stanza-id xmlns:s='urn:xmpp:sid:0' id='x' by='localhost'/>",
    "stanza-id by a namespace in references": "<stanza-id xmlns='urn:xmpp:sid:&#48;' id='x' by='localhost'/>",
    "delay of the host": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='localhost'/>",
    "delay of the host, louder": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='LocalHost'/>",
    "delay of an account": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='{bare}'/>",
    "delay with a resource": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='localhost/x'/>",
    "carbon received": "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
                       "<message xmlns='jabber:client' from='{bare}' to='{bare}'><body>f</body></message>"
                       "</forwarded></received>",
    "carbon sent": "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
                   "<message xmlns='jabber:client' from='{bare}' to='x@localhost'><body>f</body></message>"
                   "</forwarded></sent>",
    "archive result": "<result xmlns='urn:xmpp:mam:2' id='x'><forwarded xmlns='urn:xmpp:forward:0'/></result>",
    "privilege": "<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/></privilege>",
    "privileged iq": "<privileged_iq xmlns='urn:xmpp:privilege:2'/>",
    "delegation": "<delegation xmlns='urn:xmpp:delegation:2'/>",
}
HARMLESS = {
    "origin-id": "<origin-id xmlns='urn:xmpp:sid:0' id='x'/>",
    "delay of another": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='gateway.example'/>",
    "delay of nobody": "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z'/>",
    "carbons private": "<private xmlns='urn:xmpp:carbons:2'/>",
    "stanza-id elsewhere": "<stanza-id xmlns='urn:mine' id='x' by='localhost'/>",
    "deep": "<wrap xmlns='urn:w'><stanza-id xmlns='urn:xmpp:sid:0' id='x' by='localhost'/></wrap>",
    "forwarded": "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' "
                 "from='localhost'/><message xmlns='jabber:client'><body>x</body></message></forwarded>",
}
REST = "<body>hello &amp; \u00e9</body>", "<x xmlns='urn:x' a='1'><y/></x>"


def children(stanza: ET.Element) -> list[str]:
    return [ET.canonicalize(ET.tostring(child, encoding="unicode"), rewrite_prefixes=True) for child in stanza]


def received(sender: Client, receiver: Client, content: str) -> list[ET.Element]:
    loud = receiver.bare.upper()
    sender.send(f"<message to='{receiver.jid}' type='chat' id='m'>",
                content.format(bare=receiver.bare, loud=loud), "</message>")
    assert sender.sync() == []
    return [without_our_id(stanza) for stanza in receiver.sync()]


def expected(*parts: str) -> list[str]:
    return children(ET.fromstring("<message xmlns='jabber:client'>" + "".join(parts) + "</message>"))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_forged(world: World, forged: str, place: int) -> None:
    """At any place among the children."""
    sender, receiver = world.friends()
    parts = list(REST)
    parts.insert(place, forged)
    [message] = received(sender, receiver, "".join(parts))
    assert children(message) == expected(*REST)
    assert message.attrib == {"from": sender.jid, "to": receiver.jid, "type": "chat", "id": "m"}


def test_many_forged_at_once(world: World) -> None:
    sender, receiver = world.friends()
    [message] = received(sender, receiver, "".join([*FORGED.values(), REST[0], *FORGED.values(), REST[1]]))
    assert children(message) == expected(*REST)


def test_nothing_else(world: World) -> None:
    """A message of forged children alone arrives empty, or not at all."""
    sender, receiver = world.friends()
    assert all(len(message) == 0 for message in received(sender, receiver, "".join(FORGED.values())))


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless(world: World, harmless: str) -> None:
    sender, receiver = world.friends()
    [message] = received(sender, receiver, harmless + "".join(REST))
    assert children(message) == expected(harmless, *REST)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_forged_for_who_is_away(world: World, forged: str) -> None:
    """Kept letters are clean, too: the only delay of the host is the host's."""
    account, sender = world.account(), world.online()
    sender.send(f"<message to='{account}' type='chat'>", forged.format(bare=account, loud=account.upper()), *REST,
                "</message>")
    sender.sync()
    [message] = [stanza for stanza in world.arrive(account) if stanza.tag == NS + "message"]
    [delay] = message.findall("{urn:xmpp:delay}delay")
    assert not delay.get("stamp", "").startswith("2001")
    message.remove(delay)
    for own in message.findall("{urn:xmpp:sid:0}stanza-id"):
        assert own.get("id") != "x"
        message.remove(own)
    assert children(message) == expected(*REST)


@pytest.mark.parametrize("name", ["stanza-id of the host", "delay of the host"])
def test_forged_in_presence(world: World, name: str) -> None:
    sender, receiver = world.friends()
    sender.send("<presence>", FORGED[name], "<status>s</status></presence>",
                f"<presence to='{receiver.jid}'>", FORGED[name], "<status>s</status></presence>")
    sender.sync()
    heard = receiver.sync()
    assert [children(presence) for presence in heard] == [expected("<status>s</status>")] * 2


@pytest.mark.parametrize("child", ["<message xmlns='jabber:client'/>", "<c:x xmlns:c='jabber:client'/>"])
def test_children_that_say_their_content_namespace(world: World, child: str) -> None:
    sender, receiver = world.friends()
    [message] = received(sender, receiver, child + REST[0])
    assert children(message) == expected(child, REST[0])


@pytest.mark.parametrize("child", ["<body xmlns='jabber:server'>s</body>",
                                   "<s:body xmlns:s='jabber:component:accept'>s</s:body>"])
def test_children_of_another_streams_content_namespace(world: World, child: str) -> None:
    """Below that stream's root they would become part of the stanza: they don't travel."""
    sender, receiver = world.friends()
    [message] = received(sender, receiver, child + REST[0])
    assert children(message) == expected(REST[0])
