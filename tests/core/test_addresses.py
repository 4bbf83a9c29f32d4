import pytest

from headrace.core.addresses import domain_of


@pytest.mark.parametrize(("jid", "domain"), [
    ("a.example", "a.example"), ("x@a.example", "a.example"), ("x@a.example/r@b/c", "a.example"),
    ("a.example/x@b", "a.example"), ("", "")])
def test_domains(jid: str, domain: str) -> None:
    assert domain_of(jid) == domain
