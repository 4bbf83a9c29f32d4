"""Password preparation against other implementations: scramp's SASLprep, precis-i18n's OpaqueString."""

import pytest
import scramp
from hypothesis import example, given
from hypothesis import strategies as st
from precis_i18n import get_profile

from headrace.sasl.opaque import opaque
from headrace.sasl.saslprep import saslprep

CONTEXTUAL = st.text(st.sampled_from(
    "l\u00b7\u0375\u03b1\u05f3\u05f4\u05d0\u30fb\u30ab\u6f22\u0660\u06f0\u200d\u200c\u094da "))


def prepared(prepare, text):
    try:
        return prepare(text)
    except ValueError:
        return None


@given(st.text(st.characters(codec="utf-8"), max_size=20) | CONTEXTUAL)
@example("e\u0301 \u00a0\U0001f600")
def test_opaque_agrees_with_precis(text):
    assert prepared(opaque, text) == prepared(get_profile("OpaqueString").enforce, text)


@pytest.mark.parametrize(("text", "expected"), [  # RFC 8265 4.3
    ("correct horse battery staple", "correct horse battery staple"),
    ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
    ("\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"), ("Jack of \u2666s", "Jack of \u2666s"),
    ("foo\u1680bar", "foo bar"),
])
def test_opaque_examples(text, expected):
    assert opaque(text) == expected


@pytest.mark.parametrize("text", ["", "my cat is a \u0009by", "\u00ad", "\ue000", "\u0378", "a\u00b7b", "\x07"])
def test_opaque_refuses(text):
    with pytest.raises(ValueError, match="password"):
        opaque(text)


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), min_size=1))
def test_ascii_is_left_alone_by_both(text):
    assert opaque(text) == saslprep(text) == text


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_saslprep_agrees_with_scramp(text):
    try:
        expected = scramp.core.saslprep(text)
    except (scramp.ScramException, ValueError):
        expected = None
    try:
        found = saslprep(text)
    except ValueError:
        found = None
    assert found == (expected or None)


@pytest.mark.parametrize(("text", "expected"), [  # RFC 4013 3
    ("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"),
    ("a\u00a0b", "a b"),
])
def test_saslprep_examples(text, expected):
    assert saslprep(text) == expected


@pytest.mark.parametrize("text", [
    "", "\u00ad", "\x07", "\u06271", "\u0378", "a\u200eb", "\ue000", "\U000e0001",
])
def test_saslprep_refuses(text):
    with pytest.raises(ValueError, match="password"):
        saslprep(text)
