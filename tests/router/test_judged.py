"""Judged children: the table, and that each row is obeyed."""

import xml.etree.ElementTree as ET

import pytest

from headrace.core.names import child_number, namespace_number
from headrace.core.stanza import parse_stanza
from headrace.router.judged import ROWS, Origin, judged
from headrace.router.slow import clean
from support.routing import World


@pytest.mark.parametrize(("known", "namespace", "name", "origins"), ROWS)
def test_rows_name_what_the_tokenizer_reports(known: int, namespace: str, name: str | None, origins: int) -> None:
    """A row whose bit is another child's would let its own child pass on the fast road."""
    assert child_number(namespace_number(namespace), name or "whatever") == known
    assert judged(namespace, name or "whatever", Origin.FROM_CLIENT) == bool(origins & Origin.FROM_CLIENT)
    assert judged(namespace, name or "whatever", Origin.FROM_PEER) == bool(origins & Origin.FROM_PEER)


def test_everything_else_is_not_judged() -> None:
    assert not judged("jabber:client", "body", Origin.FROM_CLIENT)
    assert not judged("urn:xmpp:sid:0", "origin-id", Origin.FROM_CLIENT)


@pytest.mark.parametrize("child", [
    "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='1'/>",
    "<s:stanza-id xmlns:s='urn:xmpp:sid:0'/>",
    "<received xmlns='urn:xmpp:carbons:2'/>", "<sent xmlns='urn:xmpp:carbons:2'/>",
    "<result xmlns='urn:xmpp:mam:2'/>", "<message xmlns='urn:xmpp:privilege:2'/>",
    "<x xmlns='urn:xmpp:delegation:2'/>", "<delay xmlns='urn:xmpp:delay' from='localhost'/>",
    "<delay xmlns='urn:xmpp:delay' from='a@LOCAL&#104;ost/b'/>", "<delay xmlns='urn:xmpp:delay' from='@@'/>",
    "<body xmlns='jabber:server'>x</body>", "<x:body xmlns:x='jabber:component:accept'>x</x:body>"])
@pytest.mark.parametrize("position", [0, 1, 20])
def test_is_taken_out_at_any_position(child: str, position: int) -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    children = ["<body>x</body>"] * 21
    children.insert(position, child)
    world.send(romeo, f"<message to='juliet@localhost/b'>{''.join(children)}</message>")
    message, = world.got(juliet)
    assert [c.tag for c in message] == ["{jabber:client}body"] * 21


@pytest.mark.parametrize("child", [
    "<delay xmlns='urn:xmpp:delay' from='elsewhere'/>", "<private xmlns='urn:xmpp:carbons:2'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' from='localhost'/></forwarded>"])
def test_stays(child: str) -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    world.send(romeo, f"<message to='juliet@localhost/b'>{child}</message>")
    assert child.encode() in world.raw(juliet).replace(b' xmlns:ns0', b' xmlns').replace(b'"', b"'")


def test_what_we_say_ourselves_stays() -> None:
    world = World()
    juliet = world.client("juliet@localhost/b")
    delay = b"<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2002-09-10T23:08:25Z'/>"
    world.rig.router.route(b"<message from='romeo@localhost/a' to='juliet@localhost/b'>" + delay + b"</message>")
    world.rig.turn()
    assert delay in world.raw(juliet)


def test_clean_keeps_head_and_text_and_drops_the_rest() -> None:
    raw = (b"<message to='a' from='b' id='c' type='d' xml:lang='e' f='g' xml:space='preserve'>1<x xmlns='y'>2</x>3"
           b"<sent xmlns='urn:xmpp:carbons:2'/></message>")
    made = ET.fromstring(clean(parse_stanza(raw), Origin.FROM_CLIENT, {"localhost"}))
    assert made.attrib == {"to": "a", "from": "b", "id": "c", "type": "d",
                           "{http://www.w3.org/XML/1998/namespace}lang": "e"}
    assert ET.tostring(made, "unicode", "text") == "123"
    assert [child.tag for child in made] == ["{y}x"]


def test_peers_may_send_archive_results() -> None:
    raw = b"<message to='a'><result xmlns='urn:xmpp:mam:2'/><received xmlns='urn:xmpp:carbons:2'/></message>"
    made = ET.fromstring(clean(parse_stanza(raw), Origin.FROM_PEER, {"localhost"}))
    assert [child.tag for child in made] == ["{urn:xmpp:mam:2}result"]
