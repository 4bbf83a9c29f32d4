"""The attributes of a stream's header (RFC 6120 4.7), and each stream error in the situation that 4.9.3 gives it."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.people import PASSWORD, World
from support.rawclient import NS, SASL, STREAM_ERRORS, STREAMS, Client
from support.server import Server, running

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XMLNS = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
GOOD = f"<stream:stream {XMLNS} to='localhost' version='1.0'>"


def error_of(client: Client) -> ET.Element:
    """The stream error that comes now, well formed, with a text whose language is named; the stream ends with it."""
    error = client.until(lambda e: e.tag == STREAMS + "error")[-1]
    assert client.ended() == b"</stream:stream>"
    assert error[0].tag.startswith(STREAM_ERRORS)
    for text in error[1:]:
        assert (text.tag, text.get(LANG)) == (STREAM_ERRORS + "text", "en")
        assert text.text
    assert len(error) <= 2
    return error


# attributes

def test_the_answer_is_to_who_asked(world: World) -> None:
    """RFC 6120 4.7.2: the bare JID of the header's `from`; none for none."""
    client = world.connection()
    client.open(from_="Romeo@LocalHost/orchard")
    assert client.header.get("to") == "romeo@localhost"
    other = world.connection()
    other.open()
    assert other.header.get("to") is None


def test_each_stream_of_a_connection_has_its_own_id(world: World) -> None:
    """RFC 6120 4.7.3; the one before login says nothing about the one behind it."""
    client = world.connection()
    client.open()
    first = client.header.get("id", "")
    assert client.plain(world.account().partition("@")[0], PASSWORD).tag == SASL + "success"
    client.open()
    second = client.header.get("id", "")
    assert first != second
    assert min(len(first), len(second)) >= 16


@pytest.mark.parametrize("lang", ["de", "de-CH", "i-default", "'", ""])
def test_our_language_is_what_we_speak(world: World, lang: str) -> None:
    """RFC 6120 4.7.4: whatever is asked for, what we say is English and says so."""
    client = world.connection()
    client.open(xml_lang=lang.replace("'", "&apos;"))
    assert client.header.get(LANG) == "en"


def with_language(world: World, lang: str) -> Client:
    client = world.connection()
    name = world.account().partition("@")[0]
    client.open(xml_lang="fr")      # that of the stream before login is not the session's
    client.plain(name, PASSWORD)
    client.open(xml_lang=lang)
    client.bind()
    client.jid, client.bare = f"{name}@localhost", f"{name}@localhost"
    return client


@pytest.mark.parametrize(("stream", "stanza", "wanted"), [
    ("de", "", "de"), ("de", "xml:lang='it'", "it"), ("de-CH", "", "de-CH"), ("x' y='", "", None), ("_", "", None)])
def test_stanzas_carry_the_streams_language(world: World, stream: str, stanza: str, wanted: str | None) -> None:
    """RFC 6120 4.7.4 and 8.1.5: their own comes first; what is no language is none."""
    sender, receiver = with_language(world, stream.replace("'", "&apos;")), world.online()
    sender.send(f"<message to='{receiver.bare}' type='chat' {stanza}><body>x</body></message>",
                f"<presence to='{receiver.jid}' {stanza}/>")
    sender.sync()
    for got in receiver.sync():
        assert got.get(LANG) == wanted


def test_a_version_is_answered_with_ours(world: World) -> None:
    """RFC 6120 4.7.5."""
    client = world.connection()
    client.send(GOOD.replace("1.0", "17.4"))
    assert client.next().tag == STREAMS + "features"
    assert client.header.get("version") == "1.0"


# errors that follow a header

HEADERS = {
    "bad-format": [f"<stream:flood {XMLNS} to='localhost' version='1.0'>", GOOD.replace("1.0", "one")],
    "bad-namespace-prefix": [
        "<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"],
    "host-unknown": [GOOD.replace("localhost", "nowhere.example"), GOOD.replace("localhost", "localhost.localhost")],
    "improper-addressing": [GOOD.replace("to='localhost'", ""), GOOD.replace("to='localhost'", "to=''")],
    "invalid-from": [GOOD.replace("to=", "from='romeo@nowhere.example' to="),
                     GOOD.replace("to=", "from='@' to=")],
    "invalid-namespace": [GOOD.replace("http://etherx.jabber.org/streams", "http://wrong.namespace.example.org/"),
                          GOOD.replace("jabber:client", "jabber:server"), GOOD.replace("xmlns='jabber:client'", "")],
    "not-well-formed": [GOOD.replace("version='1.0'>", "version=1.0>"), "<<"],
    "policy-violation": [GOOD.replace("version", f"x='{'x' * 9000}' version")],
    "restricted-xml": ["<!-- x -->" + GOOD, "<!DOCTYPE x>" + GOOD, "<?x y?>" + GOOD],
    "unsupported-encoding": [f"<?xml version='1.0' encoding='ISO-8859-1'?>{GOOD}"],
    "unsupported-version": [GOOD.replace("version='1.0'", ""), GOOD.replace("1.0", "0.9")],
}


