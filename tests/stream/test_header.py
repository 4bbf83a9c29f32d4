"""RFC 6120 4.7 and 4.8: our header as written, the peer's as judged."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from headrace.core.ns import COMPONENT, SERVER, STREAM, XML
from headrace.stream.errors import StreamError
from headrace.stream.header import (
    Header,
    default_language,
    judge_client,
    judge_from,
    judge_host,
    judge_namespaces,
    stream_header,
)

HOSTS = frozenset({"example.com", "bücher.example"})
GOOD = Header(to="example.com", version="1.0")


def refusal(header: Header) -> str:
    with pytest.raises(StreamError) as caught:
        judge_client(header, HOSTS)
    assert caught.value.text
    return caught.value.condition


def test_our_header() -> None:
    written = stream_header(from_="example.com", id="a&b", to="juliet@example.com", lang="en")
    assert written.startswith(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' ")
    tree = ET.fromstring(written + b"</stream:stream>")
    assert tree.tag == f"{{{STREAM}}}stream"
    assert tree.attrib == {"from": "example.com", "to": "juliet@example.com", "id": "a&b", "version": "1.0",
                           f"{{{XML}}}lang": "en"}


def test_our_header_on_other_streams() -> None:
    written = stream_header(from_="a", id=None, content=SERVER, extra=" xmlns:db='jabber:server:dialback'")
    assert b" xmlns='jabber:server'" in written
    assert written.endswith(b" version='1.0' xmlns:db='jabber:server:dialback'>")
    assert b" id=" not in written
    assert b" to=" not in written


@pytest.mark.parametrize("lang", ["de", "de-CH", "zh-Hant-TW", "x-klingon", "sl-rozaj-biske-1994"])
def test_a_language_tag_is_taken_as_it_is(lang: str) -> None:
    assert default_language(lang) == lang


@pytest.mark.parametrize("lang", [None, "", "de_CH", "-", "de-", "123456789", "'><x/>", "d\u00e9", "de-" * 3000 + "de"])
def test_what_is_no_language_tag_is_ignored(lang: str | None) -> None:
    assert default_language(lang) is None


@pytest.mark.parametrize(("to", "host"), [
    ("example.com", "example.com"), ("Example.COM.", "example.com"), ("BÜCHER.example", "bücher.example"),
    ("xn--bcher-kva.example", "bücher.example")])
def test_a_good_header_names_a_host_in_any_spelling(to: str, host: str) -> None:
    assert judge_client(replace(GOOD, to=to), HOSTS) == (host, None)


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0", "01.0", "1.00", "12345.678"])
def test_versions_from_1_on_are_taken(version: str) -> None:
    assert judge_client(replace(GOOD, version=version), HOSTS) == ("example.com", None)


@pytest.mark.parametrize(("change", "condition"), [
    ({"namespace": "urn:x"}, "invalid-namespace"),
    ({"namespace": ""}, "invalid-namespace"),
    ({"name": "streams"}, "bad-format"),
    ({"content": SERVER}, "invalid-namespace"),
    ({"content": ""}, "invalid-namespace"),
    ({"to": None}, "improper-addressing"),
    ({"to": ""}, "improper-addressing"),
    ({"to": "example.net"}, "host-unknown"),
    ({"to": "juliet@example.com"}, "host-unknown"),
    ({"to": "example.com/x"}, "host-unknown"),
    ({"to": "a..b"}, "host-unknown"),
    ({"version": None}, "unsupported-version"),
    ({"version": "0.9"}, "unsupported-version"),
    ({"version": "1"}, "bad-format"),
    ({"version": "one"}, "bad-format"),
    ({"version": "1.-0"}, "bad-format"),
    ({"version": "١.0"}, "bad-format"),
    ({"from_": "@"}, "invalid-from"),
    ({"from_": "juliet@example.net"}, "invalid-from"),
])
def test_a_bad_header_is_refused_with_its_condition(change: dict[str, str | None], condition: str) -> None:
    assert refusal(replace(GOOD, **change)) == condition


def test_the_namespace_is_judged_first() -> None:
    assert refusal(Header(name="x", namespace="urn:x", content="")) == "invalid-namespace"


def test_other_kinds_of_stream_have_their_own_content() -> None:
    judge_namespaces(replace(GOOD, content=COMPONENT), COMPONENT)
    with pytest.raises(StreamError):
        judge_namespaces(GOOD, COMPONENT)


def test_a_claimed_from_is_prepared_and_made_bare() -> None:
    assert judge_from("Juliet@EXAMPLE.com/x", "example.com") == "juliet@example.com"
    assert judge_from(None, "example.com") is None


def test_an_ip_literal_may_be_a_host() -> None:
    assert judge_host("[0:0::1]", {"[::1]"}) == "[::1]"
