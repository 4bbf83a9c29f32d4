"""The owned form of one top-level element."""

from typing import final
from xml.etree.ElementTree import Element

@final
class Stanza:
    """A copy of one element, frozen. Values are decoded; JIDs as written unless a router prepared them."""

    kind: int
    """headrace.core.tokenizer.Kind: message, presence, iq or other."""
    name: str
    namespace: str
    """Of the top tag; empty if it has none."""
    to: str | None
    from_: str | None
    id: str | None
    type: str | None
    lang: str | None
    """Its own xml:lang; None where the stream's applies."""
    raw: bytes
    """As received, head included: `to` and `from` in it may differ from the attributes above."""
    child_name: str | None
    """First direct child (IQ dispatch)."""
    child_namespace: str | None
    known: int
    """Bits numbered by headrace.core.names.Known."""
    flags: int
    """Bits of headrace.core.tokenizer.Flag."""

    def element(self) -> Element:
        """The whole element as `xml.etree.ElementTree`, tags as `{namespace}name`, built on first use.

        `to` and `from` are those of this object. It is shared: copy.deepcopy() it to change it.
        """

    def child(self) -> Element | None:
        """The first direct child of element()."""

    def with_addresses(self, from_: str | None, to: str | None) -> Stanza:
        """The same stanza from somebody else to somebody else; None leaves the address out. `raw` stays as it is."""

    def written(self, piece: bytes = b"", *, lang: str | None = None) -> bytes:
        """As we send it below a root whose default namespace is that of its stream: without xmlns.

        The head comes from this object's values, the rest is copied where the splice rule (protocol.md 1,
        points 1 to 4) allows it and re-serialised elsewhere. piece: XML put before the end tag.
        lang: xml:lang where it has none of its own (its stream's default).
        """

def parse_stanza(
    raw: bytes,
    content: str = "jabber:client",
    *,
    bindings: tuple[tuple[str, str], ...] = (),
    from_: str | None = None,
    to: str | None = None,
) -> Stanza:
    """A Stanza from stored or self-made bytes, as they stand below a root of default namespace `content`.

    content: empty for a frame of RFC 7395, which declares its own. bindings: (prefix, uri) made by the root.
    from_, to: replace what the head says. Raises XMLError.
    """

def parse_element(raw: bytes, default_ns: str = "") -> Element:
    """One element from bytes, `default_ns` being the default namespace of its place. Raises XMLError."""
