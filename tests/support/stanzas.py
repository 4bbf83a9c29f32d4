"""Stanzas for tests of the control plane, as the router punts them, and answers as trees."""

import xml.etree.ElementTree as ET

from headrace.core.stanza import Stanza, parse_stanza

ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


def stanza(xml: str, from_: str, to: str | None = None) -> Stanza:
    """`to` as in the stanza, unless given."""
    return parse_stanza(xml.encode(), from_=from_, to=to)


def tree(raw: bytes | str) -> ET.Element:
    """A stanza as its receiver reads it: below a stream root."""
    text = raw if isinstance(raw, str) else raw.decode()
    return ET.fromstring(f"<stream xmlns='jabber:client'>{text}</stream>")[0]


def shape(element: ET.Element) -> tuple:  # type: ignore[type-arg]
    """What two equal elements have in common: names, attributes, text, children in order."""
    return (element.tag, dict(element.attrib), element.text or "", [shape(child) for child in element])


def condition(raw: bytes) -> tuple[str, str]:
    """(error type, defined condition) of an error stanza."""
    error = tree(raw).find("{jabber:client}error")
    assert error is not None
    return error.attrib["type"], error[0].tag.removeprefix(ERRORS)


def trees(raw: bytes) -> list[ET.Element]:
    """All that came in one go."""
    return list(ET.fromstring(f"<stream xmlns='jabber:client'>{raw.decode()}</stream>"))
