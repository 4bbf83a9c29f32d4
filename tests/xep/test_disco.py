"""XEP-0030: answers as its examples show them."""

import xml.etree.ElementTree as ET

from headrace.core.ns import DISCO_INFO, DISCO_ITEMS, XML
from headrace.xep.disco import Identity, Item, info, items


def test_info() -> None:
    identities = [Identity("server", "im", "A <server>", "en"), Identity("pubsub", "pep")]
    features = ["urn:x", "urn:a&b", "urn:x"]
    tree = ET.fromstring(info(identities, features, forms=[b"<x xmlns='jabber:x:data'/>"]))
    assert tree.tag == f"{{{DISCO_INFO}}}query"
    assert tree.attrib == {}
    found = [child.attrib for child in tree.iter(f"{{{DISCO_INFO}}}identity")]
    assert found == [{"category": "server", "type": "im", "name": "A <server>", f"{{{XML}}}lang": "en"},
                     {"category": "pubsub", "type": "pep"}]
    found = [child.attrib for child in tree.iter(f"{{{DISCO_INFO}}}feature")]
    assert found == [{"var": "urn:a&b"}, {"var": "urn:x"}]
    assert tree[-1].tag == "{jabber:x:data}x"


def test_the_node_asked_for_is_in_the_answer() -> None:
    assert ET.fromstring(info([], [], node="http://x#y&z")).attrib == {"node": "http://x#y&z"}
    assert ET.fromstring(items([], node="n'")).attrib == {"node": "n'"}


def test_items() -> None:
    tree = ET.fromstring(items([Item("people.shakespeare.lit", "Directory of Characters"),
                                Item("catalog.shakespeare.lit", node="books")]))
    assert tree.tag == f"{{{DISCO_ITEMS}}}query"
    assert [child.attrib for child in tree] == [
        {"jid": "people.shakespeare.lit", "name": "Directory of Characters"},
        {"jid": "catalog.shakespeare.lit", "node": "books"}]
    assert not list(ET.fromstring(items([])))
