"""JIDs against the tables of the RFCs, and the native fast path against the rule in headrace.core.prep."""

import copy
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.core import JID, JIDError
from headrace.core.jid import JidCache
from headrace.core.prep import prepare

# RFC 7622 3.5, table 1, as far as RFC 6122's profiles, which the network uses, agree: (text, prepared form).
GOOD = [
    ("juliet@example.com", "juliet@example.com"),
    ("juliet@example.com/foo", "juliet@example.com/foo"),
    ("juliet@example.com/foo bar", "juliet@example.com/foo bar"),
    ("juliet@example.com/foo@bar", "juliet@example.com/foo@bar"),
    ("foo\\20bar@example.com", "foo\\20bar@example.com"),
    ("fussball@example.com", "fussball@example.com"),
    ("π@example.com", "π@example.com"),
    ("Σ@example.com/foo", "σ@example.com/foo"),
    ("σ@example.com/foo", "σ@example.com/foo"),
    ("king@example.com/♚", "king@example.com/♚"),
    ("example.com", "example.com"),
    ("example.com/foobar", "example.com/foobar"),
    ("a.example.com/b@example.net", "a.example.com/b@example.net"),
    # RFC 6122, appendices A and B, and RFC 3491
    ("fußball@example.com", "fussball@example.com"),  # B.2 folds; RFC 7622 would not
    ("ς@example.com/foo", "σ@example.com/foo"),
    ("Juliet@EXAMPLE.com/Balcony", "juliet@example.com/Balcony"),
    ("ju\u00adliet@example.com", "juliet@example.com"),  # B.1: soft hyphen maps to nothing
    ("example.com/\u2163", "example.com/IV"),  # NFKC
    ("ﬁsh@example.com", "fish@example.com"),
    ("ÅNGSTRÖM@example.com", "ångström@example.com"),
    ("A\u030angstro\u0308m@example.com", "ångström@example.com"),
    ("אבג@example.com", "אבג@example.com"),
    ("<\u0338@>\u0338.example", "≮@≯.example"),  # a bad character composes to a good one
    # domains
    ("juliet@example.com.", "juliet@example.com"),
    ("example.com./r", "example.com/r"),
    ("BÜCHER.example", "bücher.example"),
    ("bücher\u3002example", "bücher.example"),
    ("xn--bcher-kva.example", "bücher.example"),
    ("XN--BCHER-KVA.example", "bücher.example"),
    ("xn--strae-oqa.example", "xn--strae-oqa.example"),  # IDNA2008 only: stays as it is
    ("127.0.0.1", "127.0.0.1"),
    ("a@[::1]/r", "a@[::1]/r"),
    ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
    ("chat_room.docker", "chat_room.docker"),
    ("a" * 1023 + "@b", "a" * 1023 + "@b"),
    ("b/" + "r" * 1023, "b/" + "r" * 1023),
    ("a@b/" + "é" * 511, "a@b/" + "é" * 511),
    ("😀@example.com/😀", "😀@example.com/😀"),  # unassigned in Unicode 3.2: allowed unless asked
]
BAD = [  # RFC 7622 3.5, table 2, and the limits; what the complaint names
    ('"juliet"@example.com', "localpart"),
    ("foo bar@example.com", "localpart"),
    ("@example.com", "localpart"),
    ("@example.com/foo", "localpart"),
    ("henry\u2163 @example.com", "localpart"),
    ("juliet@", "domainpart"),
    ("/foobar", "domainpart"),
    ("", "domainpart"),
    ("juliet@example.com/", "resourcepart"),
    ("a&b@example.com", "localpart"),
    ("a'b@example.com", "localpart"),
    ("a:b@example.com", "localpart"),
    ("a<b@example.com", "localpart"),
    ("a>b@example.com", "localpart"),
    ("a@b@example.com", "domainpart"),
    ("a\x01b@example.com", "localpart"),
    ("a\x7fb@example.com", "localpart"),
    ("a\u00a0b@example.com", "localpart"),
    ("a\u2028b@example.com", "localpart"),
    ("example.com/\x01", "resourcepart"),
    ("example.com/\x7f", "resourcepart"),
    ("example.com/\ufffd", "resourcepart"),
    ("example.com/\ue000", "resourcepart"),
    ("\u00ad@example.com", "localpart"),  # nothing is left of it
    ("אa@example.com", "localpart"),
    ("א1@example.com", "localpart"),
    ("a＠b@example.com", "localpart"),  # a full-width @ becomes one
    ("example.com/a\ud800", "resourcepart"),
    ("a..b", "domainpart"),
    (".a", "domainpart"),
    (".", "domainpart"),
    ("a..", "domainpart"),
    ("-a.example", "domainpart"),
    ("a-.example", "domainpart"),
    ("exa mple.com", "domainpart"),
    ("exa&mple.com", "domainpart"),
    ("x" * 64 + ".example", "domainpart"),
    ("ü" * 60 + ".example", "domainpart"),
    ("[::1", "domainpart"),
    ("[::g]", "domainpart"),
    ("[127.0.0.1]", "domainpart"),
    ("[fe80::1%eth0]", "domainpart"),
    ("a" * 1024 + "@b", "localpart"),
    ("é" * 512 + "@b", "localpart"),
    ("b/" + "r" * 1024, "resourcepart"),
    (".".join(["x" * 60] * 17), "domainpart"),
]


