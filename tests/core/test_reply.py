"""RFC 6120 8.3: answers to stanzas."""

import xml.etree.ElementTree as ET

import pytest

from headrace.core import Stanza, parse_element, parse_stanza
from headrace.core.ns import CLIENT, STANZA_ERRORS, XML
from headrace.core.reply import ERROR_TYPES, error, error_reply, iq_result, stanza

IQ = b"<iq from='a@b/c' to='d@e' id='x&amp;y' type='get'><query xmlns='urn:x'/></iq>"


def read(written: bytes | None) -> ET.Element:
    assert written is not None
    return parse_element(written, CLIENT)


def test_an_error_goes_back_to_where_the_stanza_came_from() -> None:
    tree = read(error_reply(parse_stanza(IQ), "forbidden", "not <you>"))
    assert tree.tag == f"{{{CLIENT}}}iq"
    assert tree.attrib == {"from": "d@e", "to": "a@b/c", "id": "x&y", "type": "error"}
    (found,) = tree
    assert (found.tag, found.attrib) == (f"{{{CLIENT}}}error", {"type": "auth"})
    condition, text = found
    assert condition.tag == f"{{{STANZA_ERRORS}}}forbidden"
    assert (text.tag, text.text, text.attrib) == (
        f"{{{STANZA_ERRORS}}}text", "not <you>", {f"{{{XML}}}lang": "en"})


@pytest.mark.parametrize("condition", sorted(ERROR_TYPES))
def test_every_condition_has_its_type(condition: str) -> None:
    tree = ET.fromstring(error(condition))
    assert tree.get("type") in {"auth", "cancel", "continue", "modify", "wait"}
    assert [child.tag for child in tree] == [f"{{{STANZA_ERRORS}}}{condition}"]


def test_there_are_all_22_of_them() -> None:
    assert len(ERROR_TYPES) == 22


@pytest.mark.parametrize(("condition", "type_"), [  # RFC 6120 8.3.3
    ("bad-request", "modify"), ("item-not-found", "cancel"), ("jid-malformed", "modify"),
    ("not-authorized", "auth"), ("resource-constraint", "wait"), ("service-unavailable", "cancel"),
    ("remote-server-timeout", "wait"), ("recipient-unavailable", "wait"), ("internal-server-error", "cancel")])
def test_default_types_are_the_rfcs(condition: str, type_: str) -> None:
    assert ERROR_TYPES[condition] == type_


def test_the_type_can_be_another() -> None:
    tree = ET.fromstring(error("internal-server-error", type="wait", by="e", extra=b"<more xmlns='urn:x'/>"))
    assert tree.attrib == {"type": "wait", "by": "e"}
    assert tree[-1].tag == "{urn:x}more"


def test_an_unknown_condition_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        error("no-such-thing")


@pytest.mark.parametrize("raw", [
    b"<message type='error' from='a@b/c'/>", b"<presence type='error' from='a@b/c'/>",
    b"<iq type='error' id='1' from='a@b/c'/>", b"<iq type='result' id='1' from='a@b/c'/>"])
def test_errors_and_results_are_never_answered_by_an_error(raw: bytes) -> None:
    assert error_reply(parse_stanza(raw), "service-unavailable") is None


@pytest.mark.parametrize("raw", [
    b"<message from='a@b/c'/>", b"<message type='groupchat' from='a@b/c'/>", b"<presence from='a@b/c'/>",
    b"<presence type='subscribe' from='a@b/c'/>", b"<iq type='set' id='1' from='a@b/c'/>"])
def test_the_others_are(raw: bytes) -> None:
    tree = read(error_reply(parse_stanza(raw), "service-unavailable", from_="e"))
    assert tree.tag == parse_stanza(raw).element().tag
    assert (tree.get("type"), tree.get("to"), tree.get("from")) == ("error", "a@b/c", "e")


def test_a_stanza_without_addresses_is_answered_without_them() -> None:
    assert error_reply(parse_stanza(b"<iq type='get' id='1'/>"), "bad-request") == (
        b"<iq id='1' type='error'><error type='modify'><bad-request xmlns='%s'/></error></iq>"
        % STANZA_ERRORS.encode())


def test_results() -> None:
    request = parse_stanza(IQ, to="d@e")
    assert iq_result(request) == b"<iq from='d@e' to='a@b/c' id='x&amp;y' type='result'/>"
    payload = b"<query xmlns='urn:x'/>"
    assert iq_result(request, payload) == (
        b"<iq from='d@e' to='a@b/c' id='x&amp;y' type='result'><query xmlns='urn:x'/></iq>")
    assert iq_result(request, ET.fromstring(payload)) == iq_result(request, payload)
    assert iq_result(request, from_="other").startswith(b"<iq from='other' ")


def test_the_addresses_are_those_that_the_router_prepared() -> None:
    request = parse_stanza(b"<iq type='get' id='1' to='D@E'/>", from_="a@b/c", to="d@e")
    assert isinstance(request, Stanza)
    assert read(iq_result(request)).attrib == {"from": "d@e", "to": "a@b/c", "id": "1", "type": "result"}


def test_a_stanza_of_our_own() -> None:
    body = ET.Element(f"{{{CLIENT}}}body")
    body.text = "it's"
    assert stanza("message", body, from_="a'b", lang="de", type=None) == (
        b"<message from='a&apos;b' xml:lang='de'><body>it's</body></message>")
