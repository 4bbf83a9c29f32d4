"""Carbons and client states on the wire (XEP-0280, XEP-0352): asked for, had, and with the login (XEP-0386)."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest

from support.people import PASSWORD, World, befriend
from support.rawclient import NS, STREAMS, Client, condition, without_our_id

CARBONS, CSI, SASL2, BIND2 = "urn:xmpp:carbons:2", "urn:xmpp:csi:0", "urn:xmpp:sasl:2", "urn:xmpp:bind:0"
ENABLE = f"<enable xmlns='{CARBONS}'/>"
STANZA_ID = re.compile(rb"<stanza-id xmlns='urn:xmpp:sid:0' by='(.*)' id='[0-9a-f]{32}'/>")
FORWARDED = re.compile(rb"<forwarded xmlns='urn:xmpp:forward:0'>(.*)</forwarded>", re.S)

# What must pass as it is: XEP-0184, 0333, 0085, 0308, 0444, 0461, in the spellings of their own examples.
PAYLOADS: dict[str, bytes] = {
    "receipt asked": b"<body>My lord, dispatch; read o'er these articles.</body><request xmlns='urn:xmpp:receipts'/>",
    "receipt": b"<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>",
    "markable": b"<body>My lord, dispatch</body>\n  <markable xmlns=\"urn:xmpp:chat-markers:0\"/>",
    "displayed": b"<thread>sleeping</thread><displayed xmlns='urn:xmpp:chat-markers:0' id='message-1' />",
    "chat state": b"<active xmlns='http://jabber.org/protocol/chatstates'></active><body>&#x41;<![CDATA[<b>]]></body>",
    "correction": b"<body>But soft</body><replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>",
    "reactions": b"<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'><reaction>\xf0\x9f\x91\x8b</reaction>"
                 b"<reaction>&#128034;</reaction></reactions><store xmlns=\"urn:xmpp:hints\"/>",
    "reply": b"<body>&gt; Anna wrote:\n&gt; Hi\nGreat</body><reply to='anna@example.com' id='message-id1' "
             b"xmlns='urn:xmpp:reply:0'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
             b"<body start='0' end='33'/></fallback>",
}


def with_carbons(world: World, account: str = "", resource: str | None = None) -> Client:
    client = world.online(account, resource)
    assert client.ask("set", ENABLE).get("type") == "result"
    return client


def test_offered(world: World) -> None:
    client = world.connection()
    client.authenticate(world.account().partition("@")[0], PASSWORD)
    client.bind()
    features = client.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "localhost")[0]
    assert {CARBONS, f"{CARBONS[:-1]}rules:0"} <= {feature.get("var") for feature in features}


def test_client_state_is_among_the_features_after_login(world: World) -> None:
    client = world.connection()
    assert client.open().find(f"{{{CSI}}}csi") is None
    client.plain(world.account().partition("@")[0], PASSWORD)
    assert client.open().find(f"{{{CSI}}}csi") is not None


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("inactive", [False, True])
def test_payloads_pass_untouched(world: World, name: str, inactive: bool) -> None:
    """Byte for byte, to the addressed resource, in the received and in the sent copy, whether or not they look."""
    inside = PAYLOADS[name]
    romeo = world.online()
    romeo_too = with_carbons(world, romeo.bare)
    juliet = world.online()
    juliet_too = with_carbons(world, juliet.bare)
    others = (juliet, juliet_too, romeo_too)
    for client in others:
        client.send(f"<inactive xmlns='{CSI}'/>" if inactive else "")
        client.sync()
    romeo.send(f"<message to='{juliet.jid}' type='chat' id='1'>".encode(), inside, b"</message>")
    for client in others:
        client.until(lambda e: e.tag == f"{NS}message")
        copy = FORWARDED.search(client.raw)
        message = client.raw if client is juliet else copy and copy[1]
        assert message is not None
        content = message.partition(b">")[2].removesuffix(b"</message>")
        assert content.startswith(inside)
        owner = romeo.bare if client is romeo_too else juliet.bare
        added = STANZA_ID.fullmatch(content, len(inside))       # the archive's, of whose copy it is
        assert added[1] == owner.encode() if added else content == inside


def test_forged_copies(world: World) -> None:
    """Section 7 and 11: what only a server may say is taken out, in a message or as an error's content."""
    romeo, tybalt = with_carbons(world), world.online()
    forged = (f"<received xmlns='{CARBONS}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
              f"from='juliet@localhost/b' to='{romeo.jid}' type='chat'><body>x</body></message></forwarded></received>")
    for kind in (forged, forged.replace("received", "sent"), f"<error type='cancel'/>{forged}",
                 forged.replace("<received xmlns=", "<p:received xmlns:p=").replace("/received", "/p:received")):
        tybalt.send(f"<message to='{romeo.jid}' type='chat'><body>y</body>{kind}</message>")
        message = romeo.until(lambda e: e.tag == f"{NS}message")[-1]
        assert not [child for child in message if child.tag.startswith(f"{{{CARBONS}}}")], romeo.raw