@pytest.mark.parametrize(("text", "prepared"), GOOD)
def test_a_good_jid_has_one_prepared_form_everywhere(text: str, prepared: str) -> None:
    assert prepare(text) == prepared
    assert JID.parse(text).full == prepared
    cache = JidCache()
    assert cache.lookup(text.encode()) == prepared.encode()
    assert cache.lookup(text.encode()) == prepared.encode()  # now from memory
    assert cache.lookup(prepared.encode()) == prepared.encode()


@pytest.mark.parametrize(("text", "part"), BAD)
def test_a_bad_jid_is_refused_everywhere_and_the_text_names_the_part(text: str, part: str) -> None:
    with pytest.raises(JIDError, match=part):
        JID.parse(text)
    if "\ud800" not in text:
        assert JidCache().lookup(text.encode()) is None


def test_bytes_that_are_not_utf8_are_no_jid() -> None:
    assert JidCache().lookup(b"a\xff@example.com") is None


def test_parts() -> None:
    jid = JID.parse("Juliet@Example.com/Balcony")
    assert (jid.local, jid.domain, jid.resource) == ("juliet", "example.com", "Balcony")
    assert (jid.bare, jid.full, str(jid)) == ("juliet@example.com", "juliet@example.com/Balcony", jid.full)
    host = JID.parse("example.com")
    assert (host.local, host.resource, host.bare, host.full) == (None, None, "example.com", "example.com")
    slashes = JID.parse("example.com/a/b@c")
    assert (slashes.local, slashes.resource) == (None, "a/b@c")


def test_from_parts_no_part_can_reach_into_the_next() -> None:
    assert JID("Romeo", "example.com", "a/b").full == "romeo@example.com/a/b"
    assert JID(None, "example.com") == JID.parse("example.com")
    for local, domain, resource in [
            ("a/b", "c", None), ("a", "b@c", None), ("a", "b/c", None), ("", "c", None), ("a", "b", "")]:
        with pytest.raises(JIDError):
            JID(local, domain, resource)


def test_with_resource() -> None:
    jid = JID.parse("a@b/c")
    assert jid.with_resource("\u2163").full == "a@b/IV"
    assert jid.with_resource(None) == JID.parse("a@b")
    with pytest.raises(JIDError, match="resourcepart"):
        jid.with_resource("")


def test_frozen_hashable_and_copied_as_itself() -> None:
    jid = JID.parse("a@b/c")
    assert jid == JID.parse("A@B/c") != JID.parse("a@b/C")
    assert jid != "a@b/c"
    assert len({jid, JID.parse("A@B/c")}) == 1
    with pytest.raises(AttributeError):
        jid.domain = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        jid.__init__("x", "y")  # type: ignore[misc]
    assert copy.deepcopy(jid) == jid == pickle.loads(pickle.dumps(jid))


def test_our_own_accounts_are_refused_what_unicode_3_2_does_not_know() -> None:
    for text in ("😀@example.com", "example.com/😀", "😀.example"):
        assert JID.parse(text).full == text
        with pytest.raises(JIDError, match=r"Unicode 3\.2"):
            JID.parse(text, assigned=True)
    with pytest.raises(JIDError, match=r"Unicode 3\.2"):
        JID("😀", "example.com", assigned=True)


def test_plain_ascii_never_enters_the_cache() -> None:
    cache = JidCache()
    for text in (b"juliet@example.com/balcony", b"Juliet@Example.COM./x", b"a b@c", b"@"):
        cache.lookup(text)
    assert cache.used == 0


def test_the_cache_is_bounded_and_remembers_refusals() -> None:
    cache = JidCache(64)
    for i in range(1000):
        assert cache.lookup(f"é{i}@example.com".encode()) == f"é{i}@example.com".encode()
        assert cache.lookup(f"\u2028{i}@example.com".encode()) is None
    assert 32 < cache.used <= 64
    assert cache.lookup(f"\u2028{i}@example.com".encode()) is None


def test_what_is_used_stays_in_the_cache_among_a_flood() -> None:
    cache = JidCache(4)  # one set
    cache.lookup("ä@b".encode())
    for i in range(50):
        cache.lookup(f"é{i}@b".encode())
        assert cache.lookup("Ä@b".encode()) == "ä@b".encode()
    assert cache.used == 4


ASCII_JIDS = st.text(st.sampled_from("aBzZ09-_.@/[]: \"&'<>\x00\x1f\x7fxn"), max_size=24)


@given(ASCII_JIDS)
@example("xn--@b")
@example("a@xn--a")
def test_the_fast_path_agrees_with_the_rule_on_ascii(text: str) -> None:
    assert verdict(text) == JidCache().lookup(text.encode())


AWKWARD = st.sampled_from("@/.<ßſΣςİıǅﬀ⁰Ⅷ\u0345\u1e9b\u0323\u0338\u00ad")  # fold, compose or vanish
TEXT = st.text(st.characters(codec="utf-8") | AWKWARD, max_size=12)


@given(TEXT)
def test_the_native_answer_is_the_rules_answer(text: str) -> None:
    assert verdict(text) == JidCache().lookup(text.encode())


@given(TEXT)
def test_a_prepared_jid_is_its_own_prepared_form(text: str) -> None:
    prepared = verdict(text)
    if prepared is not None:
        assert prepare(prepared.decode()).encode() == prepared
        jid = JID.parse(prepared.decode())
        assert JID(jid.local, jid.domain, jid.resource) == jid


def verdict(text: str) -> bytes | None:
    try:
        return prepare(text).encode()
    except JIDError:
        return None
