"""Privileged entities (XEP-0356): what a component may do for users, and what it may not."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.component import ACCEPT, Component, Place, placed
from support.rawclient import NS, Client, bodies, condition
from support.stanzas import shape

BOSS, PLAIN = "boss.localhost", "plain.localhost"
PRIVILEGE, FORWARD, ROSTER = "urn:xmpp:privilege:2", "urn:xmpp:forward:0", "jabber:iq:roster"
GRANTS = """
roster = "both"
message = "outgoing"
presence = "managed_entity"
iq = {"urn:xmpp:ping" = "get", "jabber:iq:private" = "both"}
"""
GET = f"<query xmlns='{ROSTER}'/>"
PERMS = (f"<privilege xmlns='{PRIVILEGE}'><perm access='roster' type='both' push='true'/>"
         "<perm access='message' type='outgoing'/><perm access='iq'><namespace ns='urn:xmpp:ping' type='get'/>"
         "<namespace ns='jabber:iq:private' type='both'/></perm><perm access='presence' type='managed_entity'/>"
         "</privilege>")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("server"), {BOSS: GRANTS, PLAIN: ""}) as made:
        yield made


@pytest.fixture
def romeo(place: Place) -> Iterator[Client]:
    client = place.server.client("romeo")
    client.ask("get", GET)
    client.send("<presence/>")
    client.sync()
    yield client
    client.close()


@pytest.fixture(scope="module")
def boss(place: Place) -> Iterator[Component]:
    """Somebody was there before it."""
    early = place.server.client("juliet")
    early.send("<presence><status>early</status></presence>")
    early.sync()
    component = place.component(BOSS)
    component.told = component.until(lambda e: e.find(f"{{{PRIVILEGE}}}privilege") is not None)
    early.close()
    yield component
    component.log_out()


@pytest.fixture(scope="module")
def plain(place: Place) -> Iterator[Component]:
    component = place.component(PLAIN)
    yield component
    component.log_out()


def asked(component: Component, type: str, payload: str, to: str = "romeo@localhost") -> ET.Element:
    """The answer to a request of the component's."""
    component.send(f"<iq type='{type}' id='ask' from='{component.domain}' to='{to}'>{payload}</iq>")
    return component.until(lambda e: e.tag == ACCEPT + "iq" and e.get("id") == "ask")[-1]


def written(component: Component, inner: str, to: str = "localhost") -> None:
    component.send(f"<message from='{component.domain}' to='{to}' id='m'><privilege xmlns='{PRIVILEGE}'>"
                   f"<forwarded xmlns='{FORWARD}'>{inner}</forwarded></privilege></message>")


def refused(component: Component) -> str | None:
    return error_of(component.until(lambda e: e.get("id") == "m" and e.get("type") == "error")[-1])


def error_of(stanza: ET.Element) -> str | None:
    error = stanza.find(f"{ACCEPT}error")
    return None if error is None else error[0].tag.rpartition("}")[2]


def privileged(inner: str) -> str:
    return f"<privileged_iq xmlns='{PRIVILEGE}'>{inner}</privileged_iq>"


def test_it_is_told_what_it_may_and_who_is_here(boss: Component) -> None:
    presence, told = boss.told
    assert (presence.tag, presence.get("from"), presence.get("to")) == (ACCEPT + "presence", "juliet@localhost/r", BOSS)
    assert (told.tag, told.get("from"), told.get("to")) == (ACCEPT + "message", "localhost", BOSS)
    assert shape(told[0]) == shape(ET.fromstring(PERMS))


def test_rosters(romeo: Client, boss: Component) -> None:
    item = f"<query xmlns='{ROSTER}'><item jid='Nurse@localhost' name='Nurse'><group>Rivals</group></item></query>"
    done = asked(boss, "set", item)
    assert (done.get("type"), done.get("from")) == ("result", "romeo@localhost")
    push = romeo.until(lambda e: e.tag == NS + "iq" and e.get("type") == "set")[-1]
    assert push[0][0].get("name") == "Nurse"
    [item] = asked(boss, "get", GET)[0]
    assert (item.get("jid"), item[0].text) == ("nurse@localhost", "Rivals")
    romeo.ask("set", f"<query xmlns='{ROSTER}'><item jid='nurse@localhost' subscription='remove'/></query>")
    push = boss.until(lambda e: e.tag == ACCEPT + "iq" and e.get("type") == "set" and e[0][0].get("subscription") ==
                      "remove")[-1]
    assert (push.get("from"), push.get("to"), push[0].tag) == ("romeo@localhost", BOSS, f"{{{ROSTER}}}query")
    assert len(asked(boss, "get", GET)[0]) == 0
    assert error_of(asked(boss, "get", GET, to="nobody@localhost")) == "item-not-found"


