"""Who may be logged in: so many at once (RFC 6120 7.6.2.1), and nobody whose proof holds no more (protocol.md 11)."""

import base64
import hmac
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from scramp import ScramClient

from support.people import PASSWORD, World
from support.rawclient import SASL, STANZA_ERRORS, STREAMS, Client, condition
from support.server import Server, running

LIMIT = 3
SASL2, BIND2, CONSTRAINT = "{urn:xmpp:sasl:2}", "{urn:xmpp:bind:0}", STANZA_ERRORS + "resource-constraint"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    users = {f"p{number}@localhost": PASSWORD for number in range(60)}
    with running(tmp_path_factory.mktemp("server"), users=users,
                 more=f"[limits.account]\nsessions = {LIMIT}") as server:
        yield server


def crowd(world: World) -> list[Client]:
    """As many sessions of one account as it may have."""
    account = world.account()
    return [world.online(account, f"r{number}") for number in range(LIMIT)]


def authenticated(world: World, account: str) -> Client:
    """Not bound yet."""
    client = world.connection()
    client.authenticate(account.partition("@")[0], PASSWORD)
    return client


def bind2(world: World, account: str, agent: str) -> Client:
    """Has asked for a login with a resource (XEP-0386); the answer is to be read."""
    client = world.connection("direct")
    client.open()
    initial = base64.b64encode(f"\0{account.partition('@')[0]}\0{PASSWORD}".encode()).decode()
    client.send(f"<authenticate xmlns='{SASL2[1:-1]}' mechanism='PLAIN'><initial-response>{initial}</initial-response>"
                f"<user-agent id='{agent}'/><bind xmlns='{BIND2[1:-1]}'><tag>tag</tag></bind></authenticate>")
    return client


def test_no_more_sessions_than_may_be(world: World) -> None:
    """The older ones stay; one that ends makes room, on the same stream."""
    clients = crowd(world)
    late = authenticated(world, clients[0].bare)
    answer = late.bind("late")
    assert (condition(answer), answer[-1].get("type")) == ("resource-constraint", "wait")
    assert "3 sessions" in "".join(answer.itertext())
    for client in clients:
        assert all(stanza.get("type") is None for stanza in client.sync())  # presence of the others
    clients[0].log_out()
    assert late.bind("late").get("type") == "result"
    assert late.sync() == []


def test_who_replaces_a_session_needs_no_room(world: World) -> None:
    clients = crowd(world)
    again = authenticated(world, clients[0].bare)
    assert again.bind("r1").get("type") == "result"
    assert clients[1].stream_error() == "conflict"


def test_the_same_by_bind_2(world: World) -> None:
    account = world.account()
    devices = [bind2(world, account, f"agent {number}") for number in range(LIMIT)]
    for device in devices:
        assert device.next().find(BIND2 + "bound") is not None
    late = bind2(world, account, "another")
    failure = late.next()
    assert [child.tag for child in failure] == [SASL + "temporary-auth-failure", CONSTRAINT, SASL2 + "text"]
    late.log_out()
    assert bind2(world, account, "agent 1").next().find(BIND2 + "bound") is not None
    assert devices[1].stream_error() == "conflict"
    for device in (devices[0], devices[2]):
        assert [element.tag for element in device.sync()] == [STREAMS + "features"]


CHANGES = pytest.mark.parametrize(("change", "told"), [
    (("passwd", "--stdin"), "reset"), (("disable",), "policy-violation"), (("delete", "--yes"), "not-authorized")])


@CHANGES
def test_a_proven_login_ends_before_it_binds(world: World, change: tuple[str, ...], told: str) -> None:
    account, bystander = world.account(), authenticated(world, world.account())
    client = authenticated(world, account)
    assert world.server.command("user", *change, account, input="new\n").returncode == 0
    assert client.stream_error() == told
    assert bystander.bind("here").get("type") == "result"


def test_an_account_whose_sessions_are_ended_loses_its_logins_too(world: World) -> None:
    bound = world.connected()
    client = authenticated(world, bound.bare)
    assert world.server.command("session", "end", bound.bare).stdout == "1 ended\n"
    assert bound.stream_error() == client.stream_error() == "policy-violation"


@CHANGES
def test_a_proof_that_comes_too_late_is_none(world: World, change: tuple[str, ...], told: str) -> None:
    """The challenge was made from what is no more; who does not know the password learns nothing of it."""
    account = world.account()
    client, guesser = (challenged(world, account, password) for password in (PASSWORD, "guess"))
    assert world.server.command("user", *change, account, input="new\n").returncode == 0
    assert answered(guesser) == "not-authorized"
    assert answered(client) == "temporary-auth-failure"


FAST, AGENT = "urn:xmpp:fast:0", "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"


def by_sasl2(world: World, mechanism: str, initial: bytes, inside: str) -> ET.Element:
    client = world.connection("direct")
    client.open()
    client.send(f"<authenticate xmlns='{SASL2[1:-1]}' mechanism='{mechanism}'>{AGENT}{inside}<initial-response>"
                f"{base64.b64encode(initial).decode()}</initial-response></authenticate>")
    return client.next()


def by_token(world: World, name: str, token: str) -> ET.Element:
    proof = hmac.digest(token.encode(), b"Initiator", "sha256")
    return by_sasl2(world, "HT-SHA-256-NONE", name.encode() + b"\0" + proof, f"<fast xmlns='{FAST}'/>")


@pytest.mark.parametrize("change", [
    ("user", "passwd", "--stdin"), ("user", "disable"), ("user", "delete", "--yes"), ("session", "end")])
def test_a_token_ends_with_the_trust(world: World, change: tuple[str, ...]) -> None:
    """Also where nobody is logged in, and for good."""
    account = world.account()
    name = account.partition("@")[0]
    wish = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-NONE'/>"
    token = by_sasl2(world, "PLAIN", f"\0{name}\0{PASSWORD}".encode(), wish)[1].get("token", "")
    assert by_token(world, name, token).tag == SASL2 + "success"
    for client in world.clients:
        client.close()
    world.server.command(*change, account, input="new\n")
    if change[1] == "disable":
        world.server.command("user", "enable", account)
    assert by_token(world, name, token)[0].tag == SASL + "not-authorized"


def challenged(world: World, account: str, password: str) -> tuple[Client, ScramClient]:
    client, scram = world.connection(), ScramClient(["SCRAM-SHA-256"], account.partition("@")[0], password)
    client.open()
    challenge = client.auth("SCRAM-SHA-256", scram.get_client_first().encode())
    scram.set_server_first(base64.b64decode(challenge.text or "").decode())
    return client, scram


def answered(exchange: tuple[Client, ScramClient]) -> str:
    """The condition of the failure."""
    client, scram = exchange
    proof = base64.b64encode(scram.get_client_final().encode()).decode()
    client.send(f"<response xmlns='{SASL[1:-1]}'>{proof}</response>")
    failure = client.next()
    assert failure.tag == SASL + "failure"
    return failure[0].tag.removeprefix(SASL)
