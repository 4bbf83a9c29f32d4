"""What is copied arrives as the same tree (protocol.md 1): expat's reading below each stream's own root."""

import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.people import World
from support.rawclient import HEADER, NS, Client, without_our_id
from support.server import Server

STANZAS = 60        # per seed and turn
ROOT = HEADER.format(host="localhost").partition("?>")[2]
XML = "{http://www.w3.org/XML/1998/namespace}"
TEXTS = ["x", "a  b", " ", "\t", "\n", "\r\n", "\r", "&lt;&gt;&amp;&apos;&quot;", "&#65;&#x1F600;", "&#13;",
         "&#xD;&#xA;", "]]&gt;", "]] >", "\u00e9\u4e2d\U0001f600", "<![CDATA[]]>", "<![CDATA[<&]]]]><![CDATA[>]]>",
         "<![CDATA[ \r\n ]]>", "'\"", ">", "/>"]
VALUES = ["", "x", " a  b ", "&#9;&#10;&#13;", "\t\n", "\r\n", "&lt;&amp;", ">", "/>", "=", "\u00e9", "&#x1F600;",
          "urn:x"]
URIS = ["urn:a", "urn:b", "http://x.example/?a=1&amp;b=2", "urn:\u00e9", "jabber:client", "urn:x y", "urn:&#97;"]
PREFIXES = ["", "p", "q", "stream", "_", "p.1-x", "\u00e9"]
NAMES = ["a", "b", "body", "x-1", "message", "\u4e2d", "_", "n" * 200]


class Writer:
    """Writes elements as odd as namespaces allow, each name bound inside the stanza (or by the default)."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def space(self, least: int = 0) -> str:
        return self.dice.choice(["", " ", "  ", "\n", "\t ", "\r\n"][least:])

    def quoted(self, value: str) -> str:
        mark = self.dice.choice("'\"")
        return f"{self.space()}={self.space()}{mark}{value}{mark}"

    def element(self, bound: dict[str, str], depth: int) -> str:
        dice, bound, declared = self.dice, dict(bound), []
        for _ in range(dice.choice([0, 0, 1, 2])):
            prefix = dice.choice(PREFIXES)
            if prefix not in declared:
                declared.append(prefix)
                bound[prefix] = dice.choice([*URIS, *["", "jabber:client"] * (not prefix)])
        attributes = [("xmlns:" + p if p else "xmlns", bound[p]) for p in declared]
        attributes += self.attributes(bound)
        dice.shuffle(attributes)
        prefix = dice.choice(list(bound))
        name = (prefix + ":" if prefix else "") + dice.choice(NAMES)
        head = name + "".join(self.space(1) + key + self.quoted(value) for key, value in attributes) + self.space()
        inside = "".join(self.content(bound, depth - 1) for _ in range(dice.randrange(4))) if depth else ""
        if not inside and dice.random() < 0.7:
            return f"<{head}/>"
        return f"<{head}>{inside}</{name}{self.space()}>"

    def attributes(self, bound: dict[str, str]) -> list[tuple[str, str]]:
        """No two of the same name once prefixes are resolved."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for _ in range(self.dice.choice([0, 0, 1, 3])):
            prefix = self.dice.choice([*(p for p in bound if p), "", "xml"])
            name = self.dice.choice(["lang", "space"] if prefix == "xml" else NAMES)
            value = "default" if name == "space" else self.dice.choice(VALUES)
            uri = bound.get(prefix, "").replace("&#97;", "a") if prefix else ""
            found[(uri if prefix != "xml" else "xml", name)] = (f"{prefix}:{name}" if prefix else name, value)
        return list(found.values())

    def content(self, bound: dict[str, str], depth: int) -> str:
        return self.dice.choice(TEXTS) if self.dice.random() < 0.4 else self.element(bound, depth)

    def children(self) -> str:
        return "".join(self.content({"": "jabber:client"}, 4) for _ in range(self.dice.randrange(1, 5)))


def tree(element: ET.Element) -> object:
    """All that a parser may tell of it."""
    return element.tag, element.attrib, element.text or "", [(tree(c), c.tail or "") for c in element]


def read(root: str, raw: str) -> ET.Element:
    return ET.fromstring(f"{root}{raw}</stream:stream>")[0]


@pytest.fixture(scope="module")
def pair(server: Server, names: Iterator[str]) -> Iterator[tuple[Client, Client]]:
    world = World(server, names)
    yield world.friends()
    for client in world.clients:
        client.close()


def carried(sender: Client, receiver: Client, stanzas: list[str]) -> list[ET.Element]:
    sender.send(*stanzas)
    assert sender.sync() == []
    return [without_our_id(stanza) for stanza in receiver.sync()]


def compare(sent: ET.Element, got: ET.Element) -> None:
    """Same content; the head as the server writes it."""
    head = {key: value for key, value in sent.attrib.items() if key in ("id", "type", XML + "lang")}
    assert {k: v for k, v in got.attrib.items() if k not in ("from", "to")} == head
    sent.attrib.clear()
    got.attrib.clear()
    assert tree(got) == tree(sent)


@pytest.mark.parametrize("seed", range(5))
def test_odd_but_legal(pair: tuple[Client, Client], seed: int, soak: int) -> None:
    """Prefixes, own declarations, CDATA, references, quotes and spaces of every kind."""
    sender, receiver = pair
    for turn in range(soak):
        writer = Writer(seed + 1000 * turn)
        stanzas = [f"<message to='{receiver.jid}' id='{n}' type='chat'>{writer.children()}</message>"
                   for n in range(STANZAS)]
        got = carried(sender, receiver, stanzas)
        assert len(got) == STANZAS
        for raw, stanza in zip(stanzas, got, strict=True):
            compare(read(ROOT, raw), stanza)


