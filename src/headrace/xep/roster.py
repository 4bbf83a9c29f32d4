"""RFC 6121 2.1: the roster's XML, both ways."""

from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import ROSTER
from headrace.core.writer import escape

VERSION_DIGITS = 18  # what 63 bits hold whatever the digits are

ITEM, GROUP = f"{{{ROSTER}}}item", f"{{{ROSTER}}}group"


class Invalid(ValueError):
    """A roster set that RFC 6121 2.3.3 refuses; the text is the stanza error's condition."""


class Change(NamedTuple):
    """What a roster set asks for. The subscription is the server's to say, but for its end (2.1.2.5)."""

    jid: str  # prepared, bare
    name: str
    groups: tuple[str, ...]
    remove: bool


def parse_set(query: Element, handle_limit: int, group_limit: int) -> Change:
    """The one change of a roster set; limits in bytes of UTF-8. Raises Invalid."""
    if len(query) != 1 or query[0].tag != ITEM:
        raise Invalid("bad-request")
    item = query[0]
    try:
        jid = JID.parse(item.get("jid", ""))
    except JIDError:
        raise Invalid("bad-request" if "jid" not in item.attrib else "jid-malformed") from None
    if jid.resource is not None:
        raise Invalid("bad-request")
    groups = tuple(child.text or "" for child in item if child.tag == GROUP)
    name = item.get("name", "")
    if len(set(groups)) != len(groups):
        raise Invalid("bad-request")
    if len(name.encode()) > handle_limit or not all(0 < len(g.encode()) <= group_limit for g in groups):
        raise Invalid("not-acceptable")
    return Change(jid.bare, name, groups, item.get("subscription") == "remove")


def item(jid: str, name: str, subscription: str, groups: Iterable[str], *, ask: bool = False,
         approved: bool = False) -> bytes:
    """One contact, for a result or a push."""
    label = f" name='{escape(name)}'" if name else ""
    more = " ask='subscribe'" * ask + " approved='true'" * approved
    inside = "".join(f"<group>{escape(group)}</group>" for group in groups)
    return f"<item jid='{escape(jid)}'{label} subscription='{subscription}'{more}>{inside}</item>".encode()


def removed(jid: str) -> bytes:
    """The push of a contact that is gone (RFC 6121 2.5.2)."""
    return f"<item jid='{escape(jid)}' subscription='remove'/>".encode()


def query(items: Iterable[bytes], version: int) -> bytes:
    """A result or, of one item, a push; the version is the roster's with them (2.1.1)."""
    return f"<query xmlns='{ROSTER}' ver='{version}'>".encode() + b"".join(items) + b"</query>"


def known_version(query: Element) -> int | None:
    """The version that a client asks from. None if it asks for all: it has none, or none of ours (2.6.2)."""
    said = query.get("ver", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= VERSION_DIGITS else None