def test_messages(romeo: Client, boss: Component) -> None:
    written(boss, "<message xmlns='jabber:client' from='juliet@localhost' to='romeo@localhost/r' id='foo'>"
            "<body>as juliet</body><received xmlns='urn:xmpp:carbons:2'/></message>")
    got = romeo.until(lambda e: e.tag == NS + "message")[-1]
    assert (got.get("from"), got.get("id"), bodies([got])) == ("juliet@localhost", "foo", ["as juliet"])
    assert got.find("{urn:xmpp:carbons:2}received") is None     # what no user may say
    written(boss, "<message xmlns='jabber:client' from='localhost' to='romeo@localhost/r'><body>host</body></message>")
    assert romeo.until(lambda e: e.tag == NS + "message")[-1].get("from") == "localhost"


@pytest.mark.parametrize(("inner", "error"), [
    ("<message xmlns='jabber:client' from='juliet@localhost/x' to='romeo@localhost'/>", "forbidden"),
    ("<message xmlns='jabber:client' from='nobody@localhost' to='romeo@localhost'/>", "forbidden"),
    ("<message xmlns='jabber:client' from='juliet@elsewhere.example' to='romeo@localhost'/>", "forbidden"),
    ("<message xmlns='jabber:client' to='romeo@localhost'/>", "forbidden"),
    ("<message xmlns='urn:other' from='juliet@localhost' to='romeo@localhost'/>", "forbidden"),
    ("<message xmlns='jabber:client' from='juliet@localhost'/>", "bad-request"),
    ("<message xmlns='jabber:client' from='juliet@localhost' to='@'/>", "jid-malformed"),
    ("<presence xmlns='jabber:client' from='juliet@localhost' to='romeo@localhost'/>", "forbidden")])
def test_what_it_may_not_write(boss: Component, inner: str, error: str) -> None:
    written(boss, inner)
    assert refused(boss) == error


def test_no_more_than_the_user(place: Place, boss: Component) -> None:
    juliet = place.server.client("juliet")
    juliet.ask("set", "<block xmlns='urn:xmpp:blocking'><item jid='x@other.example'/></block>")
    written(boss, "<message xmlns='jabber:client' from='juliet@localhost' to='x@other.example/y'/>")
    assert refused(boss) == "not-acceptable"
    juliet.close()


def test_requests_in_a_users_name(romeo: Client, boss: Component) -> None:
    ping = "<iq xmlns='jabber:client' type='get' id='inner' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
    answer = asked(boss, "get", privileged(ping))
    assert (answer.get("type"), answer.get("from")) == ("result", "romeo@localhost")
    inner = answer[0][0][0]
    assert (answer[0].tag, answer[0][0].tag, inner.tag) == (
        f"{{{PRIVILEGE}}}privilege", f"{{{FORWARD}}}forwarded", NS + "iq")
    assert inner.attrib == {"type": "result", "id": "inner", "from": "localhost", "to": "romeo@localhost"}
    note = ("<iq xmlns='jabber:client' type='{0}' id='n' from='romeo@localhost'><query xmlns='jabber:iq:private'>"
            "<n xmlns='urn:n'>{1}</n></query></iq>")
    asked(boss, "set", privileged(note.format("set", "kept")))
    stored = romeo.ask("get", "<query xmlns='jabber:iq:private'><n xmlns='urn:n'/></query>")
    assert stored[0][0].text == "kept"
    inner = asked(boss, "get", privileged(note.format("get", "")))[0][0][0]
    assert inner.find(".//{urn:n}n").text == "kept"     # type: ignore[union-attr]


