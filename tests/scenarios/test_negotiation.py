"""How streams open, fail and close (RFC 6120 4)."""

import base64
import ssl
import xml.etree.ElementTree as ET

import pytest

from support.people import PASSWORD, World
from support.rawclient import BIND, HEADER, SASL, STREAMS, TLS, Client

STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"


def mechanisms(features: ET.Element) -> set[str | None]:
    return {mechanism.text for mechanism in features.iterfind(f"{SASL}mechanisms/{SASL}mechanism")}


def initial(name: str) -> str:
    return base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()


def test_the_answer_to_a_header(world: World) -> None:
    one, other = world.connection(), world.connection()
    one.open()
    other.open()
    for client in (one, other):
        assert client.header.tag == STREAMS + "stream"
        assert client.header.get("from") == "localhost"
        assert client.header.get("version") == "1.0"
        assert client.header.get("{http://www.w3.org/XML/1998/namespace}lang")
        assert b"xmlns='jabber:client'" in client.head or b'xmlns="jabber:client"' in client.head
    assert one.header.get("id") != other.header.get("id")
    assert len(one.header.get("id", "")) >= 16  # not to be guessed: RFC 6120 4.7.3


def test_features_in_each_state(world: World) -> None:
    client = world.connection("starttls")
    features = client.open()
    assert features.find(f"{TLS}starttls/{TLS}required") is not None
    assert features.find(SASL + "mechanisms") is None
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
    assert client.next().tag == TLS + "proceed"
    client.secure(world.trust)
    first = client.header.get("id")
    features = client.open()
    assert client.header.get("id") != first
    assert features.find(TLS + "starttls") is None
    assert {"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"} <= mechanisms(features)
    client.plain(world.account().partition("@")[0], PASSWORD)
    features = client.open()
    assert features.find(SASL + "mechanisms") is None
    assert features.find(BIND + "bind") is not None


@pytest.mark.parametrize(("header", "conditions"), [
    (f"<stream:stream xmlns='jabber:client' {STREAM} to='nowhere.example' version='1.0'>", {"host-unknown"}),
    (f"<stream:stream xmlns='jabber:client' {STREAM} to='a@b@c' version='1.0'>",
     {"host-unknown", "improper-addressing"}),
    (f"<stream:stream xmlns='jabber:server' {STREAM} to='localhost' version='1.0'>", {"invalid-namespace"}),
    ("<stream:stream xmlns='jabber:client' xmlns:stream='urn:wrong' to='localhost' version='1.0'>",
     {"invalid-namespace"}),
    ("<stream:stream to='localhost' version='1.0'>", {"not-well-formed", "bad-namespace-prefix"}),
    (f"<stream:flood xmlns='jabber:client' {STREAM} to='localhost' version='1.0'>", {"bad-format"}),
    ("<iq xmlns='jabber:client' type='get' id='1'/>", {"bad-format", "invalid-namespace"}),
    ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", {"not-well-formed"}),
    (f"<stream:stream xmlns='jabber:client' {STREAM} to='localhost'>", {"unsupported-version"}),
    (f"<stream:stream xmlns='jabber:client' {STREAM} to='localhost' version='0.9'>", {"unsupported-version"}),
    ("<?xml version='1.0' encoding='ISO-8859-1'?>" + HEADER.format(host="localhost").partition("?>")[2],
     {"unsupported-encoding"}),
    ("<!DOCTYPE stream [<!ENTITY x 'y'>]>" + HEADER.format(host="localhost").partition("?>")[2], {"restricted-xml"}),
    ("<!-- -->" + HEADER.format(host="localhost").partition("?>")[2], {"restricted-xml"}),
    (HEADER.format(host="localhost").encode("utf-16").decode("latin-1"),
     {"unsupported-encoding", "not-well-formed", "bad-format"}),
    ("<stream:stream a='" + "x" * 9000, {"policy-violation"}),
    (f"<stream:stream xmlns='jabber:client' {STREAM} to='localhost' version='1.0' a='1' a='2'>", {"not-well-formed"}),
])
def test_a_header_that_is_none(world: World, header: str, conditions: set[str]) -> None:
    """The server still answers with a header of its own (RFC 6120 4.9.1.2)."""
    client = world.connection()
    client.send(header.encode("latin-1"))
    assert client.stream_error() in conditions
    assert client.header.tag == STREAMS + "stream"


