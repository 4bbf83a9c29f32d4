"""Components: programs with a domain of their own (XEP-0114)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.component import ACCEPT, HEADER, SECRET, Component, Place, configuration, placed
from support.federated import Authority, route, site
from support.ports import unused_port
from support.rawclient import NS, STREAM_ERRORS, Client, bodies, condition

ECHO = "echo.localhost"
PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("server"), {ECHO: "", "other.example": ""}) as made:
        yield made


@pytest.fixture
def romeo(place: Place) -> Iterator[Client]:
    client = place.server.client("romeo")
    yield client
    client.close()


@pytest.fixture
def echo(place: Place) -> Iterator[Component]:
    component = place.component(ECHO)
    yield component
    component.log_out()


def test_stanzas_both_ways(romeo: Client, echo: Component) -> None:
    romeo.send(f"<message to='Anybody@{ECHO}/x' id='1' type='chat'><body>a &lt;</body><x xmlns='u'/></message>")
    got = echo.next()
    assert (got.tag, got.get("from"), got.get("to"), got.get("id")) == (
        ACCEPT + "message", "romeo@localhost/r", f"anybody@{ECHO}/x", "1")
    assert got.findtext(ACCEPT + "body") == "a <"
    echo.send(f"<message from='anybody@{ECHO}' to='romeo@localhost/r'><body>b</body><x xmlns='u'/></message>")
    got = romeo.next()
    assert (got.tag, got.get("from"), got.findtext(NS + "body")) == (NS + "message", f"anybody@{ECHO}", "b")
    echo.send(f"<iq type='get' id='q' from='{ECHO}' to='localhost'>{PING}</iq>")
    assert (answer := echo.next()).get("type") == "result"
    assert (answer.get("from"), answer.get("to"), answer.get("id")) == ("localhost", ECHO, "q")
    echo.send(f"<iq type='get' id='q' from='{ECHO}' to='nobody@localhost'>{PING}</iq>")
    assert echo.next().find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable") is not None


def test_a_clients_namespace_on_a_components_stream(romeo: Client, echo: Component) -> None:
    """As slixmpp writes errors by default; other streams' namespaces are no part of a stanza."""
    romeo.send(f"<iq type='get' id='q' to='{ECHO}'>{PING}</iq>")
    echo.next()
    echo.send(f"<iq type='error' id='q' from='{ECHO}' to='romeo@localhost/r'><error xmlns='jabber:client' type='auth'>"
              "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error><x xmlns='jabber:server'/></iq>")
    error = romeo.next()
    assert condition(error) == "forbidden"
    assert len(error) == 1


def test_subscriptions(romeo: Client, echo: Component) -> None:
    romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
    romeo.send("<presence/>")
    romeo.sync()
    romeo.send(f"<presence type='subscribe' to='bot@{ECHO}'/>")
    asked = echo.until(lambda e: e.get("type") == "subscribe")[-1]
    assert asked.get("from") == "romeo@localhost"
    echo.send(f"<presence type='subscribed' from='bot@{ECHO}' to='romeo@localhost'/>"
              f"<presence from='bot@{ECHO}/here' to='romeo@localhost'/>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"bot@{ECHO}/here")
    romeo.send(f"<presence type='unsubscribe' to='bot@{ECHO}'/>")
    echo.until(lambda e: e.get("type") == "unsubscribe")


def test_components_are_found(place: Place, romeo: Client) -> None:
    items = romeo.ask("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to="localhost")
    assert [item.get("jid") for item in items[0]] == [ECHO, "other.example"]


def test_one_that_is_not_connected(romeo: Client) -> None:
    answer = romeo.ask("get", PING, to=ECHO)
    assert condition(answer) == "service-unavailable"
    assert answer.find(NS + "error").get("type") == "wait"
    romeo.send(f"<presence to='{ECHO}' type='unavailable'/>")
    assert romeo.sync() == []


def test_two_components_talk(place: Place, echo: Component) -> None:
    other = place.component("other.example")
    echo.send(f"<message from='{ECHO}' to='x@other.example'><body>hi</body></message>")
    assert other.next().findtext(ACCEPT + "body") == "hi"
    other.close()


@pytest.mark.parametrize(("domain", "secret", "error"), [
    (ECHO, "wrong", "not-authorized"), ("localhost", SECRET, "host-unknown"), ("x.example", SECRET, "host-unknown"),
    ("@", SECRET, "improper-addressing")])
def test_who_is_refused(place: Place, domain: str, secret: str, error: str) -> None:
    component = Component(place.port, domain)
    assert component.shake(secret).find(STREAM_ERRORS + error) is not None
    assert component.ended().endswith(b"</stream:stream>")


def test_a_second_one_is_a_conflict(place: Place, echo: Component) -> None:
    second = Component(place.port, ECHO)
    assert second.shake(SECRET).find(STREAM_ERRORS + "conflict") is not None
    echo.send(f"<iq type='get' id='q' from='{ECHO}' to='localhost'>{PING}</iq>")
    assert echo.next().get("type") == "result"


def test_nothing_before_the_handshake(place: Place) -> None:
    component = Component(place.port, ECHO)
    component.send(HEADER.format(domain=ECHO), f"<message from='{ECHO}' to='romeo@localhost'/>")
    assert component.stream_error() == "not-authorized"


@pytest.mark.parametrize(("sender", "error"), [
    ("romeo@localhost", "invalid-from"), ("x@other.example", "invalid-from"), ("", "improper-addressing")])
def test_a_component_speaks_only_for_itself(place: Place, sender: str, error: str) -> None:
    component = place.component(ECHO)
    component.send("<message", f" from='{sender}'" if sender else "", " to='romeo@localhost'/>")
    assert component.stream_error() == error


def test_its_users_are_as_large_as_it_likes(romeo: Client, echo: Component) -> None:
    """protocol.md 8: what no client could send, a component may."""
    echo.send(f"<message from='{ECHO}' to='romeo@localhost/r'><body>{'x' * 400_000}</body></message>")
    assert bodies([romeo.next()]) == ["x" * 400_000]
    echo.send(f"<message from='{ECHO}' to='ro meo@localhost' id='bad'/>")
    error = echo.next()
    assert (error.get("type"), error.get("id"), error.get("from")) == ("error", "bad", ECHO)


def test_other_servers_reach_it(tmp_path: Path) -> None:
    """Its certificate is the host's, where that has its name too."""
    authority = Authority(tmp_path / "authority")
    here, there, port = unused_port(), unused_port(), unused_port()
    names = authority.issue("a.example", ["a.example", "*.a.example"])
    more = configuration(port, {"echo.a.example": ""})
    with (site(tmp_path / "a", "a.example", here, authority, pair=names, routes=route("b.example", there) + more),
          site(tmp_path / "b", "b.example", there, authority, routes=route("echo.a.example", here)) as b):
        echo, juliet = Component(port, "echo.a.example").connect(), b.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        juliet.send("<message to='x@echo.a.example'><body>hi</body></message>")
        assert echo.next().get("from") == "juliet@b.example/r"
        echo.send("<message from='x@echo.a.example' to='juliet@b.example/r'><body>ho</body></message>")
        assert bodies([juliet.next()]) == ["ho"]