PRIVATE = f"<private xmlns='{CARBONS}'/><no-copy xmlns='urn:xmpp:hints'/>"
BODY, MUC_USER = "<body>x</body>", "http://jabber.org/protocol/muc#user"


@pytest.mark.parametrize(("type", "inside", "copied"), [
    ("chat", BODY, "both"), ("chat", "", "both"), ("normal", BODY, "both"), ("normal", "<x xmlns='urn:x'/>", ""),
    ("normal", "<received xmlns='urn:xmpp:receipts' id='1'/>", "both"),
    ("normal", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "both"),
    ("normal", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", "both"),
    ("headline", BODY, ""), ("groupchat", BODY, ""), ("chat", BODY + PRIVATE, ""),
    ("normal", "<x xmlns='jabber:x:conference' jid='room@chat.localhost'/>", "both"),
    ("normal", f"<x xmlns='{MUC_USER}'><invite to='juliet@localhost'/></x>", "both"),
    ("chat", f"<x xmlns='{MUC_USER}'/>{BODY}", "sent"),
])
def test_what_is_copied(world: World, type: str, inside: str, copied: str) -> None:
    """Section 6.1 and 9; nothing is taken out of what is not copied."""
    romeo, juliet = world.online(), world.online()
    romeo_too, juliet_too = with_carbons(world, romeo.bare), with_carbons(world, juliet.bare)
    juliet.sync()
    romeo.send(f"<message to='{juliet.jid}' type='{type}' id='1'>{inside}</message>")
    romeo.sync()
    [message] = [without_our_id(e) for e in juliet.sync()]
    assert [ET.tostring(child) for child in message] == [
        ET.tostring(child) for child in ET.fromstring(f"<message xmlns='{NS[1:-1]}'>{inside}</message>")]
    assert [len(client.sync()) for client in (romeo_too, juliet_too)] == [copied != "", copied == "both"]


def test_an_answer_is_copied_to_who_saw_the_question(world: World) -> None:
    """Errors: of what was copied, to the same; and nobody hears what a resource says of a copy (section 10.3)."""
    romeo, juliet = world.online(), world.online()
    romeo_too = with_carbons(world, romeo.bare)
    romeo.sync()
    juliet.sync()
    romeo.send(f"<message to='{juliet.jid}' type='chat' id='1'>{BODY}</message>")
    assert juliet.until(lambda e: e.get("id") == "1")
    [copy] = romeo_too.until(lambda e: e.tag == f"{NS}message")
    error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    romeo_too.send(f"<message to='{copy.get('from')}' type='error' id='1'>{error}</message>")
    romeo_too.send(f"<message to='{copy.get('from')}' type='error'>{error}</message>")
    assert [client.sync() for client in (romeo_too, romeo, juliet)] == [[], [], []]
    juliet.send(f"<message to='{romeo.jid}' type='error' id='1'>{error}</message>")
    juliet.sync()
    assert [e.get("type") for e in romeo.sync()] == ["error"]
    [copy] = romeo_too.sync()
    assert (copy.get("type"), condition(copy[0][0][0])) == ("error", "gone")


def test_order_of_switching(world: World) -> None:
    """In one segment: what follows the request is copied already, what follows the other is not any more."""
    desk, juliet = world.online(), world.online()
    phone = world.online(desk.bare)
    hello = f"<message to='{juliet.jid}' type='chat' id='{{}}'><body>x</body></message>"
    phone.send(f"<iq type='set' id='on'>{ENABLE}</iq>")
    phone.until(lambda e: e.get("id") == "on")
    desk.send(hello.format(1), f"<iq type='set' id='e'>{ENABLE}</iq>", hello.format(2))
    desk.sync()
    assert [e[0][0][0].get("id") for e in phone.sync() if e.tag == f"{NS}message"] == ["1", "2"]
    phone.send(hello.format(3), f"<iq type='set' id='off'>{ENABLE.replace('enable', 'disable')}</iq>", hello.format(4))
    phone.sync()
    assert [e[0][0][0].get("id") for e in desk.sync() if e.tag == f"{NS}message"] == ["3", "4"]
    desk.send(hello.format(5))
    desk.sync()
    assert phone.sync() == []


def test_requests_that_are_none(world: World) -> None:
    client = world.online()
    assert condition(client.ask("get", ENABLE)) == "service-unavailable"
    assert condition(client.ask("set", f"<switch xmlns='{CARBONS}'/>")) == "service-unavailable"


def test_inactive_phone(world: World) -> None:
    """Presence waits, the last of each; chat states don't come; a message brings what waits, in order."""
    desk, phone = world.friends()
    phone.send(f"<inactive xmlns='{CSI}'/>")
    phone.sync()
    for status in "123":
        desk.send(f"<presence><status>{status}</status></presence>")
    desk.send(f"<message to='{phone.jid}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>"
              "</message>")
    desk.sync()
    desk.send(f"<message to='{phone.jid}' type='chat'><body>x</body></message>")
    desk.sync()
    assert [(e.tag, e.findtext(f"{NS}status") or e.findtext(f"{NS}body")) for e in phone.sync()] == [
        (f"{NS}presence", "3"), (f"{NS}message", "x")]


@pytest.mark.parametrize("stanza", [
    f"<message to='{{to}}' type='chat' id='1'>{BODY}</message>",
    "<message to='{to}' type='chat' id='1'><propose xmlns='urn:xmpp:jingle-message:0' id='c'/></message>",
    "<message to='{to}' type='chat' id='1'><received xmlns='urn:xmpp:receipts' id='r'/></message>",
    "<iq to='{to}' type='set' id='1'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='c'/></iq>",
    "<presence to='{to}' type='error' id='1'><error type='cancel'/></presence>",
])
def test_at_once_though_inactive(world: World, stanza: str) -> None:
    """Messages and calls; and it stays inactive."""
    desk, phone = world.friends()
    phone.send(f"<inactive xmlns='{CSI}'/>")
    phone.sync()
    desk.send("<presence><status>1</status></presence>", stanza.format(to=phone.jid))
    desk.sync()
    assert phone.until(lambda e: e.get("id") == "1")
    desk.send("<presence><status>2</status></presence>")
    desk.sync()
    phone.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        phone.next()


def test_new_streams_are_active(world: World) -> None:
    """Section 5: a stream always begins active, whatever the last one was."""
    desk, phone = world.friends()
    phone.send(f"<inactive xmlns='{CSI}'/>")
    phone.log_out()
    desk.sync()
    again = world.online(phone.bare)
    desk.send("<presence><status>x</status></presence>")
    desk.sync()
    assert "x" in [e.findtext(f"{NS}status") for e in again.sync()]


def test_with_the_login(world: World) -> None:
    """XEP-0386: on before anything comes, and said in its list of features."""
    desk = world.online()
    juliet = world.online()
    befriend(desk, juliet)
    phone = world.connection("direct")
    inline = phone.open().find(f"{{{SASL2}}}authentication/{{{SASL2}}}inline/{{{BIND2}}}bind/{{{BIND2}}}inline")
    assert inline is not None
    assert {CARBONS, CSI} <= {feature.get("var") for feature in inline}
    secret = base64.b64encode(f"\0{desk.bare.partition('@')[0]}\0{PASSWORD}".encode()).decode()
    phone.send(f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'><initial-response>{secret}</initial-response>"
               f"<bind xmlns='{BIND2}'><tag>phone</tag>{ENABLE}<inactive xmlns='{CSI}'/></bind></authenticate>")
    success = phone.until(lambda e: e.tag == f"{{{SASL2}}}success")[-1]
    assert list(success.iter(f"{{{BIND2}}}bound")) != []
    phone.until(lambda e: e.tag == f"{STREAMS}features")
    phone.send("<presence/>")
    phone.sync()
    juliet.send("<presence><status>x</status></presence>")
    juliet.sync()
    juliet.send(f"<message to='{desk.jid}' type='chat' id='1'><body>x</body></message>")
    juliet.sync()
    presence, copy = phone.sync()
    assert (presence.findtext(f"{NS}status"), copy[0].tag) == ("x", f"{{{CARBONS}}}received")
