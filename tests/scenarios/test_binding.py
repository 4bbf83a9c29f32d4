"""Resource binding (RFC 6120 7)."""

import pytest

from support.people import PASSWORD, World
from support.rawclient import BIND, STREAM_ERRORS, STREAMS, Client, body, condition


def authenticated(world: World, account: str = "") -> Client:
    client = world.connection()
    client.authenticate((account or world.account()).partition("@")[0], PASSWORD)
    return client


def test_the_resource_asked_for(world: World) -> None:
    account = world.account()
    client = authenticated(world, account)
    answer = client.bind("balcony")
    assert (answer.get("type"), answer.get("id")) == ("result", "bind")
    assert answer.findtext(f"{BIND}bind/{BIND}jid") == f"{account}/balcony"


def test_resources_of_the_servers_choice_differ(world: World) -> None:
    account = world.account()
    jids = {world.connected(account).jid for _ in range(5)}
    assert len(jids) == 5
    assert all(jid.startswith(account + "/") and len(jid) > len(account) + 8 for jid in jids)


@pytest.mark.parametrize("resource", ["x" * 1024, "&#x85;", "&#xFFFD;", "&#xE000;"])
def test_a_resource_that_is_none(world: World, resource: str) -> None:
    """Too long or prohibited by resourceprep: bad-request (RFC 6120 7.7.2.1), and another try is allowed."""
    client = authenticated(world)
    answer = client.bind(resource)
    assert (answer.get("type"), condition(answer)) == ("error", "bad-request")
    assert client.bind("better").get("type") == "result"


@pytest.mark.parametrize("resource", ["with space", "a/b@c", "&lt;&amp;&apos;&quot;>", "caf\u00e9", "\u9577\u3044"])
def test_unusual_resources(world: World, resource: str) -> None:
    """They are the same wherever they appear."""
    client, friend = world.online(resource=resource), world.online()
    friend.send(f"<message to='{friend.jid}'><body>warm up</body></message>")
    client.send(f"<message to='{friend.jid}'><body>from far</body></message>")
    message = friend.until(lambda e: body(e) == "from far")[-1]
    assert message.get("from") == client.jid
    assert client.jid.partition("/")[2] == resource.replace("&lt;", "<").replace("&amp;", "&").replace(
        "&apos;", "'").replace("&quot;", '"')


def test_an_empty_resource_is_the_servers_choice_or_an_error(world: World) -> None:
    client = authenticated(world)
    answer = client.bind("")
    assert condition(answer) == "bad-request" or answer.findtext(f"{BIND}bind/{BIND}jid", "").count("/") == 1


@pytest.mark.parametrize("payload", [
    "<query xmlns='jabber:iq:roster'/>", "<ping xmlns='urn:xmpp:ping'/>", "", "<bind xmlns='urn:wrong'/>"])
def test_no_other_request_before(world: World, payload: str) -> None:
    client = authenticated(world)
    client.send(f"<iq type='set' id='1'>{payload}</iq>")
    answer = client.next()
    if answer.tag == STREAMS + "error":
        assert answer[0].tag == STREAM_ERRORS + "not-authorized"
    else:
        assert answer.get("type") == "error"


def test_twice(world: World) -> None:
    """One resource per stream: the first stays bound (RFC 6120 7.1)."""
    client = world.connected(resource="first")
    answer = client.bind("second")
    assert condition(answer) in ("not-allowed", "service-unavailable")
    client.send(f"<message to='{client.jid}'><body>still me</body></message>")
    assert [body(stanza) for stanza in client.sync()] == ["still me"]


def test_the_same_resource_again(world: World) -> None:
    """The server may give the old one the stream error conflict, or the new one another name (7.7.2.2)."""
    account = world.account()
    old, new = world.online(account, "phone"), world.connection()
    new.authenticate(account.partition("@")[0], PASSWORD)
    answer = new.bind("phone")
    assert answer.get("type") == "result"
    if answer.findtext(f"{BIND}bind/{BIND}jid") == f"{account}/phone":
        assert old.stream_error() == "conflict"
    else:
        assert old.sync() == []
    new.send("<presence/>")
    new.send(f"<message to='{account}/phone'><body>hello</body></message>")
    assert "hello" in [body(stanza) for stanza in new.sync()]


def test_a_session_is_asked_for(world: World) -> None:
    """Clients of RFC 3921 do."""
    client = world.connected()
    assert client.ask("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>").get("type") == "result"


def test_many_resources_of_one_account(world: World) -> None:
    """They all work or the server says resource-constraint; it never breaks those that are there."""
    account, bound = world.account(), []
    for number in range(60):
        client = authenticated(world, account)
        answer = client.bind(f"r{number}")
        if answer.get("type") == "error":
            assert condition(answer) in ("resource-constraint", "not-allowed", "conflict")
            break
        bound.append(client)
    assert len(bound) >= 10
    for client in bound:
        client.send("<presence/>")
        client.sync()
    bound[0].send(f"<message to='{account}' type='headline'><body>all</body></message>")
    bound[0].sync()
    for client in bound[1:]:
        assert "all" in [body(stanza) for stanza in client.sync()]
