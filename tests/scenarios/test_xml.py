"""Bytes that are no XMPP (RFC 6120 11, parser.md): each ends the stream of who sent them, and nothing else."""

from contextlib import suppress

import pytest

from support.people import World
from support.rawclient import STREAMS, Client, bodies

RESTRICTED, MALFORMED = {"restricted-xml"}, {"not-well-formed"}
NAMESPACE = {"not-well-formed", "invalid-namespace", "bad-namespace-prefix", "invalid-xml"}
POLICY = {"policy-violation"}

INSIDE = {  # in a message's place of content
    "comment": (b"<!-- x -->", RESTRICTED),
    "instruction": (b"<?php x?>", RESTRICTED),
    "doctype": (b"<!DOCTYPE x [<!ENTITY y 'z'>]>", RESTRICTED | MALFORMED),
    "declaration": (b"<?xml version='1.0'?>", RESTRICTED | MALFORMED),
    "entity": (b"<body>&nbsp;</body>", RESTRICTED),
    "entity in value": (b"<body a='&lol;'/>", RESTRICTED),
    "entity to be declared": (b"<body>&lol9;</body>", RESTRICTED),
    "bare ampersand": (b"<body>a & b</body>", MALFORMED),
    "reference without end": (b"<body>&amp</body>", MALFORMED | RESTRICTED),
    "empty reference": (b"<body>&#;</body>", MALFORMED),
    "empty hex reference": (b"<body>&#x;</body>", MALFORMED),
    "reference to nul": (b"<body>&#0;</body>", MALFORMED),
    "reference to control": (b"<body>&#x1F;</body>", MALFORMED),
    "reference to surrogate": (b"<body>&#xD800;</body>", MALFORMED),
    "reference to fffe": (b"<body>&#xFFFE;</body>", MALFORMED),
    "reference beyond unicode": (b"<body>&#x110000;</body>", MALFORMED),
    "reference that wraps": (b"<body>&#4294967361;</body>", MALFORMED),
    "reference that wraps twice": (b"<body>&#x10000000000000041;</body>", MALFORMED),
    "nul": (b"<body>\0</body>", MALFORMED),
    "control": (b"<body>\x0b</body>", MALFORMED),
    "control in value": (b"<body a='\x01'/>", MALFORMED),
    "fffe": (b"<body>\xef\xbf\xbe</body>", MALFORMED),
    "ffff": (b"<body>\xef\xbf\xbf</body>", MALFORMED),
    "stray continuation": (b"<body>\x80</body>", MALFORMED | {"unsupported-encoding"}),
    "lead without continuation": (b"<body>\xc3</body>", MALFORMED | {"unsupported-encoding"}),
    "lead that swallows": (b"<body>\xe4</body><x a='", MALFORMED | {"unsupported-encoding"}),
    "lead that swallows a quote": (b"<body a='\xf0'></body><x b=''/>", MALFORMED | {"unsupported-encoding"}),
    "overlong slash": (b"<body>\xc0\xaf</body>", MALFORMED | {"unsupported-encoding"}),
    "overlong three": (b"<body>\xe0\x80\xbc</body>", MALFORMED | {"unsupported-encoding"}),
    "overlong four": (b"<body>\xf0\x80\x80\xbc</body>", MALFORMED | {"unsupported-encoding"}),
    "surrogate": (b"<body>\xed\xa0\x80</body>", MALFORMED | {"unsupported-encoding"}),
    "cesu": (b"<body>\xed\xa0\xbd\xed\xb8\x80</body>", MALFORMED | {"unsupported-encoding"}),
    "beyond unicode": (b"<body>\xf4\x90\x80\x80</body>", MALFORMED | {"unsupported-encoding"}),
    "five bytes": (b"<body>\xf8\x88\x80\x80\x80</body>", MALFORMED | {"unsupported-encoding"}),
    "bad utf-8 in a name": (b"<b\xffody/>", MALFORMED | {"unsupported-encoding"}),
    "bad utf-8 in a value": (b"<body a='\xff'/>", MALFORMED | {"unsupported-encoding"}),
    "latin-1": ("<body>caf\u00e9</body>".encode("latin-1"), MALFORMED | {"unsupported-encoding"}),
    "cdata end in text": (b"<body>]]></body>", MALFORMED),
    "end without start": (b"</body>", MALFORMED),
    "crossed": (b"<a><b></a></b>", MALFORMED),
    "shorter end": (b"<body></bod>", MALFORMED),
    "longer end": (b"<body></bodys>", MALFORMED),
    "other prefix at the end": (b"<p:body xmlns:p='urn:p' xmlns:q='urn:p'></q:body>", MALFORMED | NAMESPACE),
    "attribute at the end": (b"<body></body a=''>", MALFORMED),
    "no quotes": (b"<body a=b/>", MALFORMED),
    "no value": (b"<body a/>", MALFORMED),
    "no space": (b"<body a='1'b='2'/>", MALFORMED),
    "tag in a value": (b"<body a='<'/>", MALFORMED),
    "twice": (b"<body a='1' a='2'/>", MALFORMED),
    "twice by namespace": (b"<body xmlns:p='urn:x' xmlns:q='urn:x' p:a='1' q:a='2'/>", MALFORMED | NAMESPACE),
    "twice declared": (b"<body xmlns:p='urn:x' xmlns:p='urn:x'/>", MALFORMED),
    "name by a digit": (b"<1a/>", MALFORMED),
    "name by a dash": (b"<-a/>", MALFORMED),
    "space before a name": (b"< body/>", MALFORMED),
    "two colons": (b"<a:b:c xmlns:a='urn:a'/>", MALFORMED | NAMESPACE),
    "colon first": (b"<:a/>", MALFORMED | NAMESPACE),
    "colon last": (b"<a: xmlns:a='urn:a'/>", MALFORMED | NAMESPACE),
    "unbound": (b"<p:a/>", MALFORMED | NAMESPACE),
    "unbound attribute": (b"<a p:b=''/>", MALFORMED | NAMESPACE),
    "out of scope": (b"<a xmlns:p='urn:p'/><p:b/>", MALFORMED | NAMESPACE),
    "undeclared": (b"<a xmlns:p='urn:p'><b xmlns:p=''/></a>", MALFORMED | NAMESPACE),
    "xml rebound": (b"<a xmlns:xml='urn:x'/>", MALFORMED | NAMESPACE),
    "xmlns rebound": (b"<a xmlns:xmlns='urn:x'/>", MALFORMED | NAMESPACE),
    "other prefix for xml": (b"<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>", MALFORMED | NAMESPACE),
    "xmlns as default": (b"<a xmlns='http://www.w3.org/2000/xmlns/'/>", MALFORMED | NAMESPACE),
    "depth": (b"<a>" * 100, POLICY),
    "attributes": (b"<a " + b" ".join(b"a%d=''" % n for n in range(100)) + b"/>", POLICY),
    "declarations": (b"<a " + b" ".join(b"xmlns:a%d='urn:%d'" % (n, n) for n in range(50)) + b"/>", POLICY),
    "long name": (b"<" + b"n" * 2000 + b"/>", POLICY),
    "long attribute name": (b"<a " + b"n" * 2000 + b"=''/>", POLICY),
    "elements": (b"<a/>" * 5000, POLICY),
    "bytes": (b"<body>" + b"x" * 300_000 + b"</body>", POLICY),
    "one long value": (b"<body a='" + b"x" * 300_000 + b"'/>", POLICY),
    "spaces in a tag": (b"<body " + b" " * 300_000 + b"/>", POLICY),
}
BETWEEN = {  # in place of a stanza
    "text": (b"hello", {"bad-format", "invalid-xml", "not-well-formed"}),
    "cdata": (b"<![CDATA[x]]>", {"bad-format", "invalid-xml", "not-well-formed", "restricted-xml"}),
    "reference": (b"&#65;", {"bad-format", "invalid-xml", "not-well-formed"}),
    "comment": (b"<!-- -->", RESTRICTED),
    "instruction": (b"<?x y?>", RESTRICTED),
    "doctype": (b"<!DOCTYPE stream>", RESTRICTED | MALFORMED),
    "declaration": (b"<?xml version='1.0'?>", RESTRICTED | MALFORMED),
    "header again": (b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
                     b" to='localhost' version='1.0'><message/></stream:stream>", {
                         "unsupported-stanza-type", "bad-format", "invalid-namespace", "invalid-xml"}),
    "stream error": (b"<stream:error><host-gone xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", set()),
    "server's stanza": (b"<message xmlns='jabber:server' to='p0@localhost'/>", {
        "invalid-namespace", "unsupported-stanza-type"}),
    "no stanza": (b"<massage to='p0@localhost'/>", {"unsupported-stanza-type"}),
    "nul": (b"\0", MALFORMED | {"bad-format"}),
    "gibberish": (bytes(range(128, 256)), MALFORMED | {"unsupported-encoding", "bad-format"}),
    "tls record": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), MALFORMED | {"bad-format"}),
}


