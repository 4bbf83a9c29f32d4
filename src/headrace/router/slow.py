"""The slow road of the splice rule (protocol.md 1): what may not be copied as it came is written anew from its tree."""

from collections.abc import Collection
from xml.etree.ElementTree import Element

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import CLIENT, COMPONENT, DELAY, SERVER, XML
from headrace.core.stanza import Stanza
from headrace.core.writer import serialize
from headrace.router.judged import judged

HEAD = ("from", "to", "id", "type", f"{{{XML}}}lang")
FOREIGN_CONTENT = (SERVER, COMPONENT)  # below another stream's root these would turn into parts of the stanza


def clean(stanza: Stanza, origin: int, hosts: Collection[str]) -> bytes:
    """The stanza without what a client may not say, every namespace declared where it is used.

    origin: headrace.router.judged.Origin. hosts: our domains.
    """
    tree = stanza.element()
    made = Element(tree.tag, {name: tree.attrib[name] for name in HEAD if name in tree.attrib})
    made.text = tree.text
    for child in tree:
        if passes(child, origin, hosts):
            made.append(child)
    return serialize(made, CLIENT)


def passes(child: Element, origin: int, hosts: Collection[str]) -> bool:
    """Whether this direct child goes on."""
    namespace, _, name = child.tag[1:].rpartition("}")
    if namespace in FOREIGN_CONTENT:
        return False
    if not judged(namespace, name, origin):
        return True
    return namespace == DELAY and not is_ours(child.get("from"), hosts)


def is_ours(sender: str | None, hosts: Collection[str]) -> bool:
    """Whether a delay claims to be stamped by one of our domains; what is no JID is not let through as one."""
    if sender is None:
        return False
    try:
        return JID.parse(sender).domain in hosts
    except JIDError:
        return True
