"""SASL as RFC 6120 6 and RFC 5802 have it, and what those get who guess."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest
from scramp import ScramClient

from support.people import PASSWORD, World
from support.rawclient import SASL, STREAMS, Client

AUTH = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"


def failure(answer: ET.Element) -> str:
    assert answer.tag == SASL + "failure", answer
    return answer[0].tag.removeprefix(SASL)


def respond(client: Client, data: bytes | str) -> ET.Element:
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    client.send(f"<response {AUTH}>{text}</response>")
    return client.next()


def someone(world: World) -> str:
    return world.account().partition("@")[0]


def opened(world: World) -> Client:
    client = world.connection()
    client.open()
    return client


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("kind", ["plain", "direct"])
def test_scram(world: World, mechanism: str, kind: str) -> None:
    client, name = world.connection(kind), someone(world)
    client.open()
    scram = ScramClient([mechanism], name, PASSWORD)
    challenge = client.auth(mechanism, scram.get_client_first().encode())
    assert challenge.tag == SASL + "challenge"
    scram.set_server_first(base64.b64decode(challenge.text or "").decode())
    success = respond(client, scram.get_client_final().encode())
    assert success.tag == SASL + "success"
    scram.set_server_final(base64.b64decode(success.text or "").decode())  # the server knows the verifier, too
    client.open()
    client.bind("here")
    assert client.sync() == []


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_scram_with_a_wrong_password(world: World, mechanism: str) -> None:
    client = opened(world)
    scram = ScramClient([mechanism], someone(world), "guess")
    challenge = client.auth(mechanism, scram.get_client_first().encode())
    scram.set_server_first(base64.b64decode(challenge.text or "").decode())
    assert failure(respond(client, scram.get_client_final().encode())) == "not-authorized"


@pytest.mark.parametrize("first", [
    b"", b"n", b"n,,", b"n,,n=p0", b"n,,r=abc,n=p0", b"x,,n=p0,r=abc", b"n,,m=ext,n=p0,r=abc", b"n,,n=p=0,r=abc",
    b"n,,n=,r=abc", b"n,,n=p0,r=", b"n,,n=p0,r=a\x00b", b"n,,n=\xff,r=abc", b"p=tls-unique,,n=p0,r=abc",
    b"n,a=p1@localhost,n=p0,r=abc", b"n" * 10_000, b"n,,n=" + b"p" * 5000 + b",r=abc",
])
def test_scram_first_messages_that_are_none(world: World, first: bytes) -> None:
    client = opened(world)
    assert client.auth("SCRAM-SHA-256", first).tag in (SASL + "failure", SASL + "challenge")
    if client.raw.startswith(b"<challenge"):
        assert failure(respond(client, b"c=biws,r=abc,p=AAAA")) in ("not-authorized", "malformed-request")


@pytest.mark.parametrize("last", [
    b"", b"c=biws", b"c=biws,r={r}", b"c=biws,r={r},p=", b"c=biws,r={r},p=!!!!", b"c=biws,r=other,p=AAAA",
    b"c=cD10,r={r},p=AAAA", b"c=biws,r={r},p=" + base64.b64encode(bytes(32)),
    b"c=biws,r={r},p=" + base64.b64encode(bytes(3200)), b"\xff\xfe", b"c=biws,r={r},x=1,p=AAAA",
])
def test_scram_final_messages_that_are_none(world: World, last: bytes) -> None:
    client = opened(world)
    challenge = client.auth("SCRAM-SHA-256", b"n,,n=" + someone(world).encode() + b",r=abc")
    nonce = re.match(rb"r=([^,]*)", base64.b64decode(challenge.text or ""))
    assert nonce
    answer = respond(client, last.replace(b"{r}", nonce[1]))
    assert failure(answer) in ("not-authorized", "malformed-request", "incorrect-encoding")


def test_a_wrong_password_may_be_mended(world: World) -> None:
    client, name = opened(world), someone(world)
    assert failure(client.plain(name, "guess")) == "not-authorized"
    assert failure(client.plain(name, "")) in ("not-authorized", "malformed-request")
    assert client.plain(name, PASSWORD).tag == SASL + "success"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_an_unknown_account_looks_like_any_other(world: World, mechanism: str) -> None:
    """Same answers, and for SCRAM a salt that stays the same (protocol.md 10)."""
    answers: dict[str, list[bytes]] = {}
    for name in (someone(world), f"nobody-{mechanism.lower()}"):
        answers[name] = []
        for _ in range(2):
            client = opened(world)
            if mechanism == "PLAIN":
                client.plain(name, "guess")
            else:
                challenge = client.auth(mechanism, f"n,,n={name},r=abc".encode())
                nonce, salt, *more = base64.b64decode(challenge.text or "").split(b",")
                answers[name] += [salt, *more]
                respond(client, b"c=biws," + nonce + b",p=" + base64.b64encode(bytes(20 if "-1" in mechanism else 32)))
            answers[name].append(client.raw)
    known, unknown = answers.values()
    assert known[:len(known) // 2] == known[len(known) // 2:]
    assert unknown[:len(unknown) // 2] == unknown[len(unknown) // 2:]
    assert [a for a in known if not a.startswith(b"s=")] == [a for a in unknown if not a.startswith(b"s=")]
    assert [len(a) for a in known] == [len(a) for a in unknown]


def test_abort(world: World) -> None:
    client, name = opened(world), someone(world)
    client.auth("SCRAM-SHA-256", f"n,,n={name},r=abc".encode())
    client.send(f"<abort {AUTH}/>")
    assert failure(client.next()) == "aborted"
    assert client.plain(name, PASSWORD).tag == SASL + "success"


@pytest.mark.parametrize("nonza", [f"<abort {AUTH}/>", f"<response {AUTH}/>"])
def test_steps_of_no_exchange(world: World, nonza: str) -> None:
    client = opened(world)
    client.send(nonza)
    answer = client.next()
    assert answer.tag == STREAMS + "error" or failure(answer) in ("aborted", "malformed-request")


@pytest.mark.parametrize(("nonza", "conditions"), [
    (f"<auth {AUTH} mechanism='PLAIN'>%%%</auth>", {"incorrect-encoding"}),
    (f"<auth {AUTH} mechanism='PLAIN'>AHA</auth>", {"incorrect-encoding"}),
    (f"<auth {AUTH} mechanism='PLAIN'>===</auth>", {"incorrect-encoding"}),
    (f"<auth {AUTH} mechanism='PLAIN'>=</auth>", {"malformed-request"}),
    (f"<auth {AUTH} mechanism='PLAIN'>YWJj</auth>", {"malformed-request"}),
    (f"<auth {AUTH} mechanism='PLAIN'>{base64.b64encode(bytes(3)).decode()}</auth>",
     {"malformed-request", "not-authorized"}),
    (f"<auth {AUTH} mechanism='PLAIN'>{base64.b64encode(b'%cp0%cx%cy' % (0, 0, 0)).decode()}</auth>",
     {"malformed-request", "not-authorized"}),
    (f"<auth {AUTH} mechanism='PLAIN'>{base64.b64encode(b'%c%c%c%c' % (0, 255, 0, 255)).decode()}</auth>",
     {"malformed-request", "not-authorized"}),
    (f"<auth {AUTH} mechanism='PLAIN'>{base64.b64encode(b'%cp' % 0 + b'0' * 2000 + bytes(1) + b'x').decode()}</auth>",
     {"malformed-request", "not-authorized"}),
    (f"<auth {AUTH} mechanism='X-UNHEARD-OF'/>", {"invalid-mechanism"}),
    (f"<auth {AUTH} mechanism='plain'/>", {"invalid-mechanism"}),
    (f"<auth {AUTH} mechanism=''/>", {"invalid-mechanism", "malformed-request"}),
    (f"<auth {AUTH}/>", {"invalid-mechanism", "malformed-request"}),
])
def test_what_is_not_sasl(world: World, nonza: str, conditions: set[str]) -> None:
    client = opened(world)
    client.send(nonza)
    assert failure(client.next()) in conditions
    assert client.plain(someone(world), PASSWORD).tag == SASL + "success"  # the stream lives on


def test_plain_without_an_initial_response(world: World) -> None:
    client, name = opened(world), someone(world)
    challenge = client.auth("PLAIN")
    assert (challenge.tag, challenge.text) == (SASL + "challenge", None)
    assert respond(client, f"\0{name}\0{PASSWORD}".encode()).tag == SASL + "success"


def test_authorization_identities(world: World) -> None:
    own, other = world.account(), world.account()
    name = own.partition("@")[0]
    client = opened(world)
    assert failure(client.plain(name, PASSWORD, other)) in ("invalid-authzid", "not-authorized")
    assert client.plain(name, PASSWORD, own).tag == SASL + "success"


def test_too_many_attempts_close_the_stream(world: World) -> None:
    """Two to five retries are let pass (RFC 6120 6.4.5)."""
    client, failures = opened(world), 0
    while client.plain("nobody-here", "guess").tag == SASL + "failure":
        failures += 1
        assert failures < 10
    assert b"<policy-violation" in client.raw
    assert client.ended() == b"</stream:stream>"
    assert 3 <= failures <= 6


def test_no_second_authentication(world: World) -> None:
    client, name = world.connection(), someone(world)
    client.authenticate(name, PASSWORD)
    client.send(f"<auth {AUTH} mechanism='PLAIN'>{base64.b64encode(b'%cp0%csecret' % (0, 0)).decode()}</auth>")
    assert client.next().tag in (SASL + "failure", STREAMS + "error")


def test_no_stanza_between_success_and_the_new_header(world: World) -> None:
    client = opened(world)
    assert client.plain(someone(world), PASSWORD).tag == SASL + "success"
    client.restart()
    client.send("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    assert client.stream_error() in ("bad-format", "invalid-namespace", "not-well-formed")


def test_other_letters_of_the_same_name(world: World) -> None:
    """A simple user name is a localpart, prepared like any (RFC 6120 6.3.8)."""
    client, name = world.connection(), someone(world)
    client.log_in(name.upper(), PASSWORD)
    assert client.bare == f"{name}@localhost"
