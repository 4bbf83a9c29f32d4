import pytest

from headrace.core.stanza import parse_element
from headrace.xep.forms import Field, Invalid, form, submitted
from support.stanzas import shape

FIELDS = (Field("account", "jid-single", "Account", required=True), Field("others", "jid-multi"),
          Field("text", "text-multi"), Field("word"), Field("sure", "boolean"),
          Field("one", "list-single", options=("a", "b")))


def fill(inside: str) -> dict[str, tuple[str, ...]]:
    x = parse_element(f"<x xmlns='jabber:x:data' type='submit'>{inside}</x>".encode())
    return dict(submitted(x, "urn:form", FIELDS))


def field(var: str, *values: str) -> str:
    return f"<field var='{var}'>{''.join(f'<value>{value}</value>' for value in values)}</field>"


def test_form_to_be_filled_in() -> None:
    written = form("form", "urn:form", [Field("a<", "list-single", "L&", required=True, values=("x",),
                                              options=("x", "y"))], title="T>", instructions="I")
    assert shape(parse_element(written)) == shape(parse_element(
        b"<x xmlns='jabber:x:data' type='form'><title>T&gt;</title><instructions>I</instructions>"
        b"<field var='FORM_TYPE' type='hidden'><value>urn:form</value></field>"
        b"<field var='a&lt;' type='list-single' label='L&amp;'><required/><value>x</value>"
        b"<option><value>x</value></option><option><value>y</value></option></field></x>"))


def test_result_names_no_types() -> None:
    written = form("result", "urn:form", [Field("a", "list-multi", "L", values=("x", "y"), options=("x",))])
    assert shape(parse_element(written)) == shape(parse_element(
        b"<x xmlns='jabber:x:data' type='result'>"
        b"<field var='FORM_TYPE' type='hidden'><value>urn:form</value></field>"
        b"<field var='a' label='L'><value>x</value><value>y</value></field></x>"))


def test_what_was_filled_in() -> None:
    assert fill(field("FORM_TYPE", "urn:form") + field("account", "A@Example.ORG")
                + field("others", "b@c", "B@C", "d@e/F") + field("text", "1", "", "2") + field("unknown", "x")
                + field("sure", "1") + field("one", "b") + field("word", "")) == {
        "account": ("a@example.org",), "others": ("b@c", "d@e/F"), "text": ("1", "", "2"), "sure": ("true",),
        "one": ("b",)}


@pytest.mark.parametrize(("inside", "text"), [
    ("", "Account: needed"),
    (field("account", ""), "Account: needed"),
    (field("account", "a@b", "c@d"), "Account: one value only"),
    (field("account", "@"), "Account: "),
    (field("account", "a@b") + field("others", "x@y", "@"), "others: "),
    (field("account", "a@b") + field("sure", "perhaps"), "sure: 'perhaps'"),
    (field("account", "a@b") + field("one", "c"), "one: choose"),
    (field("account", "a@b") + field("FORM_TYPE", "urn:other"), "not a form of the type urn:form"),
])
def test_what_does_not_fit(inside: str, text: str) -> None:
    with pytest.raises(Invalid, match=text):
        fill(inside)
