"""RFC 6121 2.1: the roster's XML, both ways."""

from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import ROSTER
from headrace.core.writer import escape

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


def item(jid: str, name: str, subscription: str, ask: bool, groups: Iterable[str]) -> bytes:
    """One contact, for a result or a push."""
    label = f" name='{escape(name)}'" if name else ""
    asks = " ask='subscribe'" if ask else ""
    inside = "".join(f"<group>{escape(group)}</group>" for group in groups)
    return f"<item jid='{escape(jid)}'{label} subscription='{subscription}'{asks}>{inside}</item>".encode()


def removed(jid: str) -> bytes:
    """The push of a contact that is gone (RFC 6121 2.5.2)."""
    return f"<item jid='{escape(jid)}' subscription='remove'/>".encode()


def query(items: Iterable[bytes]) -> bytes:
    return f"<query xmlns='{ROSTER}'>".encode() + b"".join(items) + b"</query>"
