"""An archive's XML (XEP-0313, XEP-0441)."""

from xml.etree import ElementTree

import pytest

from headrace.core.errors import JIDError
from headrace.xep.mam import Preferences, parse_preferences, preferences

PREFS = "<prefs xmlns='urn:xmpp:mam:2' {}>{}</prefs>"


def prefs(default: str = "default='roster'", inside: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(PREFS.format(default, inside))


def test_preferences_as_in_the_document() -> None:
    got = prefs(inside="<always><jid>Romeo@montague.lit</jid></always><never><jid>montague@montague.lit</jid></never>")
    those = parse_preferences(got)
    assert those == Preferences("roster", ("romeo@montague.lit",), ("montague@montague.lit",))
    assert preferences(those) == (
        b"<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>romeo@montague.lit</jid></always>"
        b"<never><jid>montague@montague.lit</jid></never></prefs>")


def test_missing_lists_are_empty_and_written_so() -> None:
    assert parse_preferences(prefs("default='never'")) == Preferences("never")
    assert preferences(Preferences("never")) == (
        b"<prefs xmlns='urn:xmpp:mam:2' default='never'><always></always><never></never></prefs>")


@pytest.mark.parametrize("default", ["", "default='sometimes'", "default=''"])
def test_default_is_needed(default: str) -> None:
    with pytest.raises(ValueError, match="always, never or roster"):
        parse_preferences(prefs(default))


def test_malformed_jid() -> None:
    with pytest.raises(JIDError):
        parse_preferences(prefs(inside="<always><jid>a@b@c</jid></always>"))


@pytest.mark.parametrize(("those", "taken"), [
    (Preferences("always"), (True, True, True)),
    (Preferences("never"), (False, False, False)),
    (Preferences("roster"), (False, False, True)),
    (Preferences("never", ("a@x",)), (True, True, False)),
    (Preferences("never", ("a@x/1",)), (False, True, False)),
    (Preferences("always", (), ("a@x",)), (False, False, True)),
    (Preferences("always", ("a@x/1",), ("a@x",)), (False, False, True)),
])
def test_whose_messages_are_taken(those: Preferences, taken: tuple[bool, ...]) -> None:
    """Of a@x and a@x/1, who are in no roster, and of friend@x, who is."""
    assert (those.takes("a@x", in_roster=False), those.takes("a@x/1", in_roster=False),
            those.takes("friend@x", in_roster=True)) == taken
