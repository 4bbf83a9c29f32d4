import xml.etree.ElementTree as ET

import pytest

from headrace.xep import roster

Q = "<query xmlns='jabber:iq:roster'>%s</query>"


def parse(inside: str) -> roster.Change:
    return roster.parse_set(ET.fromstring(Q % inside), 20, 10)


def test_item_is_prepared_and_read() -> None:
    change = parse("<item jid='Juliet@Example.COM' name='J' subscription='both' ask='subscribe'>"
                   "<group>a</group><group>b</group></item>")
    assert change == roster.Change("juliet@example.com", "J", ("a", "b"), remove=False)


def test_domain_is_a_contact_too() -> None:
    assert parse("<item jid='gateway.example.com'/>") == roster.Change("gateway.example.com", "", (), remove=False)


def test_removal() -> None:
    assert parse("<item jid='a@b' subscription='remove'/>").remove


@pytest.mark.parametrize(("inside", "condition"), [
    ("", "bad-request"),
    ("<item jid='a@b'/><item jid='c@d'/>", "bad-request"),
    ("<other/>", "bad-request"),
    ("<item xmlns='urn:other' jid='a@b'/>", "bad-request"),
    ("<item/>", "bad-request"),
    ("<item jid='a@b/c'/>", "bad-request"),
    ("<item jid='a@b'><group>x</group><group>x</group></item>", "bad-request"),
    ("<item jid='@b'/>", "jid-malformed"),
    ("<item jid=''/>", "jid-malformed"),
    ("<item jid='a@b'><group/></item>", "not-acceptable"),
    ("<item jid='a@b'><group>elevenbytes</group></item>", "not-acceptable"),
    ("<item jid='a@b' name='twentyone bytes is it'/>", "not-acceptable"),
    ("<item jid='a@b' name='éééééééééé!'/>", "not-acceptable"),
])
def test_refused(inside: str, condition: str) -> None:
    with pytest.raises(roster.Invalid, match=f"^{condition}$"):
        parse(inside)


def test_bounds_are_inclusive() -> None:
    assert parse("<item jid='a@b' name='twenty bytes is this'><group>ten bytes!</group></item>").groups


def test_written_item_reads_back() -> None:
    item = roster.item("a'b@example.com", "<&>", "to", ["x & y"], ask=True, approved=True)
    tree = ET.fromstring(roster.query([item, roster.removed("c@d")], 7))
    first, second = tree
    assert (tree.tag, tree.attrib) == ("{jabber:iq:roster}query", {"ver": "7"})
    assert first.attrib == {"jid": "a'b@example.com", "name": "<&>", "subscription": "to", "ask": "subscribe",
                            "approved": "true"}
    assert [group.text for group in first] == ["x & y"]
    assert second.attrib == {"jid": "c@d", "subscription": "remove"}


def test_absent_attributes_are_left_out() -> None:
    item = roster.item("a@b", "", "none", ())
    assert ET.fromstring(item).attrib == {"jid": "a@b", "subscription": "none"}


@pytest.mark.parametrize(("said", "version"), [
    ("", None), ("ver=''", None), ("ver='0'", 0), ("ver='1700000000000000'", 1_700_000_000_000_000), ("ver='-1'", None),
    ("ver='1_0'", None), ("ver='٣'", None), ("ver=' 1'", None), ("ver='abc'", None),
    (f"ver='{'9' * 18}'", 10**18 - 1), (f"ver='{'9' * 19}'", None)])
def test_versions_that_clients_know(said: str, version: int | None) -> None:
    assert roster.known_version(ET.fromstring(f"<query xmlns='jabber:iq:roster' {said}/>")) == version
