"""Which namespaces go to which component."""

from headrace.modules.nesting import Abilities, Delegation, Nesting
from headrace.xep.disco import Identity

ONE = Delegation("one.example", "urn:x", frozenset({"example.org"}))
OTHER = Delegation("other.example", "urn:x", frozenset({"example.net"}), ("node",))


def test_each_host_has_its_own() -> None:
    nesting = Nesting((ONE, OTHER))
    assert nesting.of("urn:x", "example.org") is ONE
    assert nesting.of("urn:x", "example.net") is OTHER
    assert nesting.of("urn:x", "example.com") is None
    assert nesting.of("urn:y", "example.org") is None
    assert list(nesting.to("one.example", "example.org")) == [ONE]
    assert list(nesting.to("one.example", "example.net")) == []


def test_what_is_known_is_of_a_host_or_of_accounts() -> None:
    nesting = Nesting((ONE,))
    abilities = Abilities((Identity("pubsub", "pep"),), ("urn:x#a",))
    nesting.learn("urn:x", "example.org", abilities, bare=True)
    assert nesting.known("example.org", bare=True) == {"urn:x": abilities}
    assert nesting.known("example.org", bare=False) == {}
    assert nesting.known("example.net", bare=True) == {}


def test_whose_request_it_is_is_in_its_id() -> None:
    """Any worker can tell; nobody else can make such a one, nor use it for another's."""
    here, there = (Nesting((ONE,), b"secret") for _ in range(2))
    id = here.id_for("one.example", "romeo@example.org")
    assert id != here.id_for("one.example", "romeo@example.org")
    assert there.asks("one.example", "romeo@example.org", id)
    assert not there.asks("other.example", "romeo@example.org", id)
    assert not there.asks("one.example", "juliet@example.org", id)
    for other in ("", "1", id[:-1], id[:32], "0" * 64, "\u00e9" * 64):
        assert not there.asks("one.example", "romeo@example.org", other)
    assert not Nesting((ONE,), b"another").asks("one.example", "romeo@example.org", id)
    assert not Nesting().asks("one.example", "romeo@example.org", id)
