"""The same unit in both framings."""

import xml.etree.ElementTree as ET

import pytest

from headrace.core import ns
from headrace.stream.features import bind
from headrace.stream.framing import TCP, Framing, WebSocket


def test_tcp_is_one_document() -> None:
    framing = TCP()
    written = (framing.open(from_="example.com", id="x") + framing.features([bind()]) +
               framing.error("reset", "later") + framing.close())
    tree = ET.fromstring(written)
    assert [child.tag for child in tree] == [f"{{{ns.STREAM}}}features", f"{{{ns.STREAM}}}error"]


def test_tcp_for_servers() -> None:
    assert b" xmlns='jabber:server'" in TCP(ns.SERVER).open(from_="a", id="x", to="b")


def test_each_websocket_frame_is_a_document() -> None:
    framing = WebSocket()
    opened = ET.fromstring(framing.open(from_="example.com", id="x'y"))
    assert opened.tag == f"{{{ns.FRAMING}}}open"
    assert opened.attrib == {"from": "example.com", "id": "x'y", "version": "1.0", f"{{{ns.XML}}}lang": "en"}
    assert ET.fromstring(framing.features([bind()])).tag == f"{{{ns.STREAM}}}features"
    assert ET.fromstring(framing.error("reset")).tag == f"{{{ns.STREAM}}}error"
    assert ET.fromstring(framing.close()).tag == f"{{{ns.FRAMING}}}close"


def test_websocket_frames_carry_no_declaration() -> None:
    """RFC 7395 3.3.3: a frame starts with `<`, of the element."""
    assert WebSocket().open(from_="a", id="b").startswith(b"<open ")


def test_a_websocket_client_can_be_sent_elsewhere() -> None:
    tree = ET.fromstring(WebSocket().close("wss://other.example/xmpp?a&b"))
    assert tree.get("see-other-uri") == "wss://other.example/xmpp?a&b"


@pytest.mark.parametrize("framing", [TCP(), WebSocket()])
def test_both_are_framings(framing: Framing) -> None:
    assert b"id='i'" in framing.open(from_="f", id="i", to="t", lang="de")
    assert b"xml:lang='de'" in framing.open(from_="f", id="i", lang="de")
