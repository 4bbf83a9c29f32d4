"""Escapes and trees against expat. (Splices, against the tree model, are in test_splice.py.)"""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import escape, serialize
from headrace.core.ns import CLIENT, XML
from support.documents import shape

# What XML 1.0 can carry.
LEGAL = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
TEXT = st.text(LEGAL | st.sampled_from("<>&\"'\t\n\r]"), max_size=40)
NAMES = st.from_regex(r"[A-Za-z_é][-.A-Za-z0-9_é]{0,6}", fullmatch=True)
URIS = st.sampled_from(["", CLIENT, "jabber:server", "urn:x", "a'b&<c>", "a{b", "urn:é"])


def tag(uri: str, name: str) -> str:
    return f"{{{uri}}}{name}" if uri else name


TAGS = st.builds(tag, URIS, NAMES)
ATTRIBUTES = st.dictionaries(
    st.builds(tag, st.sampled_from(["", XML, "urn:x", "urn:y", "a'b"]), NAMES.filter(lambda n: n != "xmlns")),
    TEXT, max_size=4)


def element(tag: str, attrib: dict[str, str], text: str, tail: str, inner: list[ET.Element]) -> ET.Element:
    made = ET.Element(tag, attrib)
    made.text, made.tail = text, tail
    made.extend(inner)
    return made


TREES = st.recursive(
    st.builds(element, TAGS, ATTRIBUTES, TEXT, TEXT, st.just([])),
    lambda inner: st.builds(element, TAGS, ATTRIBUTES, TEXT, TEXT, st.lists(inner, max_size=3)),
    max_leaves=8)


@given(TREES, st.sampled_from([CLIENT, "", "urn:x"]))
def test_a_tree_written_below_a_default_namespace_is_read_back(tree: ET.Element, default: str) -> None:
    written = serialize(tree, default)
    root = b"<r xmlns='%s'>%s</r>" % (default.encode(), written) if default else b"<r>%s</r>" % written
    assert shape(ET.fromstring(root)[0]) == shape(tree)


@given(TREES)
def test_a_tree_written_for_nowhere_stands_on_its_own(tree: ET.Element) -> None:
    assert shape(ET.fromstring(serialize(tree, ""))) == shape(tree)


def test_below_a_stream_root_children_of_the_content_namespace_are_bare() -> None:
    tree = ET.fromstring(f"<message xmlns='{CLIENT}' to='a@b'><body>hi</body>"
                         f"<x xmlns='urn:x'><y/><body xmlns='{CLIENT}'/></x></message>")
    assert serialize(tree) == (b"<message to='a@b'><body>hi</body><x xmlns='urn:x'><y/>"
                               b"<body xmlns='jabber:client'/></x></message>")
    assert serialize(tree, "").startswith(b"<message xmlns='jabber:client' to='a@b'>")


def test_xml_lang_and_namespaced_attributes() -> None:
    tree = ET.Element("a", {f"{{{XML}}}lang": "en", "{urn:x}p": "1", "{urn:y}p": "2"})
    assert serialize(tree, "") == b"<a xml:lang='en' xmlns:n0='urn:x' n0:p='1' xmlns:n1='urn:y' n1:p='2'/>"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "1a", "-a", "a>b", "{urn:x}", "{urn:x}a b",
                                  "{http://www.w3.org/2000/xmlns/}p", "a'b", "a/"])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="n"):
        serialize(ET.Element(name))
    with pytest.raises(ValueError, match="n"):
        serialize(ET.Element("a", {name: "v"}))


def test_xmlns_is_no_attribute_of_a_tree() -> None:
    with pytest.raises(ValueError, match="xmlns"):
        serialize(ET.Element("a", {"xmlns": "urn:x"}))


@pytest.mark.parametrize("char", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_characters_that_xml_cannot_carry_are_refused(char: str) -> None:
    tree = ET.Element("a")
    tree.text = f"x{char}"
    attribute = ET.Element("a", {"b": char})
    for write in (lambda: serialize(tree), lambda: serialize(attribute), lambda: escape(char * 20)):
        with pytest.raises(ValueError, match=r"XML|surrogate"):
            write()


def test_comments_and_other_types_are_refused() -> None:
    with pytest.raises(TypeError):
        serialize(ET.Comment("no"))
    with pytest.raises(TypeError):
        serialize(ET.Element("a", {"n": 1}))  # type: ignore[dict-item]


def test_a_tree_too_deep_is_refused() -> None:
    tree = ET.Element("a")
    for _ in range(300):
        outer = ET.Element("a")
        outer.append(tree)
        tree = outer
    with pytest.raises(ValueError, match="deeper"):
        serialize(tree)


@given(TEXT, st.integers(0, 40))
def test_escaped_text_is_read_back_exactly_from_text_and_from_both_quotes(text: str, padding: int) -> None:
    value = "x" * padding + text
    written = escape(value)
    assert not set("<>\"'\t\n\r") & set(written)
    tree = ET.fromstring(f"<a s='{written}' d=\"{written}\">{written}</a>")
    assert tree.attrib == {"s": value, "d": value}
    assert (tree.text or "") == value


def test_plain_text_is_not_copied() -> None:
    text = "nothing to escape in this text, long enough for vectors"
    assert escape(text) is text


@pytest.mark.parametrize("length", range(70))
def test_every_odd_character_is_found_at_every_place(length: int) -> None:
    for odd, written in {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\t": "&#9;",
                         "\n": "&#10;", "\r": "&#13;"}.items():
        before, behind = "%" * length, "=" * (69 - length)
        assert escape(before + odd + behind) == before + written + behind
