"""What any XMPP parser must refuse and accept (RFC 6120 11; XML 1.0; Namespaces in XML 1.0), read at every cut."""

import pytest

from support.streams import HEADER, agreed, body, condition, raws

NWF, RESTRICTED = "not-well-formed", "restricted-xml"
ENCODING, FORMAT = "unsupported-encoding", "bad-format"
GOOD = b"<a/>"
XML_NS = b"http://www.w3.org/XML/1998/namespace"
XMLNS_NS = b"http://www.w3.org/2000/xmlns/"

RESTRICTED_XML = [
    b"<!DOCTYPE stream>", b"<!DOCTYPE s [<!ENTITY a 'b'>]>", b"<!DOCTYPE s SYSTEM 'http://x/'>",
    b"<!DOCTYPE s [<!ENTITY % p SYSTEM 'x'> %p;]>", b"<!-- -->", b"<!---->", b"<?target?>",
    b"<?xml-stylesheet?>",
    b"<?xmla ?>", b"<?x ", b"<?xm ", b"<?:a?>",
]


@pytest.mark.parametrize("markup", RESTRICTED_XML)
def test_restricted_xml_before_the_root(markup: bytes) -> None:
    assert condition(agreed(markup + HEADER)) == RESTRICTED


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("markup", RESTRICTED_XML)
def test_restricted_xml_inside(markup: bytes, depth: int) -> None:
    events = body(GOOD + b"<b>" * depth + markup + b"</b>" * depth)
    assert raws(events) == [GOOD]
    assert condition(events) == RESTRICTED


@pytest.mark.parametrize("reference", [b"&foo;", b"&amp2;", b"&AMP;", b"&nbsp;", b"&a:b;", "&é;".encode(),
                                       b"&l-t;"])
def test_entities_beside_the_five(reference: bytes) -> None:
    assert condition(body(b"<a>" + reference + b"</a>")) == RESTRICTED
    assert condition(body(b"<a b='" + reference + b"'/>")) == RESTRICTED


