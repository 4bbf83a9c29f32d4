"""Stanzas as other people may write them: every way of declaring, prefixing, quoting and referring that XMPP allows.

Each comes with what the splice rule (protocol.md 1) says about it, known from how it was made.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from hypothesis import strategies as st

from headrace.core.ns import CLIENT, COMPONENT, SERVER
from headrace.core.tokenizer import Flag
from headrace.core.writer import escape

CONTENTS = (CLIENT, SERVER, COMPONENT)
URIS = st.sampled_from([CLIENT, SERVER, COMPONENT, "urn:x", "urn:y", "urn:a&b"])
PREFIXES = st.sampled_from(["p", "q", "o"])
TEXTS = st.sampled_from(["", "plain", " ", "&amp;", "&#10;", "&#xe9;", "<![CDATA[<x>&]]>", "<![CDATA[]]>", "\r\n",
                         "é", "'\"", "&lt;b&gt;", "]]&gt;", "\U0001f600"])
VALUES = st.sampled_from(["", "plain", "a&amp;b", "&lt;&#9;&gt;", "one\ntwo\tthree", "&apos;&quot;", "é", ">", "&#10;"])


@dataclass(frozen=True)
class Document:
    """One stanza, where it stands, and what the rule says."""

    raw: bytes
    content: str                            # default namespace of its root; empty: a frame
    bindings: tuple[tuple[str, str], ...]   # prefixes of its root
    flags: Flag                             # those of points 1 to 4

    def expat(self) -> ET.Element:
        """The stanza as expat understands it in its place."""
        declared = "".join(f" xmlns:{prefix}='{escape(uri)}'" for prefix, uri in self.bindings)
        default = f" xmlns='{self.content}'" if self.content else ""
        return ET.fromstring(f"<root{default}{declared}>".encode() + self.raw + b"</root>")[0]


@dataclass
class Maker:
    """Draws one stanza and notes which points of the rule it breaks."""

    draw: st.DrawFn
    flags: Flag = field(default_factory=lambda: Flag(0))
    names: list[str] = field(default_factory=lambda: ["x", "body", "y-1", "_é", "stanza-id"])

    def declarations(self, scope: dict[str, tuple[str, bool]], default: st.SearchStrategy[str | None]) -> str:
        """Some xmlns attributes; `scope` (prefix -> (uri, made outside)) follows them."""
        written = ""
        for prefix, uri in self.draw(st.dictionaries(PREFIXES, URIS, max_size=2)).items():
            scope[prefix] = (uri, False)
            written += f" xmlns:{prefix}={self.quoted(escape(uri))}"
        uri = self.draw(default)
        if uri is not None:
            scope[""] = (uri, False)
            written += f" xmlns={self.quoted(escape(uri))}"
        return written

    def quoted(self, value: str) -> str:
        quote = self.draw(st.sampled_from("'\""))
        return f"{quote}{value.replace(quote, '&#39;' if quote == chr(39) else '&#34;')}{quote}"

    def prefixed(self, prefix: str, scope: dict[str, tuple[str, bool]], name: str) -> str:
        if not prefix:
            return name
        if scope[prefix][1]:
            self.flags |= Flag.F_OUTER_BINDING
        return f"{prefix}:{name}"

    def attributes(self, scope: dict[str, tuple[str, bool]]) -> str:
        written = ""
        prefixes = st.sampled_from(sorted(scope.keys() | {"", "xml"}))
        for name in self.draw(st.lists(st.sampled_from(["a", "b", "lang"]), unique=True, max_size=2)):
            prefix = self.draw(prefixes)
            full = f"xml:{name}" if prefix == "xml" else self.prefixed(prefix, scope, name)
            written += f"{self.draw(st.sampled_from([' ', chr(10)]))}{full}={self.quoted(self.draw(VALUES))}"
        return written

    def child(self, outer: dict[str, tuple[str, bool]], depth: int) -> str:
        scope = dict(outer)
        before = scope.get("")
        declared = self.declarations(scope, st.none() | URIS | st.just(""))
        prefix = self.draw(st.sampled_from(sorted(scope.keys() | {""})))
        own = prefix or scope.get("") is not before
        if depth == 1 and own and scope.get(prefix, ("", False))[0] in CONTENTS:
            self.flags |= Flag.F_CONTENT_CHILD
        name = self.prefixed(prefix, scope, self.draw(st.sampled_from(self.names)))
        return self.element(name, declared + self.attributes(scope), scope, depth)

    def element(self, name: str, head: str, scope: dict[str, tuple[str, bool]], depth: int) -> str:
        inside = self.draw(TEXTS)
        for _ in range(self.draw(st.integers(0, 2 if depth < 3 else 0))):
            inside += self.child(scope, depth + 1) + self.draw(TEXTS)
        space = self.draw(st.sampled_from(["", " "]))
        if not inside and self.draw(st.booleans()):
            return f"<{name}{head}{space}/>"
        return f"<{name}{head}{space}>{inside}</{name}{space}>"

    def head(self, scope: dict[str, tuple[str, bool]]) -> str:
        names = self.draw(st.lists(st.sampled_from(["to", "from", "id", "type", "xml:lang"]), unique=True))
        written = "".join(f" {name}={self.quoted(self.draw(VALUES))}" for name in names)
        if self.draw(st.integers(0, 3)) == 0:
            extra = self.draw(st.sampled_from(["extra", "xml:space", *(f"{p}:lang" for p in sorted(scope) if p)]))
            self.flags |= Flag.F_EXTRA_ATTRS
            prefix, colon, name = extra.rpartition(":")
            if colon and prefix != "xml":
                extra = self.prefixed(prefix, scope, name)
            written += f" {extra}='v'"
        return written

    def stanza(self, content: str, scope: dict[str, tuple[str, bool]]) -> str:
        own = st.just(CLIENT) if not content else st.sampled_from([None, content])
        declared = self.declarations(scope, own)
        prefix = ""
        alike = sorted(p for p, (uri, _) in scope.items() if p and uri == (content or CLIENT))
        if alike and self.draw(st.integers(0, 3)) == 0:
            prefix = alike[0]
            self.flags |= Flag.F_PREFIXED
        name = self.draw(st.sampled_from(["message", "presence", "iq"]))
        return self.element(self.prefixed(prefix, scope, name), declared + self.head(scope), scope, 0)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A stanza from a client or server over TCP, from a component, or in a WebSocket frame."""
    content = draw(st.sampled_from([CLIENT, CLIENT, SERVER, COMPONENT, ""]))
    bindings = draw(st.dictionaries(PREFIXES, URIS, max_size=2)) if content else {}
    scope = {prefix: (uri, True) for prefix, uri in bindings.items()}
    if content:
        scope[""] = (content, True)
    maker = Maker(draw)
    raw = maker.stanza(content, scope)
    return Document(raw.encode(), content, tuple(bindings.items()), maker.flags)


def shape(tree: ET.Element) -> tuple[object, ...]:
    """What a tree says, with absent and empty text alike."""
    return (tree.tag, tree.attrib, tree.text or "", [(shape(child), child.tail or "") for child in tree])
