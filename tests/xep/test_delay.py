"""XEP-0203: what a stamped stanza says."""

import xml.etree.ElementTree as ET

from headrace.xep.datetimes import parse_datetime
from headrace.xep.delay import delay


def test_a_delay_names_who_and_when() -> None:
    tree = ET.fromstring(delay("capulet.com", 1_031_699_305.25))
    assert tree.tag == "{urn:xmpp:delay}delay"
    assert tree.attrib == {"from": "capulet.com", "stamp": "2002-09-10T23:08:25.250Z"}
    assert parse_datetime(tree.attrib["stamp"]) == 1_031_699_305.25
    assert not tree.text


def test_a_reason_is_its_text_and_nothing_in_it_is_markup() -> None:
    tree = ET.fromstring(delay("romeo@example.net/o'r<ch&rd", 0, "Offline <Storage>"))
    assert tree.get("from") == "romeo@example.net/o'r<ch&rd"
    assert tree.text == "Offline <Storage>"
    assert not list(tree)
