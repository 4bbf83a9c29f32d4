"""Stanzas inside stanzas (XEP-0297), as components that act for us or for users get and send them."""

from collections.abc import Collection
from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.stanza import Stanza, parse_stanza
from headrace.core.writer import serialize
from headrace.router.judged import Origin
from headrace.router.slow import clean


def received(stanza: Stanza, hosts: Collection[str]) -> Element:
    """What somebody has sent, to be shown to a component: without what he may not say."""
    return parse_stanza(clean(stanza, Origin.FROM_PEER, hosts)).element()


def forwarded(name: str, namespace: str, inner: Element) -> bytes:
    """The element of that name with the stanza in it."""
    return (f"<{name} xmlns='{namespace}'><forwarded xmlns='{ns.FORWARD}'>".encode()
            + serialize(inner, ns.FORWARD) + f"</forwarded></{name}>".encode())


def written(inner: Element, sender: str, to: str, hosts: Collection[str]) -> bytes:
    """What came inside, as if this sender had sent it: without what users may not say."""
    inner.attrib |= {"from": sender, "to": to}
    return clean(parse_stanza(serialize(inner, ns.CLIENT)), Origin.FROM_CLIENT, hosts)
