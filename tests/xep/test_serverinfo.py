from headrace.core.stanza import parse_element
from headrace.xep import serverinfo
from support.stanzas import shape


def test_addresses_by_purpose_in_the_order_of_the_registry() -> None:
    written = serverinfo.contacts({"support": ("xmpp:help@x",), "abuse": ("mailto:a@x", "xmpp:a@x")})
    assert shape(parse_element(written)) == shape(parse_element(
        b"<x xmlns='jabber:x:data' type='result'>"
        b"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>"
        b"<field var='abuse-addresses'><value>mailto:a@x</value><value>xmpp:a@x</value></field>"
        b"<field var='support-addresses'><value>xmpp:help@x</value></field></x>"))
