"""The slow road of the splice rule (protocol.md 1): what may not be copied as it came is written anew from its tree.

And what else the router does to a stanza too seldom to do it natively."""

from collections.abc import Collection
from xml.etree.ElementTree import Element

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import CLIENT, COMPONENT, DELAY, SERVER, SID, XML
from headrace.core.stanza import Stanza
from headrace.core.writer import serialize
from headrace.router.judged import Origin, judged
from headrace.xep.delay import delay

HEAD = ("from", "to", "id", "type", f"{{{XML}}}lang")
CONTENT = (CLIENT, SERVER, COMPONENT)  # below another stream's root these would turn into parts of the stanza


def clean(stanza: Stanza, origin: int, hosts: Collection[str]) -> bytes:
    """The stanza without what its sender may not say, every namespace declared where it is used.

    origin: headrace.router.judged.Origin. hosts: our domains.
    """
    tree = stanza.element()
    made = Element(f"{{{CLIENT}}}{stanza.name}", {name: tree.attrib[name] for name in HEAD if name in tree.attrib})
    made.text = tree.text
    for child in tree:
        if passes(child, origin, hosts, stanza):
            made.append(child if stanza.namespace == CLIENT else moved(child, stanza.namespace))
    return serialize(made, CLIENT)


def moved(element: Element, content: str) -> Element:
    """A copy whose content namespace is ours, as far down as it was the stream's own."""
    namespace, _, name = element.tag[1:].rpartition("}")
    if namespace != content:
        return element
    made = Element(f"{{{CLIENT}}}{name}", element.attrib)
    made.text, made.tail = element.text, element.tail
    made.extend([moved(child, content) for child in element])
    return made


def stamped(message: bytes, domain: str, time: float) -> bytes:
    """A message of our own writing, not empty, with the Unix time at which it came."""
    end = b"</message>"
    return message.removesuffix(end) + delay(domain, time) + end


def passes(child: Element, origin: int, hosts: Collection[str], stanza: Stanza) -> bool:
    """Whether this direct child goes on."""
    namespace, _, name = child.tag[1:].rpartition("}")
    if namespace in CONTENT and namespace != stanza.namespace:
        # Libraries that serve clients as well put a component's errors, and more, into a client's namespace.
        return stanza.namespace == COMPONENT and namespace == CLIENT
    if not judged(namespace, name, origin):
        return True
    if namespace == SID:
        return origin == Origin.FROM_PEER and is_senders(child.get("by"), stanza.from_)
    return namespace == DELAY and not is_ours(child.get("from"), hosts)


def is_senders(by: str | None, sender: str | None) -> bool:
    """Whether a stanza-id is the sender's own, as a room's is (XEP-0359 6)."""
    bare = (sender or "").partition("/")[0]
    return by in (bare, bare.rpartition("@")[2])


def is_ours(sender: str | None, hosts: Collection[str]) -> bool:
    """Whether a delay claims to be stamped by one of our domains; what is no JID is not let through as one."""
    if sender is None:
        return False
    try:
        return JID.parse(sender).domain in hosts
    except JIDError:
        return True
