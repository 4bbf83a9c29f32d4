"""Stanzas: what is copied, the tree against expat's, and what is refused."""

import pytest
from hypothesis import given

from headrace.core import Stanza, XMLError, parse_element, parse_stanza
from headrace.core.names import Known
from headrace.core.ns import CLIENT, SERVER, XML
from headrace.core.tokenizer import Flag, Kind
from support.documents import Document, documents, shape


def test_the_head_and_the_first_child() -> None:
    stanza = parse_stanza(b"<iq xml:lang='de' id='a&#38;b' type='get' to='Romeo&#64;Example.ORG' from=\"x\">"
                          b"<query xmlns='urn:x'>t</query><y/></iq>")
    assert (stanza.kind, stanza.name, stanza.namespace) == (Kind.KIND_IQ, "iq", CLIENT)
    assert (stanza.id, stanza.type, stanza.to, stanza.from_, stanza.lang) == (
        "a&b", "get", "Romeo@Example.ORG", "x", "de")
    assert (stanza.child_name, stanza.child_namespace) == ("query", "urn:x")
    child = stanza.child()
    assert child is not None
    assert (child.tag, child.text) == ("{urn:x}query", "t")
    assert stanza.flags == 0


def test_what_is_absent_is_none() -> None:
    raw = b"<presence/>"
    stanza = parse_stanza(raw)
    assert (stanza.to, stanza.from_, stanza.id, stanza.type, stanza.lang) == (None,) * 5
    assert (stanza.child_name, stanza.child_namespace, stanza.child()) == (None, None, None)
    assert stanza.raw == raw
    assert stanza.flags == Flag.F_SELF_CLOSED
    assert stanza.element().attrib == {}


def test_known_children_are_bits() -> None:
    stanza = parse_stanza(b"<message><x xmlns='urn:y'/><body>hi</body><delay xmlns='urn:xmpp:delay'/></message>")
    assert stanza.known == 1 << Known.K_BODY | 1 << Known.K_DELAY


def test_prepared_addresses_replace_those_of_the_head() -> None:
    stanza = parse_stanza(b"<message to='A@B' from='forged'/>", to="a@b", from_="c@d/e")
    assert (stanza.to, stanza.from_) == ("a@b", "c@d/e")
    assert stanza.element().attrib == {"to": "a@b", "from": "c@d/e"}
    assert stanza.raw == b"<message to='A@B' from='forged'/>"


def test_the_same_with_other_addresses() -> None:
    stanza = parse_stanza(b"<message to='a@b' from='c@d' id='1&#50;'><body>hi</body></message>")
    back = stanza.with_addresses("a@b", "c@d")
    assert (back.from_, back.to, back.id, back.raw) == ("a@b", "c@d", "12", stanza.raw)
    assert back.element().attrib == {"from": "a@b", "to": "c@d", "id": "12"}
    assert back.written() == b"<message from='a@b' to='c@d' id='12'><body>hi</body></message>"
    assert (stanza.from_, stanza.to) == ("c@d", "a@b")
    bare = back.with_addresses(None, None)
    assert (bare.from_, bare.to) == (None, None)
    assert bare.element().attrib == {"id": "12"}
    assert bare.written() == b"<message id='12'><body>hi</body></message>"
    assert (back.from_, back.to) == ("a@b", "c@d")


def test_the_tree_is_built_once() -> None:
    stanza = parse_stanza(b"<message><body/></message>")
    assert stanza.element() is stanza.element()


def test_prefixes_of_the_root_are_resolved() -> None:
    stanza = parse_stanza(b"<message><p:x p:a='1' xml:lang='en'/></message>", bindings=(("p", "urn:p'&"),))
    assert stanza.flags & Flag.F_OUTER_BINDING
    child = stanza.element()[0]
    assert child.tag == "{urn:p'&}x"
    assert child.attrib == {"{urn:p'&}a": "1", f"{{{XML}}}lang": "en"}


def test_text_is_decoded_and_joined() -> None:
    tree = parse_element(b"<a b='1&#10;2\n3 &lt;'>x&amp;y<![CDATA[<&]]>&#233;\r\nz<c/>tail&gt;<d>in</d></a>")
    assert tree.attrib == {"b": "1\n2 3 <"}
    assert tree.text == "x&y<&é\nz"
    assert [(child.tag, child.text, child.tail) for child in tree] == [("c", None, "tail>"), ("d", "in", None)]


@given(documents())
def test_the_tree_is_expats_tree(document: Document) -> None:
    stanza = parse_stanza(document.raw, document.content, bindings=document.bindings)
    assert shape(stanza.element()) == shape(document.expat())


@given(documents())
def test_flags_say_what_the_splice_rule_asks_for(document: Document) -> None:
    stanza = parse_stanza(document.raw, document.content, bindings=document.bindings)
    assert stanza.kind != Kind.KIND_OTHER
    asked = Flag.F_PREFIXED | Flag.F_EXTRA_ATTRS | Flag.F_OUTER_BINDING | Flag.F_CONTENT_CHILD
    assert Flag(stanza.flags) & asked == document.flags


def test_other_content_namespaces() -> None:
    stanza = parse_stanza(b"<message><body/></message>", SERVER)
    assert stanza.namespace == SERVER
    assert stanza.element()[0].tag == f"{{{SERVER}}}body"


@pytest.mark.parametrize(("raw", "condition"), [
    (b"", "not-well-formed"),
    (b"<message>", "not-well-formed"),
    (b"<message/><message/>", "bad-format"),
    (b"<message/> ", "bad-format"),
    (b"<message></presence>", "not-well-formed"),
    (b"<p:message/>", "not-well-formed"),
    (b"<message>&nbsp;</message>", "restricted-xml"),
    (b"<message><!-- --></message>", "restricted-xml"),
])
def test_what_is_no_single_element_is_refused(raw: bytes, condition: str) -> None:
    with pytest.raises(XMLError) as caught:
        parse_stanza(raw)
    assert caught.value.condition == condition
    assert caught.value.offset <= len(raw)
    with pytest.raises(XMLError):
        parse_element(raw)


def test_stanzas_are_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Stanza()
    with pytest.raises(AttributeError):
        parse_stanza(b"<message/>").to = "x"  # type: ignore[misc]


def test_the_memory_of_a_stanza_is_used_again_without_what_it_held() -> None:
    for _ in range(3):
        kept = [parse_stanza(b"<message to='a&amp;b'><body>%d</body></message>" % i) for i in range(200)]
        assert [(stanza.to, stanza.element()[0].text) for stanza in kept] == [("a&b", str(i)) for i in range(200)]
        del kept
        plain = [parse_stanza(b"<iq id='%d'/>" % i) for i in range(200)]
        assert {(stanza.to, stanza.child_name, len(stanza.element())) for stanza in plain} == {(None, None, 0)}
        assert [stanza.id for stanza in plain] == [str(i) for i in range(200)]
