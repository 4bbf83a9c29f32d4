"""Trees with more names than are remembered, and with names that look alike, against expat's."""

import random
import sys
import xml.etree.ElementTree as ET

import pytest

from headrace.core import parse_element
from headrace.core.names import namespace_uri
from support.documents import shape

LOCALS = ["a", "abcdefgh", "abcdefghi", "abcdefghj", "abcdefg", "é", "ééééé", "l" * 200]
SPACES = ["", "urn:x", "urn:y", "urn:" + "z" * 200, namespace_uri(2), namespace_uri(3)]


def same(document: str) -> None:
    assert shape(parse_element(document.encode())) == shape(ET.fromstring(document))


def test_more_names_than_are_remembered() -> None:
    names = [f"name{i}" for i in range(1000)] * 2
    random.Random(1).shuffle(names)
    same("<root>" + "".join(f"<{name} {name}='{i}'>text</{name}>" for i, name in enumerate(names)) + "</root>")


def test_names_that_look_alike() -> None:
    children = [f"<{local} xmlns='{uri}' {local}=''/>" for uri in SPACES for local in LOCALS]
    same(f"<root>{''.join(children * 2)}</root>")


def test_a_name_is_one_object() -> None:
    tree = parse_element(b"<a><item jid='x'/><item jid='y'/></a>")
    assert tree[0].tag is tree[1].tag
    assert next(iter(tree[0].attrib)) is next(iter(tree[1].attrib))


@pytest.mark.parametrize("name", ["remembered", "n" * 200])
def test_names_are_given_back(name: str) -> None:
    """Held by the element and the variable, and for the time of the call by the argument."""
    tree = parse_element(f"<{name}/>".encode())
    tag = tree.tag
    assert sys.getrefcount(tag) == 3
