"""The splice rule from end to end (protocol.md 1): what a client sent, as another client reads it.

expat reads both: the sent stanza below the sender's root, the received one below the receiver's. The second tree has to
be the first with the head that we write and without what a client may not say.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

from hypothesis import assume, given
from hypothesis import strategies as st

from headrace.core.ns import CLIENT, COMPONENT, SERVER, XML
from headrace.core.stanza import parse_stanza
from headrace.core.tokenizer import Flag
from headrace.router.session import Reason
from support.documents import PREFIXES, URIS, Document, Maker, shape
from support.routing import World

LANG = f"{{{XML}}}lang"
TYPES = {"message": "chat", "iq": "result"}
FORBIDDEN = {
    "{urn:xmpp:sid:0}stanza-id", "{urn:xmpp:carbons:2}received", "{urn:xmpp:carbons:2}sent", "{urn:xmpp:mam:2}result",
    "{urn:xmpp:privilege:2}message", "{urn:xmpp:delegation:2}anything",
}
CHILDREN = st.sampled_from([
    *(f"<{name} xmlns='{uri}'>x</{name}>" for uri, name in (tag[1:].split("}") for tag in sorted(FORBIDDEN))),
    "<delay xmlns='urn:xmpp:delay' from='LocalHost' stamp='2002-09-10T23:08:25Z'/>",
    "<delay xmlns='urn:xmpp:delay' from='room@local&#104;ost/x' stamp='2002-09-10T23:08:25Z'/>",
    "<delay xmlns='urn:xmpp:delay' from='elsewhere' stamp='2002-09-10T23:08:25Z'/>",
    "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>x</body></message></forwarded>",
    "<x:stanza-id xmlns:x='urn:xmpp:sid:0' id='1' by='localhost'/>",
    "<a xmlns='urn:x'><stanza-id xmlns='urn:xmpp:sid:0'/></a>",
])


@dataclass
class Sender(Maker):
    """Draws a stanza for juliet, perhaps with children that a server has to judge."""

    to: str = ""

    def head(self, scope: dict[str, tuple[str, bool]]) -> str:
        written = f" to={self.quoted(self.to)} id='&lt;7&gt;'"
        for name in self.draw(st.lists(st.sampled_from(["from", "xml:lang", "extra"]), unique=True)):
            value = {"from": "Romeo@localhost/a", "xml:lang": "en", "extra": "x"}[name]
            written += f" {name}={self.quoted(value)}"
        return written

    def child(self, outer: dict[str, tuple[str, bool]], depth: int) -> str:
        if depth == 1 and self.draw(st.integers(0, 2)) == 0:
            return self.draw(CHILDREN)
        return super().child(outer, depth)


@st.composite
def sent(draw: st.DrawFn, to: str) -> tuple[Document, str]:
    """A stanza from a client over TCP, and its kind."""
    bindings = draw(st.dictionaries(PREFIXES, URIS, max_size=2))
    scope = {"": (CLIENT, True), **{prefix: (uri, True) for prefix, uri in bindings.items()}}
    raw = Sender(draw, to=to).stanza(CLIENT, scope)
    document = Document(raw.encode(), CLIENT, tuple(bindings.items()), Flag(0))
    kind = document.expat().tag.rpartition("}")[2]
    if kind in TYPES:
        raw = raw.replace(" to=", f" type='{TYPES[kind]}' to=", 1)
    return Document(raw.encode(), CLIENT, document.bindings, Flag(0)), kind


def may_pass(child: ET.Element) -> bool:
    """Written from protocol.md, not from the code's table."""
    namespace = child.tag[1:].rpartition("}")[0]
    if namespace in (SERVER, COMPONENT):
        return False
    if child.tag == "{urn:xmpp:delay}delay":
        return child.get("from") not in ("LocalHost", "room@localhost/x")
    return child.tag not in FORBIDDEN


def model(document: Document, to: str) -> ET.Element:
    """What the receiver has to see."""
    tree = document.expat()
    made = ET.Element(tree.tag, {"from": "romeo@localhost/a", "to": to, "id": "<7>", LANG: tree.get(LANG, "it")})
    if tree.get("type"):
        made.set("type", tree.get("type", ""))
    made.text = tree.text
    made.extend(child for child in tree if may_pass(child))
    return made


@given(sent("Juliet@LocalHost/b"))
def test_from_client_to_client(case: tuple[Document, str]) -> None:
    document, _ = case
    world = World()
    romeo = world.client("romeo@localhost/a", lang="it", bindings=document.bindings)
    juliet = world.client("juliet@localhost/b")
    world.send(romeo, document.raw)
    received, = world.got(juliet)
    assert shape(received) == shape(model(document, "juliet@localhost/b"))


@given(sent("Juliet@LocalHost"))
def test_what_is_stored_for_later_is_what_would_have_been_received(case: tuple[Document, str]) -> None:
    """A message that nobody takes is punted as it would have been delivered, and can be delivered so."""
    document, kind = case
    assume(kind == "message")
    document = replace(document, raw=with_hint(document.raw))
    world = World()
    romeo = world.client("romeo@localhost/a", lang="it", bindings=document.bindings)
    world.send(romeo, document.raw)
    (_, stanza, reason), = world.notes.punted
    assert reason == Reason.P_ABSENT
    assert shape(parse_stanza(stanza.raw).element()) == shape(model(document, "juliet@localhost"))
    juliet = world.client("juliet@localhost/b", presence="0")
    world.rig.router.route(stanza.raw)
    world.rig.turn()
    received, = world.got(juliet)
    assert shape(received) == shape(model(document, "juliet@localhost"))


def with_hint(raw: bytes) -> bytes:
    """The message with <store/> as its last child: it must be kept."""
    end, name = raw.rfind(b"</"), re.match(rb"<([^\s/>]+)", raw)
    assert name is not None
    head, tail = (raw[:end], raw[end:]) if end >= 0 else (raw[:-2] + b">", b"</" + name[1] + b">")
    return head + b"<store xmlns='urn:xmpp:hints'/>" + tail


@given(sent(""), st.data())
def test_broadcast(case: tuple[Document, str], data: st.DataObject) -> None:
    """The one copy without `to`, and the receivers' with theirs."""
    document, kind = case
    assume(kind == "presence")
    raw = document.raw.replace(b' to=""', b"").replace(b" to=''", b"")
    world = World()
    romeo = world.client("romeo@localhost/a", lang="it", bindings=document.bindings, contacts={"juliet@localhost": 3})
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3})
    for session, presence in data.draw(st.permutations([(romeo, raw), (juliet, b"<presence/>")])):
        world.send(session, presence)
    received = next(p for p in world.got(juliet) if p.get("from") == "romeo@localhost/a")
    expected = model(Document(raw, CLIENT, document.bindings, document.flags), "juliet@localhost")
    assert shape(received) == shape(expected)


def test_copied_byte_for_byte() -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    inside = b"<body>a<![CDATA[<b>]]>&#10;&#x41;\r\n</body><x:y xmlns:x='urn:x' x:a=\"'\" xml:lang='de'/>"
    head = b" to='juliet@localhost/b'"
    world.send(romeo, b"<message " + head + b" xmlns='jabber:client'\nxmlns:p=\"urn:p\">" + inside + b"</message >")
    assert world.raw(juliet) == (
        b"<message from='romeo@localhost/a'" + head + b" xmlns:p=\"urn:p\">" + inside + b"</message>")
