import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.jid import JID
from headrace.xep.escaping import escape, unescape

NAMES = st.text(st.sampled_from(" \"&'/:<>@\\0123456789abcdefgx"), min_size=1).filter(lambda name: name == name.strip())


@pytest.mark.parametrize(("name", "localpart"), [
    ("d'artagnan", r"d\27artagnan"), ("treville@musketeers.lit", r"treville\40musketeers.lit"),
    ("space cadet", r"space\20cadet"), ("at&t guy", r"at\26t\20guy"),
    ('call me "ishmael"', r"call\20me\20\22ishmael\22"),
    ("/.fanboy", r"\2f.fanboy"), ("::foo::", r"\3a\3afoo\3a\3a"), ("<foo>", r"\3cfoo\3e"),
    ("user@host", r"user\40host"),
    (r"c:\net", r"c\3a\net"), (r"c:\\net", r"c\3a\\net"), (r"c:\cool stuff", r"c\3a\cool\20stuff"),
    (r"c:\5commas", r"c\3a\5c5commas"), (r"\3and\2is\5cool", r"\5c3and\2is\5c5cool"),
])
def test_examples_of_the_document(name: str, localpart: str) -> None:
    assert escape(name) == localpart
    assert unescape(localpart) == name


@given(NAMES)
def test_there_and_back(name: str) -> None:
    localpart = escape(name)
    assert unescape(localpart) == name
    assert JID(localpart, "example.org").local == localpart


@pytest.mark.parametrize("name", [" x", "x ", " "])
def test_no_space_at_an_end(name: str) -> None:
    with pytest.raises(ValueError, match="space"):
        escape(name)


@pytest.mark.parametrize("localpart", [r"\2F", r"\21", r"\5C", "\\", r"\2"])
def test_other_sequences_stay(localpart: str) -> None:
    assert unescape(localpart) == localpart
