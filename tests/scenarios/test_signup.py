"""Accounts for those who have none (XEP-0077 3.1.1): only where the operator says so, and inside TLS."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.people import PASSWORD, World
from support.rawclient import SASL, TLS, Client, condition
from support.server import Server, running

FEATURE = "{http://jabber.org/features/iq-register}register"
QUERY = "{jabber:iq:register}query"
TOTAL = 12
HOSTS = f"""
registration = true
admins = ["boss@localhost"]
[[host]]
name = "closed.example"
[module.signup]
total = {TOTAL}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    users = {f"p{number}@localhost": PASSWORD for number in range(40)}
    with running(tmp_path_factory.mktemp("server"), users=users, more=HOSTS) as server:
        yield server


@pytest.fixture
def stranger(world: World) -> Client:
    """Inside TLS, nobody yet."""
    client = world.connection("direct")
    client.open()
    return client


def register(client: Client, name: str, password: str = "new &amp; good") -> ET.Element:
    return client.ask("set", f"<query xmlns='{QUERY[1:-6]}'><username>{name}</username><password>{password}</password>"
                             "</query>")


def test_from_nobody_to_a_session_on_one_stream(stranger: Client) -> None:
    form = stranger.ask("get", "<query xmlns='jabber:iq:register'/>", "localhost")[0]
    assert [child.tag.rpartition("}")[2] for child in form] == ["instructions", "username", "password"]
    answer = register(stranger, "Bill")
    assert (answer.get("type"), len(answer)) == ("result", 0)
    assert stranger.plain("bill", "new & good").tag == SASL + "success"
    stranger.open()
    assert stranger.bind("here").get("type") == "result"
    shown = stranger.ask("get", "<query xmlns='jabber:iq:register'/>")[0]
    assert shown[0].tag == "{jabber:iq:register}registered"


def test_it_is_announced_where_it_can_be_had(world: World) -> None:
    """Not before TLS, not without it, not behind a login, and not of another host."""
    assert world.connection("direct").open().find(FEATURE) is not None
    assert world.connection("plain").open().find(FEATURE) is None
    client = world.connection("starttls")
    assert client.open().find(FEATURE) is None
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
    assert client.next().tag == TLS + "proceed"
    client.secure(world.trust)
    assert client.open().find(FEATURE) is not None
    client.plain(world.account().partition("@")[0], PASSWORD)
    assert client.open().find(FEATURE) is None
    assert world.connection("direct").open("closed.example").find(FEATURE) is None


@pytest.mark.parametrize(("kind", "host"), [("plain", "localhost"), ("starttls", "localhost"),
                                            ("direct", "closed.example")])
def test_elsewhere_it_is_a_stanza_that_comes_too_early(world: World, kind: str, host: str) -> None:
    client = world.connection(kind)
    client.open(host)
    client.send("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>")
    assert client.stream_error() == "not-authorized"


@pytest.mark.parametrize("request_", ["<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
                                      "<iq type='result' id='1'><query xmlns='jabber:iq:register'/></iq>"])
def test_nothing_else_can_be_asked(stranger: Client, request_: str) -> None:
    stranger.send(request_)
    assert stranger.stream_error() == "not-authorized"


@pytest.mark.parametrize(("name", "password", "expected"), [
    ("p1", "x", "conflict"), ("P1", "x", "conflict"), ("boss", "x", "conflict"), ("postmaster", "x", "conflict"),
    ("bi ll", "x", "not-acceptable"), ("bi&lt;ll", "x", "not-acceptable"), ("", "x", "not-acceptable"),
    ("free", "", "not-acceptable"), ("free", "a\u200bb", "not-acceptable")])
def test_what_is_refused(world: World, stranger: Client, name: str, password: str, expected: str) -> None:
    """The stream stays, and the password is not sent back."""
    answer = register(stranger, name, password)
    assert condition(answer) == expected
    assert answer.find(QUERY) is None
    assert stranger.plain("p1", PASSWORD).tag == SASL + "success"
    assert world.server.command("user", "list").stdout.count("free@") == 0


def test_the_operator_reads_of_it(world: World, stranger: Client) -> None:
    register(stranger, "noted")
    [line] = [entry for entry in world.server.log if entry.get("account") == "noted@localhost"]
    assert line["event"] == "signed up"
    assert line["address"] == "127.0.0.1"


def test_no_more_in_a_day_than_may_be(world: World, stranger: Client) -> None:
    """Runs last: nobody can sign up any more then."""
    for number in range(TOTAL):
        answer = register(stranger, f"many{number}")
        if answer.get("type") == "error":
            break
    assert (condition(answer), answer[-1].get("type")) == ("resource-constraint", "wait")
    assert stranger.plain(f"many{number}", "new & good").tag == SASL + "failure"
    assert world.server.process.poll() is None