def test_a_later_version_is_answered_with_ours(world: World) -> None:
    client = world.connection()
    client.send(HEADER.format(host="localhost").replace("version='1.0'>", "version='1.1'>"))
    assert client.next().tag == STREAMS + "features"
    assert client.header.get("version") == "1.0"


def test_the_host_in_other_letters(world: World) -> None:
    client = world.connection()
    client.open("LocalHost")
    assert client.header.get("from") == "localhost"


@pytest.mark.parametrize("stanza", [
    "<message to='p0@localhost'><body>early</body></message>", "<presence/>",
    "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
])
def test_a_stanza_before_authentication(world: World, stanza: str) -> None:
    client = world.connection()
    client.open()
    client.send(stanza)
    assert client.stream_error() == "not-authorized"


@pytest.mark.parametrize("stanza", ["<message to='p0@localhost'><body>early</body></message>", "<presence/>"])
def test_a_stanza_before_binding(world: World, stanza: str) -> None:
    client = world.connection()
    client.authenticate(world.account().partition("@")[0], PASSWORD)
    client.send(stanza)
    assert client.stream_error() == "not-authorized"


@pytest.mark.parametrize("authenticated", [False, True])
def test_an_element_nobody_knows(world: World, authenticated: bool) -> None:
    client = world.connected() if authenticated else world.connection()
    if not authenticated:
        client.open()
    client.send("<pubsub xmlns='urn:what'/>")
    assert client.stream_error() in {"unsupported-stanza-type", "not-authorized", "invalid-namespace"}


def test_login_waits_for_tls(world: World) -> None:
    client = world.connection("starttls")
    client.open()
    answer = client.plain(world.account().partition("@")[0], PASSWORD)
    assert answer.find(SASL + "encryption-required") is not None or answer.tag == STREAMS + "error"


def test_what_comes_behind_starttls_is_dropped(world: World) -> None:
    """Command injection into the secured stream: the class of CVE-2011-0411."""
    client = world.connection("starttls")
    client.open()
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>", HEADER.format(host="localhost"),
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>=</auth>")
    assert client.next().tag == TLS + "proceed"
    try:
        client.secure(world.trust)
    except (ssl.SSLError, OSError):
        return  # the plain bytes were taken for a handshake, which failed: nothing was injected
    client.open()
    client.send("</stream:stream>")
    assert b"failure" not in client.ended()


def test_starttls_inside_tls(world: World) -> None:
    client = world.connection("direct")
    client.open()
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
    answer = client.next()
    assert answer.tag in (TLS + "failure", STREAMS + "error")
    client.ended()


@pytest.mark.parametrize("kind", ["plain", "direct"])
@pytest.mark.parametrize("state", ["open", "authenticated", "bound"])
def test_closing(world: World, kind: str, state: str) -> None:
    client = world.connection(kind)
    name = world.account().partition("@")[0]
    if state == "open":
        client.open()
    elif state == "authenticated":
        client.authenticate(name, PASSWORD)
    else:
        client.log_in(name, PASSWORD)
    client.send("</stream:stream>")
    assert client.ended() == b"</stream:stream>"


def test_everything_in_one_segment(world: World) -> None:
    """A client that waits for no answer: what follows <success/> belongs to the new stream."""
    client = world.connection()
    name = world.account().partition("@")[0]
    client.open()
    header = HEADER.format(host="localhost")
    client.send(f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>{initial(name)}</auth>", header,
                f"<iq type='set' id='b'><bind xmlns='{BIND[1:-1]}'><resource>fast</resource></bind></iq>",
                "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>")
    assert client.next().tag == SASL + "success"
    client.restart()
    assert client.next().tag == STREAMS + "features"
    assert client.next().findtext(f"{BIND}bind/{BIND}jid") == f"{name}@localhost/fast"
    assert client.next().get("id") == "p"
    assert client.ended() == b"</stream:stream>"


def test_every_byte_alone(world: World) -> None:
    client: Client = world.connected()
    for byte in b"<iq type='get' id='&#50;'><ping xmlns='urn:xmpp:ping'/></iq>":
        client.send(bytes([byte]))
    assert client.next().get("id") == "2"


def test_whitespace_keeps_alive(world: World) -> None:
    client = world.connection()
    client.open()
    client.send(b" \n" * 1000)
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>=</auth>")
    assert client.next().tag == SASL + "failure"
    bound = world.connected()
    bound.send(b" \r\n\t" * 100_000)
    assert bound.sync() == []
