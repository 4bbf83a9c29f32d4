import pytest

from headrace.core.errors import JIDError
from headrace.core.stanza import parse_element
from headrace.xep import blocking


def test_entries_are_prepared() -> None:
    command = parse_element(b"<block xmlns='urn:xmpp:blocking'><item jid='Romeo@Example.ORG/Orchard'/>"
                            b"<item jid='EXAMPLE.net'/><other jid='x@y'/></block>")
    assert blocking.parse(command) == ["romeo@example.org/Orchard", "example.net"]


@pytest.mark.parametrize("item", ["<item/>", "<item jid=''/>", "<item jid='@'/>"])
def test_entries_that_are_no_jids(item: str) -> None:
    with pytest.raises(JIDError):
        blocking.parse(parse_element(f"<block xmlns='urn:xmpp:blocking'>{item}</block>".encode()))


def test_written_and_read_again() -> None:
    jids = ["a@b/it's <1>", "b"]
    assert blocking.parse(parse_element(blocking.written("unblock", jids))) == jids
    assert blocking.written("blocklist", []) == b"<blocklist xmlns='urn:xmpp:blocking'></blocklist>"


@pytest.mark.parametrize(("entry", "matches"), [
    ("a@b/c", {"a@b/c"}), ("a@b", {"a@b", "a@b/c", "a@b/d@e/f"}), ("b/c", {"b/c"}),
    ("b", {"b", "b/c", "a@b", "a@b/c", "a@b/d@e/f"}), ("e", set()), ("e/f", set()),
])
def test_matching(entry: str, matches: set[str]) -> None:
    """Section 5; the router's own matching has the same table."""
    jids = ("a@b", "a@b/c", "b", "b/c", "a@b/d@e/f", "x@c", "c")
    assert {jid for jid in jids if blocking.listed({entry}, jid)} == matches