def test_requests_to_resources(romeo: Client, boss: Component) -> None:
    """The user's own may be missing, and it is said so; others' are nothing that he may know of."""
    ping = "<iq xmlns='jabber:client' type='get' id='inner' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>"
    inner = asked(boss, "get", privileged(ping.format("romeo@localhost/gone")))[0][0][0]
    assert (inner.get("type"), inner.get("id"), inner.get("from")) == ("error", "inner", "romeo@localhost/gone")
    assert condition(inner) == "service-unavailable"
    there = asked(boss, "get", privileged(ping.format("romeo@localhost/r")), to="juliet@localhost")
    assert error_of(there) == "service-unavailable"


@pytest.mark.parametrize(("type", "to", "inner", "error"), [
    ("set", "romeo@localhost", "<iq xmlns='jabber:client' type='set' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
     "forbidden"),
    ("get", "romeo@localhost", "<iq xmlns='jabber:client' type='get' id='i'><query xmlns='jabber:iq:roster'/></iq>",
     "forbidden"),
    ("set", "romeo@localhost", "<iq xmlns='jabber:client' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
     "forbidden"),
    ("get", "localhost", "<iq xmlns='jabber:client' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>", "forbidden"),
    ("get", "nobody@localhost", "<iq xmlns='jabber:client' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
     "forbidden"),
    ("get", "romeo@localhost", "<iq xmlns='urn:other' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
     "forbidden"),
    ("get", "romeo@localhost", "<iq xmlns='jabber:client' type='get' id='i' from='juliet@localhost'>"
     "<ping xmlns='urn:xmpp:ping'/></iq>", "forbidden"),
    ("get", "romeo@localhost", "<iq xmlns='jabber:client' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
     "bad-request")])
def test_what_it_may_not_ask(boss: Component, type: str, to: str, inner: str, error: str) -> None:
    assert error_of(asked(boss, type, privileged(inner), to=to)) == error


def test_presence(place: Place, boss: Component) -> None:
    """Who comes and goes; nobody's roster says so."""
    romeo = place.server.client("romeo")
    romeo.send("<presence><status>here</status></presence>")
    got = boss.until(lambda e: e.tag == ACCEPT + "presence" and e.findtext(ACCEPT + "status") == "here")[-1]
    assert (got.get("from"), got.get("to")) == ("romeo@localhost/r", BOSS)
    assert len(romeo.ask("get", GET)[0]) == 0
    romeo.send(f"<presence type='subscribed' to='{BOSS}'/>")    # and its subscription, if it has one, changes nothing
    romeo.sync()
    boss.send(f"<presence type='subscribe' from='{BOSS}' to='romeo@localhost'/>")
    boss.until(lambda e: e.get("type") == "subscribed")
    romeo.ask("set", f"<query xmlns='{ROSTER}'><item jid='{BOSS}' subscription='remove'/></query>")
    romeo.send("<presence><status>still here</status></presence>")
    seen = boss.until(lambda e: e.tag == ACCEPT + "presence" and e.findtext(ACCEPT + "status") == "still here")
    assert not [e for e in seen if e.get("type") == "unavailable"]
    romeo.close()
    gone = boss.until(lambda e: e.tag == ACCEPT + "presence" and e.get("type") == "unavailable"
                      and e.get("from") == "romeo@localhost/r")[-1]
    assert gone.get("to") == BOSS


def test_one_that_is_granted_nothing(romeo: Client, plain: Component) -> None:
    assert error_of(asked(plain, "get", GET)) == "forbidden"
    assert error_of(asked(plain, "set", f"<query xmlns='{ROSTER}'><item jid='a@b'/></query>")) == "forbidden"
    ping = "<iq xmlns='jabber:client' type='get' id='i' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
    assert error_of(asked(plain, "get", privileged(ping))) == "forbidden"
    written(plain, "<message xmlns='jabber:client' from='juliet@localhost' to='romeo@localhost'/>")
    assert refused(plain) == "forbidden"
    romeo.send("<presence><status>2</status></presence>")
    romeo.sync()
    plain.send(f"<iq type='get' id='ask' from='{PLAIN}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert plain.next().get("type") == "result"     # and nothing came before it


def test_users_have_no_privileges(romeo: Client) -> None:
    inner = "<iq xmlns='jabber:client' type='get' id='i' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
    assert condition(romeo.ask("get", privileged(inner))) == "forbidden"
    assert condition(romeo.ask("get", privileged(inner), to="juliet@localhost")) == "forbidden"