@pytest.fixture
def victim(world: World) -> Client:
    return world.online()


def attacked(world: World, victim: Client, payload: bytes, conditions: set[str], pieces: int) -> None:
    """One sends this; its stream ends so, the victim gets what was in front of it alone."""
    attacker = world.online()
    attacker.send(f"<message to='{victim.jid}' type='chat'><body>before</body></message>")
    attacker.sync()
    with suppress(OSError):  # it may hang up before it has all
        for start in range(0, len(payload), pieces):
            attacker.send(payload[start:start + pieces])
    if conditions:
        assert attacker.stream_error() in conditions
    else:
        assert attacker.ended().endswith(b"</stream:stream>")
    assert bodies(victim.sync()) == ["before"]


@pytest.mark.parametrize(("payload", "conditions"), INSIDE.values(), ids=INSIDE.keys())
def test_inside_a_stanza(world: World, victim: Client, payload: bytes, conditions: set[str]) -> None:
    stanza = b"<message to='" + victim.jid.encode() + b"' type='chat'>" + payload + b"<x/></message>"
    attacked(world, victim, stanza, conditions, pieces=1 << 20)
    if len(payload) < 1000:
        attacked(world, victim, stanza, conditions, pieces=1)


@pytest.mark.parametrize(("payload", "conditions"), BETWEEN.values(), ids=BETWEEN.keys())
def test_between_stanzas(world: World, victim: Client, payload: bytes, conditions: set[str]) -> None:
    attacked(world, victim, payload, conditions, pieces=1 << 20)