@pytest.mark.parametrize(("condition", "header"), [(name, header) for name in HEADERS for header in HEADERS[name]])
def test_a_header_gets_its_error(world: World, condition: str, header: str) -> None:
    """Each after a header of ours (RFC 6120 4.9.1.2)."""
    client = world.connection()
    client.send(header)
    assert error_of(client)[0].tag == STREAM_ERRORS + condition
    assert client.header.get("version") == "1.0"
    assert client.header.get(LANG) == "en"
    assert client.header.get("from")


# errors on a stream

EARLY = {   # before login
    "bad-format": ["hello"],
    "not-authorized": ["<message to='p0@localhost'/>", "<presence/>", "<iq type='get' id='1'><a xmlns='urn:a'/></iq>"],
    "not-well-formed": ["<a></b>"],
    "policy-violation": [f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>{'x' * 20_000}"],
    "restricted-xml": ["<!-- x -->", "<a>&x;</a>"],
    "unsupported-stanza-type": ["<pubsub xmlns='jabber:client'/>", "<a xmlns='urn:a'/>",
                                "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
}
BOUND = {   # on a session
    "bad-format": ["hello", "<message/>hello"],
    "invalid-from": ["<message from='p0@localhost/x' to='p0@localhost'/>", "<presence from='localhost'/>"],
    "not-well-formed": ["<message><body></message>", "<message to=p0@localhost/>", "<message>\0</message>"],
    "policy-violation": ["<message>" + "<x>" * 70, f"<message><body>{'x' * 300_000}</body></message>"],
    "restricted-xml": ["<!-- x -->", "<message><!-- x --></message>", "<message><?x y?></message>",
                       "<message><body>&nbsp;</body></message>", "<!DOCTYPE x>"],
    "unsupported-stanza-type": ["<pubsub/>", "<message xmlns='jabber:server'/>", "<a xmlns='urn:a'/>",
                                f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>=</auth>"],
}


@pytest.mark.parametrize(("condition", "sent"), [(name, sent) for name in EARLY for sent in EARLY[name]])
def test_an_error_before_login(world: World, condition: str, sent: str) -> None:
    client = world.connection()
    client.open()
    client.send(sent)
    assert error_of(client)[0].tag == STREAM_ERRORS + condition


@pytest.mark.parametrize(("condition", "sent"), [(name, sent) for name in BOUND for sent in BOUND[name]])
def test_an_error_on_a_session(world: World, condition: str, sent: str) -> None:
    client = world.connected()
    client.send(sent)
    assert error_of(client)[0].tag == STREAM_ERRORS + condition


@pytest.mark.parametrize("to", ["nowhere.example", "localhost"])
def test_the_header_after_login_is_for_the_same_account(world: World, to: str) -> None:
    """RFC 6120 4.9.3.9: a `from` that is not who has logged in."""
    client = world.connection()
    client.open()
    client.plain(world.account().partition("@")[0], PASSWORD)
    client.restart()
    client.send(f"<stream:stream {XMLNS} from='p0@localhost' to='{to}' version='1.0'>")
    wanted = "invalid-from" if to == "localhost" else "host-unknown"
    assert error_of(client)[0].tag == STREAM_ERRORS + wanted


def test_a_newer_session_of_the_same_resource_conflicts(world: World) -> None:
    """RFC 6120 4.9.3.3."""
    account = world.account()
    older = world.connected(account, "phone")
    world.connected(account, "phone")
    assert error_of(older)[0].tag == STREAM_ERRORS + "conflict"


# errors that the server sends of its own accord

@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Server]:
    more = "[limits.negotiation]\nseconds = 1\n[limits.session]\nidle_seconds = 1\n"
    with running(tmp_path, more=more) as server:
        yield server


def stranger(client: Client) -> None:
    client.open()


def session(client: Client) -> None:
    client.log_in("romeo", "montague")


@pytest.mark.parametrize("begin", [stranger, session])
def test_silence_times_out(impatient: Server, begin: Callable[[Client], None]) -> None:
    """RFC 6120 4.9.3.4."""
    client = Client(impatient.plain)
    begin(client)
    assert error_of(client)[0].tag == STREAM_ERRORS + "connection-timeout"


@pytest.mark.parametrize("begin", [stranger, session])
def test_a_stopping_server_says_so(tmp_path: Path, begin: Callable[[Client], None]) -> None:
    """RFC 6120 4.9.3.20."""
    with running(tmp_path) as server:
        client = Client(server.plain)
        begin(client)
        assert server.terminate() == 0
        assert error_of(client)[0].tag == STREAM_ERRORS + "system-shutdown"


# how an error is written

def test_an_error_is_one_element_and_the_end(world: World) -> None:
    """RFC 6120 4.9.1.1 and 4.9.2: condition, text, nothing else; then our end tag, and the connection closes."""
    client = world.connected()
    client.send("<pubsub/><message to='p0@localhost'/>")
    assert re.fullmatch(
        rb"<stream:error><unsupported-stanza-type xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        rb"(<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>[^<]+</text>)?"
        rb"</stream:error></stream:stream>", client.ended())


def test_an_error_in_one_stream_touches_no_other(world: World) -> None:
    one, other = world.friends()
    one.send("<pubsub/>")
    assert error_of(one)[0].tag == STREAM_ERRORS + "unsupported-stanza-type"
    other.until(lambda e: e.tag == NS + "presence" and e.get("type") == "unavailable")
    assert other.sync() == []
