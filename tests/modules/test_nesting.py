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