@pytest.mark.parametrize("attribute", [
    b"to='&#0;'", b"to='a&b'", b"id='\xff'", b"xmlns='urn:wrong'", b"xmlns=''", b"xml:lang='<'", b"p:a=''",
    b"xmlns:xml='urn:x'", b"id='1' id='2'", b"a=1",
])
def test_in_the_top_tag(world: World, victim: Client, attribute: bytes) -> None:
    attacked(world, victim, b"<message " + attribute + b"><body>x</body></message>",
             MALFORMED | NAMESPACE | RESTRICTED | {"unsupported-stanza-type", "unsupported-encoding"}, pieces=1 << 20)


@pytest.mark.parametrize("payload", [
    b"<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;'>]>",
    b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1/'> %p;]>",
])
def test_entities_in_front_of_the_root(world: World, payload: bytes) -> None:
    client = world.connection()
    client.send(b"<?xml version='1.0'?>" + payload)
    assert client.stream_error() == "restricted-xml"


def test_nothing_is_read_behind_an_error(world: World, victim: Client) -> None:
    attacker = world.online()
    attacker.send(f"<message to='{victim.jid}'><body>&bad;</body></message>"
                  f"<message to='{victim.jid}'><body>behind</body></message>")
    assert attacker.stream_error() == "restricted-xml"
    assert bodies(victim.sync()) == []


def test_nothing_is_read_behind_the_end(world: World, victim: Client) -> None:
    attacker = world.online()
    attacker.send(f"</stream:stream><message to='{victim.jid}'><body>behind</body></message>")
    assert attacker.ended().endswith(b"</stream:stream>")
    assert bodies(victim.sync()) == []


def test_a_wrong_end_of_the_stream(world: World) -> None:
    client = world.online()
    client.send("</stream:flood>")
    assert client.stream_error() == "not-well-formed"


def test_an_error_while_logging_in_says_so(world: World) -> None:
    client = world.connection()
    client.open()
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>&bad;</auth>")
    assert client.stream_error() == "restricted-xml"
    assert client.header.tag == STREAMS + "stream"
