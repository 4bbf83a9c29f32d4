"""Who may do what for whom."""

import pytest

from headrace.modules import grants
from headrace.modules.grants import Grant

GRANTS = {"boss.example": Grant(frozenset({"example.org"}), "get", push=True),
          "clerk.example": Grant(frozenset({"example.org", "example.net"}), "set", presence=True),
          "seer.example": Grant(frozenset({"example.org"}), "get", presence=True, contacts=True)}


@pytest.mark.parametrize(("access", "type", "allowed"), [
    ("both", "get", True), ("both", "set", True), ("get", "get", True), ("get", "set", False), ("set", "get", False),
    ("none", "get", False), ("none", "none", False), ("both", "result", False), ("both", "both", False),
    ("both", None, False)])
def test_access(access: grants.Access, type: str | None, allowed: bool) -> None:
    assert grants.allows(access, type) is allowed


@pytest.mark.parametrize(("sender", "host", "found"), [
    ("boss.example", "example.org", True), ("boss.example", "example.net", False),
    ("x@boss.example", "example.org", False), ("boss.example/x", "example.org", False),
    ("other.example", "example.org", False)])
def test_it_is_the_domains_own(sender: str, host: str, found: bool) -> None:
    assert (grants.of(GRANTS, sender, host) is not None) is found


def test_who_is_told() -> None:
    assert list(grants.told_of_rosters(GRANTS, "example.org")) == ["boss.example"]
    assert list(grants.told_of_rosters(GRANTS, "example.net")) == []
    assert list(grants.told_of_presence(GRANTS, "example.net", ["example.com"])) == ["clerk.example"]
    assert list(grants.told_of_presence(GRANTS, "example.net", ["example.org"])) == ["clerk.example", "seer.example"]
    assert list(grants.told_of_presence(GRANTS, "example.org", [])) == ["clerk.example", "seer.example"]
    assert [domain for domain, _ in grants.told_of_contacts(GRANTS, "example.org")] == ["seer.example"]
    assert list(grants.told_of_contacts(GRANTS, "example.net")) == []
