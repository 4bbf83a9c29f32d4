"""Generated streams, good and bad, for comparing parsers."""

from hypothesis import strategies as st

LETTERS = "abcxyzABCZ_éßЖя漢字"
NAMES = st.builds("".join, st.tuples(st.sampled_from(LETTERS), st.text(LETTERS + "0129-.·", max_size=6)))
PREFIXES = st.sampled_from(["p", "q", "longer-prefix", "ж"])
URIS = st.sampled_from(["urn:a", "urn:b", "jabber:client", "jabber:server", "urn:xmpp:sid:0", "a&amp;b",
                        "x y", "ü", "urn:&#97;", "{a}"])
CHARACTERS = st.characters(min_codepoint=0x20, exclude_categories=["Cs"],
                           exclude_characters="<&]\ufffe\uffff")
PLAIN = st.one_of(st.text(CHARACTERS, max_size=40), st.text("abc ]>'\"\t\n\r=/", max_size=10))
REFERENCES = st.sampled_from(["&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&#65;", "&#x1F600;", "&#10;",
                              "&#xD;", "&#x00009;"])
SPACE = st.text(" \t\n\r", min_size=1, max_size=3)
CDATA = st.text(CHARACTERS, max_size=10).map(lambda text: f"<![CDATA[<&{text}]]>")
TEXT = st.lists(st.one_of(PLAIN.map(lambda text: text.replace("]]>", "")), REFERENCES, CDATA),
                max_size=3).map("".join)


@st.composite
def values(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from("'\""))
    parts = draw(st.lists(st.one_of(PLAIN.map(lambda text: text.replace(quote, "")), REFERENCES), max_size=3))
    return quote + "".join(parts) + quote


@st.composite
def elements(draw: st.DrawFn, bound: frozenset[str] = frozenset(), depth: int = 0) -> str:
    """An element whose prefixes are bound; its text never holds `]]>`."""
    declared = draw(st.dictionaries(PREFIXES, URIS, max_size=2))
    bound |= declared.keys()
    prefixed = st.sampled_from(sorted(bound)) if bound else st.nothing()
    prefix = draw(st.one_of(st.none(), prefixed)) if bound else None
    name = (f"{prefix}:" if prefix else "") + draw(NAMES)
    attributes = [f"xmlns:{p}='{uri}'" for p, uri in declared.items()]
    if draw(st.booleans()):
        attributes.append(f'xmlns="{draw(st.one_of(URIS, st.just("")))}"')
    for attribute in draw(st.lists(NAMES, max_size=3, unique=True)):
        attributes.append(f"{attribute}{draw(st.sampled_from(['=', ' = ']))}{draw(values())}")
    if bound and draw(st.booleans()):
        attributes.append(f"{draw(prefixed)}:{draw(NAMES)}={draw(values())}")
    tag = name + "".join(draw(SPACE) + attribute for attribute in draw(st.permutations(attributes)))
    if draw(st.integers(0, 3)) == 0:
        return f"<{tag}{draw(st.sampled_from(['', ' ']))}/>"
    children = draw(st.lists(st.one_of(TEXT, elements(bound, depth + 1)), max_size=3)) if depth < 3 else []
    return f"<{tag}>{''.join(children)}</{name}{draw(st.sampled_from(['', chr(10)]))}>"


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A whole stream: header, elements, end tag."""
    declared = draw(st.dictionaries(PREFIXES, URIS, max_size=2))
    bindings = "".join(f" xmlns:{prefix}='{uri}'" for prefix, uri in declared.items())
    start = draw(st.sampled_from(["", "\ufeff", "<?xml version='1.0'?>",
                                  "<?xml version=\"1.0\" encoding='UTF-8' ?>\n", "\r\n"]))
    items = draw(st.lists(st.one_of(elements(frozenset(declared)), SPACE), max_size=4))
    header = f"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'{bindings}>"
    return (start + header + "".join(items) + "</stream:stream>").encode()


# What breaks a document when it turns up in the wrong place, or goes missing from the right one.
SNIPPETS = [s.encode() for s in (
    "<", ">", "/", "/>", "</", "&", ";", "'", '"', "=", " ", ":", "]", "]]>", "<!", "<![CDATA[", "<!--",
    "-->", "<?", "?>", "<?xml ", "<!DOCTYPE a>",
    "&lt", "&#", "&#x", "&#0;", "&#xD800;", "&foo;", "xmlns", "xmlns:", "xmlns=''", " xmlns:p=''", "xml:",
    "p:", "a", "-", "1", "\x00", "\x0b",
    "é", "×", "\u037e", "<a>", "</a>", "<a/>", "</stream:stream>", "\u00a0",
)] + [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xa9", b"\xc0\xaf", b"\xed\xa0\x80",
      b"\xf4\x90\x80\x80", b"\xef\xbf\xbf", b"\xef\xbb\xbf"]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A stream with up to three bytes or snippets put in, taken out, or moved."""
    data = draw(streams())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        taken = draw(st.integers(0, 3))
        data = data[:at] + draw(st.one_of(st.just(b""), st.sampled_from(SNIPPETS))) + data[at + taken:]
    return data
