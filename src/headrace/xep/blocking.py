"""XEP-0191 (version 1.3): a block list's XML, and what its entries match."""

from collections.abc import Container, Iterable
from xml.etree.ElementTree import Element

from headrace.core.jid import JID
from headrace.core.ns import BLOCKING
from headrace.core.writer import escape

ITEM = f"{{{BLOCKING}}}item"


def parse(command: Element) -> list[str]:
    """The JIDs of a <block/> or <unblock/>, prepared. Raises JIDError."""
    return [JID.parse(item.get("jid", "")).full for item in command if item.tag == ITEM]


def written(name: str, jids: Iterable[str]) -> bytes:
    """A <blocklist/>, <block/> or <unblock/>."""
    items = "".join(f"<item jid='{escape(jid)}'/>" for jid in jids)
    return f"<{name} xmlns='{BLOCKING}'>{items}</{name}>".encode()


def listed(jids: Container[str], jid: str) -> bool:
    """Section 5: the list names this prepared JID itself, its account or its domain."""
    bare = jid.partition("/")[0]
    return jid in jids or bare in jids or bare.rpartition("@")[2] in jids