@pytest.mark.parametrize("head", [
    "<message to='{to}' type = \"chat\"  id\n=\n'1'\t>{c}</message >",
    "<message\r\nto='{to}'>{c}</message\r\n>",
    "<message to=\"{to}\" id='&lt;&quot;&apos;&amp;&#9;&#x1F600;' xml:lang='de'>{c}</message>",
    "<message to='{to}' id=''>{c}</message>",
    "<message xmlns='jabber:client' to='{to}'>{c}</message>",
    "<message xmlns:p='urn:p' to='{to}' xmlns:q='urn:q'>{c}<p:a q:b=''/></message>",
    "<message xmlns:p='urn:p' to='{to}' xmlns:q='urn:p'>{c}<p:a><q:a/></p:a></message>",
    "<message xmlns:xml='http://www.w3.org/XML/1998/namespace' to='{to}' xml:lang='x'>{c}</message>",
    "<message xmlns:jc='jabber:client' to='{to}'>{c}<jc:thread>t</jc:thread></message>",
    "<message xmlns:stream='urn:mine' to='{to}'>{c}<stream:error/></message>",
    "<message to='{to}' id='1'><body/></message>",
    "<message to='{to}' id='1'/>",
    "<message to='{to}' id='1'></message>",
    "<message to='{to}'>text {c} text</message>",
    "<message to='{to}'><![CDATA[<no-tag>]]>{c}</message>",
    "<message to='{to}'>{c}<x xmlns=''><y/></x></message>",
    "<message to='{to}'><p:message xmlns:p='jabber:client'><p:body/></p:message>{c}</message>",
])
@pytest.mark.parametrize("content", ["<body>hi</body>", "<body>&lt;&#13;]]&gt;</body><x xmlns='urn:x'>\r\n</x>"])
def test_heads_of_all_kinds(pair: tuple[Client, Client], head: str, content: str) -> None:
    sender, receiver = pair
    raw = head.format(to=receiver.jid, c=content)
    [got] = carried(sender, receiver, [raw])
    assert (got.get("from"), got.get("to")) == (sender.jid, receiver.jid)
    compare(read(ROOT, raw), got)


def test_bindings_of_the_senders_root(world: World) -> None:
    """A prefix that only the sender's header declares still means what it meant."""
    sender, receiver = world.friends()
    name = sender.bare.partition("@")[0]
    root = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:own='urn:own'"
            " xmlns:c='jabber:client' to='localhost' version='1.0' xml:lang='de'>")
    odd = world.connection()
    odd.open()
    odd.plain(name, "secret")
    odd.restart()
    odd.send(root)
    odd.next()
    odd.bind("odd")
    raw = (f"<message to='{receiver.jid}' id='1'><own:x own:a='1'/><c:thread>t</c:thread><stream:y/>"
           "<deep xmlns='urn:d'><own:z/></deep><body own:b='2'>b</body></message>")
    odd.send(raw)
    odd.sync()
    [got] = map(without_our_id, receiver.sync())
    sent = read(root, raw)
    sent.set(XML + "lang", "de")    # the sender's stream's language goes with its stanzas (RFC 6120 4.7.4)
    compare(sent, got)


def test_a_prefixed_stanza(world: World) -> None:
    sender, receiver = world.friends()
    sender.send(f"<c:message xmlns:c='jabber:client' to='{receiver.jid}' id='1'><c:body>hi</c:body></c:message>")
    sender.sync()
    [got] = receiver.sync()
    assert (got.tag, got.findtext(NS + "body")) == (NS + "message", "hi")


@pytest.mark.parametrize("attribute", ["foo='1'", "xmlns:p='urn:p' p:foo='1'", "xml:space='preserve'"])
def test_other_attributes_of_the_head(world: World, attribute: str) -> None:
    """They may be lost or kept; what is inside is not touched."""
    sender, receiver = world.friends()
    sender.send(f"<message {attribute} to='{receiver.jid}' id='1'><body>hi</body></message>")
    sender.sync()
    [got] = receiver.sync()
    assert got.findtext(NS + "body") == "hi"
    assert got.get("id") == "1"


def test_presence_and_iq_are_carried_alike(pair: tuple[Client, Client]) -> None:
    sender, receiver = pair
    writer = Writer(99)
    stanzas = []
    for number in range(STANZAS):
        stanzas.append(f"<presence to='{receiver.jid}' id='{number}'>{writer.children()}</presence>")
        payload = f"<w xmlns='urn:w'>{writer.content({'': 'urn:w'}, 4)}</w>"
        stanzas.append(f"<iq to='{receiver.jid}' id='{number}' type='set'>{payload}</iq>")
    got = carried(sender, receiver, stanzas)
    assert len(got) == len(stanzas)
    for raw, stanza in zip(stanzas, got, strict=True):
        compare(read(ROOT, raw), stanza)


def test_every_cut_of_one_stanza(pair: tuple[Client, Client]) -> None:
    """Two segments, cut at each byte: the same tree each time."""
    sender, receiver = pair
    raw = (f"<message to='{receiver.jid}' id='&#65;' xmlns:p='urn:p'><body a=\"'\">\u00e9&amp;<![CDATA[]]]]>"
           "<![CDATA[>]]></body><p:x p:y='\u4e2d'/></message >").encode()
    sent = tree(read(ROOT, raw.decode()))
    for cut in range(1, len(raw)):
        sender.send(raw[:cut])
        sender.send(raw[cut:])
    sender.sync()
    got = receiver.sync()
    assert len(got) == len(raw) - 1
    for stanza in got:
        del stanza.attrib["from"]
        assert tree(without_our_id(stanza)) == sent
