"""Dialback keys and elements (XEP-0220, XEP-0185)."""

from headrace.core.stanza import parse_stanza
from headrace.session.dialback import Dialback, Keys, answer, read, refusal, request

STREAM = (("db", "jabber:server:dialback"),)


def test_the_example_of_xep_0185() -> None:
    """Its section 3, key and all."""
    keys = Keys(b"s3cr3tf0rd14lb4ck")
    key = keys.key("xmpp.example.com", "example.org", "D60000229F")
    assert key == "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"
    assert keys.is_key(key, "xmpp.example.com", "example.org", "D60000229F")
    assert not keys.is_key(key, "xmpp.example.com", "example.org", "D60000229E")
    assert not keys.is_key("ключ", "xmpp.example.com", "example.org", "D60000229F")


def test_reading() -> None:
    def parse(text: str) -> Dialback | None:
        return read(parse_stanza(text.encode(), "jabber:server", bindings=STREAM))

    assert parse("<db:result from='A.Example' to='b.example'> key\n</db:result>") == Dialback(
        "result", "a.example", "b.example", None, "", "key", "")
    assert parse("<db:verify from='a.example' to='b.example' id='1' type='valid'/>") == Dialback(
        "verify", "a.example", "b.example", "valid", "1", "", "")
    failed = parse("<db:result from='a.example' to='b.example' type='error'><error type='cancel'>"
                   "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>")
    assert failed is not None
    assert (failed.type, failed.error) == ("error", "item-not-found")
    assert parse("<db:result from='romeo@a.example' to='b.example'>key</db:result>") is None
    assert parse("<db:result to='b.example'>key</db:result>") is None
    assert parse("<db:result from='a.example' to='b.example/x'>key</db:result>") is None


def test_writing() -> None:
    """What we write we read, under any header."""
    asked = read(parse_stanza(request("verify", from_="a.example", to="b.example", id="x'y", key="k"), "jabber:server"))
    assert asked == Dialback("verify", "a.example", "b.example", None, "x'y", "k", "")
    answered = read(parse_stanza(answer(asked, "valid"), "jabber:server"))
    assert answered == Dialback("verify", "b.example", "a.example", "valid", "x'y", "", "")
    refused = read(parse_stanza(refusal(asked, "not-authorized"), "jabber:server"))
    assert refused == Dialback("verify", "b.example", "a.example", "error", "x'y", "", "not-authorized")
