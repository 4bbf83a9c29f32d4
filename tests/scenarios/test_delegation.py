"""Namespace delegation (XEP-0355): a component answers for the server, and nobody sees it."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.component import ACCEPT, Component, Place, placed
from support.rawclient import NS, Client, condition
from support.stanzas import shape

CLERK, AWAY = "clerk.localhost", "away.localhost"
DELEGATION, FORWARD = "urn:xmpp:delegation:2", "urn:xmpp:forward:0"
INFO, PUBSUB = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/pubsub"
OPTIONS = """
delegate = {"http://jabber.org/protocol/pubsub" = [], "jabber:iq:last" = ["node"], "urn:xmpp:time" = []}
iq = {"urn:xmpp:time" = "get"}
"""
TOLD = (f"<delegation xmlns='{DELEGATION}'><delegated namespace='{PUBSUB}'/><delegated namespace='jabber:iq:last'>"
        "<attribute name='node'/></delegated><delegated namespace='urn:xmpp:time'/></delegation>")
ITEMS = f"<pubsub xmlns='{PUBSUB}'><items node='n'/></pubsub>"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("server"), {CLERK: OPTIONS, AWAY: 'delegate = {"urn:away" = []}'}) as made:
        yield made


@pytest.fixture(scope="module")
def clerk(place: Place) -> Iterator[Component]:
    """It has said what it can do, of one namespace more than of the others."""
    romeo = place.server.client("romeo")
    assert condition(romeo.ask("get", ITEMS)) == "service-unavailable"      # while it is not there
    romeo.close()
    component = place.component(CLERK)
    component.told = [component.next()]
    for _ in range(6):
        asked = component.next()
        node = asked[0].get("node", "")
        abilities = {
            f"{DELEGATION}::{PUBSUB}": f"<identity category='pubsub' type='service'/><feature var='{PUBSUB}#publish'/>",
            f"{DELEGATION}:bare:{PUBSUB}": f"<identity category='pubsub' type='pep'/><feature var='{PUBSUB}#pep'/>"
            "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:f</value></field>"
            "</x>"}.get(node, "")
        component.send(f"<iq type='result' id='{asked.get('id')}' from='{CLERK}' to='localhost'>"
                       f"<query xmlns='{INFO}' node='{node}'>{abilities}</query></iq>")
    component.send(f"<iq type='get' id='sync' from='{CLERK}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    component.until(lambda e: e.get("id") == "sync")
    yield component
    component.log_out()


@pytest.fixture
def romeo(place: Place, clerk: Component) -> Iterator[Client]:
    client = place.server.client("romeo")
    yield client
    client.close()


def inner(clerk: Component) -> tuple[ET.Element, ET.Element]:
    """What it is asked next, and what is in it."""
    outer = clerk.until(lambda e: e.find(f"{{{DELEGATION}}}delegation") is not None)[-1]
    assert (outer.tag, outer.get("type"), outer.get("from"), outer.get("to")) == (
        ACCEPT + "iq", "set", "localhost", CLERK)
    [forwarded] = outer[0]
    assert forwarded.tag == f"{{{FORWARD}}}forwarded"
    return outer, forwarded[0]


def answer(clerk: Component, outer: ET.Element, iq: str) -> None:
    clerk.send(f"<iq type='result' id='{outer.get('id')}' from='{CLERK}' to='localhost'><delegation "
               f"xmlns='{DELEGATION}'><forwarded xmlns='{FORWARD}'>{iq}</forwarded></delegation></iq>")


def answered(client: Client, id: str) -> ET.Element:
    return client.until(lambda e: e.tag == NS + "iq" and e.get("id") == id)[-1]


def test_it_is_told(clerk: Component) -> None:
    [told] = clerk.told
    assert (told.tag, told.get("from"), told.get("to")) == (ACCEPT + "message", "localhost", CLERK)
    assert shape(told[0]) == shape(ET.fromstring(TOLD))


@pytest.mark.parametrize("to", ["", " to='localhost'", " to='romeo@localhost'", " to='juliet@localhost'"])
def test_a_request_goes_there_and_its_answer_comes_back(romeo: Client, clerk: Component, to: str) -> None:
    romeo.send(f"<iq type='get' id='q'{to}>{ITEMS}</iq>")
    outer, asked = inner(clerk)
    assert (asked.tag, asked.get("from"), asked.get("type"), asked.get("id")) == (
        NS + "iq", "romeo@localhost/r", "get", "q")
    assert asked.get("to", "") == to[5:-1]
    assert asked[0][0].get("node") == "n"
    answer(clerk, outer, "<iq xmlns='jabber:client' type='result' id='q' to='romeo@localhost/r'>"
           f"<pubsub xmlns='{PUBSUB}'><x xmlns='urn:x'/></pubsub></iq>")
    got = answered(romeo, "q")
    assert (got.get("type"), got.get("from")) == ("result", to[5:-1] or "romeo@localhost")
    assert got[0][0].tag == "{urn:x}x"


@pytest.mark.parametrize("iq", [
    "<iq xmlns='jabber:client' type='result' id='other' to='romeo@localhost/r'/>",
    "<iq xmlns='jabber:client' type='result' id='q' to='juliet@localhost/r'/>",
    "<iq xmlns='jabber:client' type='result' id='q' to='romeo@localhost/r' from='juliet@localhost'/>",
    "<iq xmlns='jabber:client' type='set' id='q' to='romeo@localhost/r'/>",
    "<iq xmlns='urn:other' type='result' id='q' to='romeo@localhost/r'/>", ""])
def test_a_bad_answer(romeo: Client, clerk: Component, iq: str) -> None:
    romeo.send(f"<iq type='get' id='q'>{ITEMS}</iq>")
    outer, _ = inner(clerk)
    answer(clerk, outer, iq)
    assert condition(answered(romeo, "q")) == "service-unavailable"


def test_an_error(romeo: Client, clerk: Component) -> None:
    romeo.send(f"<iq type='get' id='q'>{ITEMS}</iq>")
    outer, _ = inner(clerk)
    clerk.send(f"<iq type='error' id='{outer.get('id')}' from='{CLERK}' to='localhost'><error type='auth'>"
               "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    assert condition(answered(romeo, "q")) == "service-unavailable"


def test_the_component_goes(place: Place, romeo: Client) -> None:
    """Who waits for it hears so."""
    away = place.component(AWAY)
    romeo.send("<iq type='get' id='q'><x xmlns='urn:away'/></iq>")
    away.until(lambda e: e.get("type") == "set")
    away.log_out()
    assert condition(answered(romeo, "q")) == "service-unavailable"


def test_only_with_the_attribute(romeo: Client, clerk: Component) -> None:
    """Without it, all is as ever."""
    last = romeo.ask("get", "<query xmlns='jabber:iq:last'/>", to="localhost")
    assert last[0].get("seconds") is not None
    romeo.send("<iq type='get' id='q' to='localhost'><query xmlns='jabber:iq:last' node='n'/></iq>")
    outer, asked = inner(clerk)
    assert asked[0].get("node") == "n"
    answer(clerk, outer, "<iq xmlns='jabber:client' type='result' id='q' to='romeo@localhost/r'/>")
    assert answered(romeo, "q").get("type") == "result"


def test_its_own_requests_stay_here(clerk: Component) -> None:
    clerk.send(f"<iq type='get' id='t' from='{CLERK}' to='localhost'><time xmlns='urn:xmpp:time'/></iq>")
    got = clerk.until(lambda e: e.get("id") == "t")[-1]
    assert got[0].find("{urn:xmpp:time}utc") is not None
    clerk.send(f"<iq type='get' id='p' from='{CLERK}' to='romeo@localhost'><privileged_iq xmlns='urn:xmpp:privilege:2'>"
               "<iq xmlns='jabber:client' type='get' id='t' to='localhost'><time xmlns='urn:xmpp:time'/></iq>"
               "</privileged_iq></iq>")
    got = clerk.until(lambda e: e.get("id") == "p")[-1]
    assert got.find(".//{urn:xmpp:time}utc") is not None


def test_what_others_are_told(romeo: Client) -> None:
    """Instead of what we could do ourselves in that namespace."""
    query = f"<query xmlns='{INFO}'/>"
    host, account = romeo.ask("get", query, to="localhost")[0], romeo.ask("get", query)[0]
    features = [{each.get("var") for each in info.iter(f"{{{INFO}}}feature")} for info in (host, account)]
    kinds = [{each.get("type") for each in info.iter(f"{{{INFO}}}identity")} for info in (host, account)]
    assert {DELEGATION, f"{PUBSUB}#publish"} <= features[0]
    assert "urn:xmpp:time" not in features[0]       # the component did not say that it can do that
    assert f"{PUBSUB}#pep" in features[1]
    assert kinds == [{"im", "service"}, {"registered", "pep"}]
    assert account.findtext("{jabber:x:data}x/{jabber:x:data}field/{jabber:x:data}value") == "urn:f"