@pytest.mark.parametrize(("start", "verdict"), [
    (b"", None),
    (b"\xef\xbb\xbf", None),
    (b"\r\n\t ", None),
    (b"<?xml version='1.0'?>", None),
    (b"\xef\xbb\xbf<?xml version='1.0'?>", None),
    (b'<?xml version = "1.0"\n encoding\t= "UTF-8" standalone="no" ?>  ', None),
    (b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>", None),
    (b"<?xml version='1.0' encoding='ISO-8859-1'?>", ENCODING),
    (b"<?xml version='1.0' encoding='UTF-16'?>", ENCODING),
    (b"<?xml version='1.0' encoding='utf8'?>", ENCODING),
    (b"<?xml version='1.0' encoding='UTF-\xff'?>", NWF),
    (b"<?xml version='1.0' encoding=''?>", NWF),
    (b"<?xml version='1.1'?>", NWF),
    (b"<?xml version='1.0 '?>", NWF),
    (b"<?xml?>", NWF),
    (b"<?xml >", NWF),
    (b"<?xml encoding='utf-8'?>", NWF),
    (b"<?xml version='1.0'encoding='utf-8'?>", NWF),
    (b"<?xml version='1.0' standalone='maybe'?>", NWF),
    (b"<?xml version='1.0' standalone='yes' encoding='utf-8'?>", NWF),
    (b"<?xml version='1.0' a='b'?>", NWF),
    (b"<?xml version='1.0\"?>", NWF),
    (b"<?xml version='1.0' >", NWF),
    (b" <?xml version='1.0'?>", NWF),
    (b"<?xml version='1.0'?><?xml version='1.0'?>", NWF),
    (b"\xef\xbb\xbf\xef\xbb\xbf", NWF),
    (b"\xef\xbb<", NWF),
    (b"\xfe\xff\0<", ENCODING),
    (b"\xff\xfe<\0", ENCODING),
    (b"<\0s\0", ENCODING),
    (b"\0<\0s", ENCODING),
    (b"text", NWF),
    (b"<![CDATA[x]]>", NWF),
    (b"</a>", NWF),
    (b"&amp;", NWF),
])
def test_start_of_the_document(start: bytes, verdict: str | None) -> None:
    assert condition(agreed(start + HEADER)) == verdict


BAD_UTF8 = {
    "stray continuation": b"\x80", "two of them": b"\xbf\xbf", "continuation missing": b"\xc3(",
    "lead alone": b"\xe2\x82",
    "lead and lead": b"\xc3\xc3\xa4", "overlong slash": b"\xc0\xaf", "overlong two": b"\xc1\xbf",
    "overlong three": b"\xe0\x80\xaf",
    "overlong three at the edge": b"\xe0\x9f\xbf", "overlong four": b"\xf0\x80\x80\xaf",
    "at the edge": b"\xf0\x8f\xbf\xbf",
    "surrogate": b"\xed\xa0\x80", "low surrogate": b"\xed\xbf\xbf", "CESU-8": b"\xed\xa0\xbd\xed\xb8\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80", "F5": b"\xf5\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff",
    "five bytes": b"\xf8\x88\x80\x80\x80", "third missing": b"\xe2\x82x", "fourth missing": b"\xf0\x9f\x98x",
    "U+FFFE": b"\xef\xbf\xbe", "U+FFFF": b"\xef\xbf\xbf",
}
# Each lead byte may try to take what follows for its continuation: the smuggling shape (CVE-2022-25235).
SWALLOWED = [lead + mark for lead in (b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98")
             for mark in (b"<", b">", b'"', b"'", b"/>", b"</a>")]
PLACES = {
    "text": b"<a>x%by</a>", "value": b"<a b='x%by'/>", "value in double quotes": b'<a b="x%by"/>',
    "CDATA": b"<a><![CDATA[x%by]]></a>",
    "name": b"<x%by/>", "start of a name": b"<%b/>", "attribute's name": b"<a x%by='1'/>",
    "prefix": b"<x%by:a/>",
    "namespace": b"<a xmlns='x%by'/>", "end tag": b"<a></a%b>", "between elements": b"%b", "tag": b"<a %b/>",
    "after text of some length": b"<a>" + b"x" * 40 + b"%by</a>",
}


def put(place: bytes, what: bytes) -> bytes:
    return place.replace(b"%b", what)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", BAD_UTF8)
def test_bad_utf8(name: str, place: str) -> None:
    expected = FORMAT if place == "between elements" else NWF
    assert condition(body(GOOD + put(PLACES[place], BAD_UTF8[name]))) == expected


@pytest.mark.parametrize("place", ["text", "value", "value in double quotes", "CDATA", "name",
                                   "attribute's name", "namespace"])
@pytest.mark.parametrize("what", SWALLOWED)
def test_a_lead_byte_swallows_nothing(what: bytes, place: str) -> None:
    events = body(GOOD + put(PLACES[place], what) + b"<b/>")
    assert raws(events) == [GOOD]
    assert condition(events) == NWF


GOOD_UTF8 = [b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd",
             b"\xf0\x90\x80\x80",
             b"\xf4\x8f\xbf\xbd", "Ж漢😀".encode(), b"\x7f", "é".encode() * 50]


@pytest.mark.parametrize("place", ["text", "value", "value in double quotes", "CDATA", "namespace"])
@pytest.mark.parametrize("what", GOOD_UTF8)
def test_good_utf8(what: bytes, place: str) -> None:
    data = put(PLACES[place], what)
    assert raws(body(data)) == [data]


BAD_CHARACTERS = [bytes([c]) for c in range(0x20) if c not in b"\t\n\r"]


@pytest.mark.parametrize("place", ["text", "value", "CDATA", "name", "tag", "end tag",
                                   "after text of some length"])
@pytest.mark.parametrize("what", BAD_CHARACTERS)
def test_control_characters(what: bytes, place: str) -> None:
    assert condition(body(put(PLACES[place], what))) == NWF


BAD_REFERENCES = [
    b"&#0;", b"&#1;", b"&#x0;", b"&#x1F;", b"&#11;", b"&#xD800;", b"&#xDFFF;", b"&#xFFFE;", b"&#xFFFF;",
    b"&#x110000;",
    b"&#4294967305;", b"&#x100000009;", b"&#x10000000000000041;", b"&#18446744073709551681;", b"&#;", b"&#x;",
    b"&;", b"&",
    b"& ;", b"&#a;", b"&#xg;", b"&#X41;", b"&#-1;", b"&#65", b"&#6 5;", b"&amp", b"&amp ;", b"&1;", b"&#x41",
    b"&#1a;",
]
GOOD_REFERENCES = {
    b"&lt;": "<", b"&gt;": ">", b"&amp;": "&", b"&apos;": "'", b"&quot;": '"', b"&#9;": "\t", b"&#10;": "\n",
    b"&#13;": "\r",
    b"&#x41;": "A", b"&#065;": "A", b"&#x0000000000000000041;": "A", b"&#xFFFD;": "\ufffd",
    b"&#x10FFFF;": "\U0010ffff",
    b"&#x10FfFd;": "\U0010fffd", b"&#xd7ff;": "\ud7ff", b"&#xe000;": "\ue000", b"&amp;lt;": "&lt;",
    b"&#38;#60;": "&#60;",
}


@pytest.mark.parametrize("place", ["text", "value", "namespace"])
@pytest.mark.parametrize("what", BAD_REFERENCES)
def test_bad_references(what: bytes, place: str) -> None:
    assert condition(body(put(PLACES[place], what))) == NWF


@pytest.mark.parametrize("what", GOOD_REFERENCES)
def test_good_references(what: bytes) -> None:
    (_, _, pieces), = body(b"<a b='" + what + b"'>" + what + b"</a>")
    value = GOOD_REFERENCES[what]
    assert pieces[0] == ("start", "jabber:client", "a", (("", "b", value),))
    assert pieces[1] == ("text", value)


@pytest.mark.parametrize("text", [b"]]>", b"a]]>", b"]]]>", b"&amp;]]>", b"\xc3\xa4]]>", b"]]]]]]>",
                                  b"<![CDATA[]]>]]>", b"]]>" + b"x" * 40])
def test_end_of_cdata_in_text(text: bytes) -> None:
    assert condition(body(b"<a>" + text + b"</a>")) == NWF


@pytest.mark.parametrize(("text", "means"), [
    (b"]>", "]>"), (b"]]&gt;", "]]>"), (b"]] >", "]] >"), (b"]a]>", "]a]>"), (b"]]\xc3\xa4>", "]]ä>"),
    (b"<![CDATA[]]]]>", "]]"),
    (b"<![CDATA[]]]>", "]"), (b"<![CDATA[a]]b]>c]]>", "a]]b]>c"), (b"<![CDATA[<a>&b;]]>", "<a>&b;"),
    (b"a<![CDATA[b]]>c", "abc"),
    (b"a\r\nb\rc\nd\r", "a\nb\nc\nd\n"), (b"<![CDATA[\r\n&#13;\r]]>", "\n&#13;\n"), (b"&#13;&#10;", "\r\n"),
    (b"a\tb", "a\tb"),
])
def test_text(text: bytes, means: str) -> None:
    (_, _, pieces), = body(b"<a>" + text + b"</a>")
    assert pieces[1] == ("text", means)


def test_empty_cdata_is_nothing() -> None:
    (_, _, pieces), = body(b"<a><![CDATA[]]></a>")
    assert [piece[0] for piece in pieces] == ["start", "end"]


@pytest.mark.parametrize(("value", "means"), [
    (b"'a\tb\nc\rd\r\ne'", "a b c d e"), (b"'&#9;&#10;&#13;'", "\t\n\r"), (b"'a  b '", "a  b "),
    (b"'>\"]]>/>'", '>"]]>/>'),
    (b"\"'\"", "'"), (b"''", ""), ("'äé漢'".encode(), "äé漢"), (b"'" + b"x" * 100 + b"'", "x" * 100),
])
def test_values(value: bytes, means: str) -> None:
    (_, _, pieces), = body(b"<a b=" + value + b"/>")
    assert pieces[0][3] == (("", "b", means),)


BAD_TAGS = [
    b"<a></b>", b"<a></A>", b"<a></aa>", b"<aa></a>", b"<a></>", b"<a></ a>", b"<a></a b='c'>", b"<a></a/>",
    b"<p:a xmlns:p='p'></a>",
    b"<p:a xmlns:p='p'></p:b>", b"<p:a xmlns:p='p' xmlns:q='p'></q:a>", b"<a></p:a>", b"<a><b></a></b>",
    b"< a/>", b"<>", b"</>",
    b"<a/ >", b"<a / >", b"<a/b>", b"<a b/>", b"<a b=/>", b"<a b=c/>", b"<a b='c/>", b"<a b='c\"/>",
    b"<a b='c'c='d'/>", b"<a b='c''d'/>",
    b"<a b='<'/>", b"<a 'b'/>", b"<a ='b'/>", b"<a b c='d'/>", b"<a\xc2\xa0b='c'/>", b"<a b='c'/ >",
    b"<a,b/>", b"<a b='1' b='2'/>",
    b"<a b='1' c='2' b='3'/>", b"<a b='1' B='2' b='3'/>", b"<-a/>", b"<.a/>", b"<1/>", b"<a -b='c'/>",
    b"<a 1='2'/>", b"<a\x0bb='c'/>",
    "<×/>".encode(), "<a\u037e/>".encode(), "<\u0300a/>".encode(), "<a ·b='c'/>".encode(), b"<a b='1'  =''/>",
    b"<!a>", b"<![CDAT[x]]>",
    b"<a><![cdata[x]]></a>", b"<a><![CDATA [x]]></a>", b"<a><!-x></a>", b"<!ELEMENT a>", b"<a><!></a>",
    b"<a><!DOCTYP></a>", b"<<a/>",
    b"<a verylongname='1' verylongname='2'/>", b"<a><b", b"<a><",
]


@pytest.mark.parametrize("tag", BAD_TAGS)
def test_bad_tags(tag: bytes) -> None:
    assert condition(body(GOOD + tag + b"<")) == NWF


GOOD_TAGS = [
    b"<a />", b"<a></a >", b"<a\n\t\r b = 'c'\n></a\r\n>", b"<a b='c'  d='e'/>", b"<a b='>'/>", b"<_a-b.c1/>",
    "<äöü é='1'/>".encode(),
    "<a·b\u0300/>".encode(), "<\u2c00\U00010000/>".encode(), b"<a b='1' B='2'/>",
    b"<a verylongname1='' verylongname2=''/>",
    b"<a abcdefgh='' abcdefghi='' abcdefg=''/>", b"<a" + b"b" * 100 + b" " + b"c" * 100 + b"='d'/>",
    b"<a" + b" " * 100 + b"b='c'/>",
    b"<xml/>", b"<XMLfoo xmlfoo=''/>", b"<a xml:lang='' xml:space='x' xml:other=''/>",
]


@pytest.mark.parametrize("tag", GOOD_TAGS)
def test_good_tags(tag: bytes) -> None:
    assert raws(body(tag + GOOD)) == [tag, GOOD]


@pytest.mark.parametrize("n", [2, 8, 9, 20, 64])
def test_duplicate_among_many_attributes(n: int) -> None:
    names = [b"attribute%d" % i for i in range(n)]
    good = b"<a " + b" ".join(name + b"=''" for name in names) + b"/>"
    assert raws(body(good)) == [good]
    bad = b"<a " + b" ".join(name + b"=''" for name in [*names[1:], names[-1]]) + b"/>"
    assert condition(body(bad)) == NWF


BAD_NAMESPACES = [
    b"<p:a/>", b"<a p:b=''/>", b"<a><b xmlns:p='p'/><p:c/></a>", b"<b xmlns:p='p'/><p:a/>",
    b"<a xmlns:p=''/>", b"<stream:a xmlns:stream=''/>",
    b"<a xmlns:xml='p'/>", b"<a xmlns:xmlns='p'/>", b"<a xmlns:xmlns='" + XMLNS_NS + b"'/>",
    b"<a xmlns:p='" + XML_NS + b"'/>",
    b"<a xmlns='" + XML_NS + b"'/>", b"<a xmlns='" + XMLNS_NS + b"'/>", b"<a xmlns:p='" + XMLNS_NS + b"'/>",
    b"<xmlns:a/>",
    b"<a xmlns:p='" + XML_NS.replace(b"/", b"&#47;") + b"'/>", b"<a:b:c xmlns:a='x'/>", b"<:a/>", b"<a:/>",
    b"<:/>", b"<a::b/>",
    b"<a b:c:d='' xmlns:b='x'/>", b"<a :b=''/>", b"<a b:=''/>", b"<a:1 xmlns:a='x'/>", b"<a:-b xmlns:a='x'/>",
    b"<a xmlns:=''/>",
    b"<a xmlns:p='x' xmlns:p='x'/>", b"<a xmlns='x' xmlns='y'/>",
    b"<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>", b"<a xmlns:p:q='x'/>",
    b"<a xmlns:p='&#120;' xmlns:q='x' p:b='' q:b=''/>",
    b"<a xmlns:s='http://etherx.jabber.org/streams' s:b='' stream:b=''/>",
    b"<a xmlns:1='x'/>", b"<a><b xmlns:p='x'><c/></b><p:d/></a>",
]


@pytest.mark.parametrize("tag", BAD_NAMESPACES)
def test_bad_namespaces(tag: bytes) -> None:
    events = body(GOOD + tag + b"<b/>")
    assert raws(events)[0] == GOOD
    assert condition(events) == NWF


@pytest.mark.parametrize(("tag", "names"), [
    (b"<a/>", [("jabber:client", "a", ())]),
    (b"<a xmlns=''/>", [("", "a", ())]),
    (b"<a xmlns='x'><b/></a>", [("x", "a", ()), ("x", "b", ())]),
    (b"<a xmlns='x'><b xmlns=''><c/></b><d/></a>",
     [("x", "a", ()), ("", "b", ()), ("", "c", ()), ("x", "d", ())]),
    (b"<p:a xmlns:p='x' p:b='1' b='2'/>", [("x", "a", (("x", "b", "1"), ("", "b", "2")))]),
    (b"<p:a p:b='1' xmlns:p='x'><b/></p:a>", [("x", "a", (("x", "b", "1"),)), ("jabber:client", "b", ())]),
    (b"<a xmlns:p='x'><p:b xmlns:p='y'><p:c/></p:b><p:d/></a>",
     [("jabber:client", "a", ()), ("y", "b", ()), ("y", "c", ()), ("x", "d", ())]),
    (b"<a><b xmlns:p='x'/><c xmlns:p='y'><p:d/></c></a>",
     [("jabber:client", "a", ()), ("jabber:client", "b", ()), ("jabber:client", "c", ()), ("y", "d", ())]),
    (b"<stream:a stream:b=''/>", [("http://etherx.jabber.org/streams", "a",
                                   (("http://etherx.jabber.org/streams", "b", ""),))]),
    (b"<stream:a xmlns:stream='x'/>", [("x", "a", ())]),
    (b"<xml:a xml:lang='de'/>", [(XML_NS.decode(), "a", ((XML_NS.decode(), "lang", "de"),))]),
    (b"<a xmlns:xml='" + XML_NS + b"' xml:lang='de'/>",
     [("jabber:client", "a", ((XML_NS.decode(), "lang", "de"),))]),
    (b"<a xmlns='a&amp;b&#32;c\td'/>", [("a&b c d", "a", ())]),
    (b"<a xmlns='urn:xmpp&#58;sm:3'/>", [("urn:xmpp:sm:3", "a", ())]),
    (b"<a xmlns:p='x' xmlns:q='y' p:b='' q:b='' b=''/>",
     [("jabber:client", "a", (("x", "b", ""), ("y", "b", ""), ("", "b", "")))]),
    (b"<a xmlns:xmlfoo='x' xmlfoo:b=''/>", [("jabber:client", "a", (("x", "b", ""),))]),
])
def test_namespaces(tag: bytes, names: list[object]) -> None:
    (_, _, pieces), = body(tag)
    assert [piece[1:] for piece in pieces if piece[0] == "start"] == names
    assert sorted(piece[1:] for piece in pieces if piece[0] == "end") == sorted(name[:2] for name in names)


@pytest.mark.parametrize("separator", [" ", "\n", "\t", "}", "{", "|", "\x0c", "^"])
def test_a_uri_never_runs_into_a_name(separator: str) -> None:
    """CVE-2022-25236: a separator inside of the URI may not make another (URI, name) of the two."""
    escaped = f"&#{ord(separator)};" if separator != "\x0c" else separator
    events = body(f"<p:b xmlns:p='x{escaped}a'/>".encode())
    if separator == "\x0c":
        assert condition(events) == NWF
    else:
        assert events[0][2][0] == ("start", f"x{separator}a", "b", ())


@pytest.mark.parametrize(("data", "verdict"), [
    (b"text", FORMAT), (b" \n text", FORMAT), (b"<![CDATA[x]]>", FORMAT), (b"<![CDATA[]]>", FORMAT),
    (b"&#32;", FORMAT), (b"]]>", FORMAT),
    (b"</stream:stream><a/>", NWF), (b"</stream:stream>text", NWF),
    (b"</stream:stream></stream:stream>", NWF),
    (b"</stream:stream><!-- -->", NWF), (b"</stream:stream>\n" + HEADER, NWF), (b"</stream:strea>", NWF),
    (b"</stream>", NWF),
    (b"</stream:streams>", NWF), (b"</a>", NWF), (b"<?xml version='1.0'?>", NWF),
])
def test_shape(data: bytes, verdict: str) -> None:
    events = body(GOOD + data + b"<b/>")
    assert raws(events) == [GOOD]
    assert condition(events) == verdict


def test_an_end_tag_and_white_space_close_the_stream() -> None:
    assert body(b" <a/>\n\t<b/> \r\n</stream:stream \n> \n")[-1] == ("close",)


def test_an_empty_root_opens_and_closes() -> None:
    assert agreed(b"<a xmlns:p='x'/> ") == [("open", "", "a", ()), ("close",)]
