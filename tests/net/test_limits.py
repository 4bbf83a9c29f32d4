"""The account of connections per address and in all (protocol.md 9)."""

from ipaddress import ip_network

import pytest

from headrace.net.limits import Admission, ConnectionLimits, network


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admission(**limits) -> Admission:
    return Admission(ConnectionLimits(**limits), clock=Clock())


def fill(account, address, count, *, authenticated=True):
    """Connect `count` times: the first refusal, or None."""
    for _ in range(count):
        reason = account.admit(address)
        if reason is not None:
            return reason
        if authenticated:
            account.authenticated(address)
    return None


def test_the_defaults_are_those_of_the_rules():
    limits = ConnectionLimits()
    assert (limits.rate, limits.burst, limits.open) == (30, 100, 1000)
    assert (limits.unauthenticated, limits.total_unauthenticated) == (20, 2000)


def test_a_burst_then_a_rate():
    account = admission()
    assert fill(account, "192.0.2.1", 100) is None
    assert account.admit("192.0.2.1") == "rate"
    account.clock.now += 0.5
    assert fill(account, "192.0.2.1", 15) is None
    assert account.admit("192.0.2.1") == "rate"
    assert account.refused == {"rate": 2}
    assert account.open == 115


def test_an_idle_address_has_its_burst_again_and_no_more():
    account = admission(burst=5)
    assert fill(account, "192.0.2.1", 5) is None
    account.clock.now += 1000
    assert fill(account, "192.0.2.1", 6) == "rate"
    assert account.open == 10


def test_open_connections_per_address():
    account = admission(open=3)
    assert fill(account, "192.0.2.1", 3) is None
    assert account.admit("192.0.2.1") == "open"
    assert account.admit("192.0.2.2") is None
    account.gone("192.0.2.1", authenticated=True)
    assert account.admit("192.0.2.1") is None


def test_unauthenticated_per_address_until_they_log_in_or_go():
    account = admission()
    assert fill(account, "192.0.2.1", 20, authenticated=False) is None
    assert account.admit("192.0.2.1") == "unauthenticated"
    account.authenticated("192.0.2.1")
    assert account.admit("192.0.2.1") is None
    assert account.admit("192.0.2.1") == "unauthenticated"
    account.gone("192.0.2.1", authenticated=False)
    assert account.admit("192.0.2.1") is None


def test_unauthenticated_in_all_binds_everybody():
    account = admission(total_unauthenticated=2)
    assert fill(account, "127.0.0.1", 2, authenticated=False) is None
    assert account.admit("127.0.0.1") == "total"
    assert account.admit("192.0.2.1") == "total"


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "203.0.113.9", "2001:db8:1::5", "",
])
def test_loopback_and_proxies_stand_for_many(address):
    account = admission(burst=1, open=1, unauthenticated=1,
                        proxies=(ip_network("203.0.113.0/24"), ip_network("2001:db8:1::/48")))
    assert fill(account, address, 50, authenticated=False) is None


def test_loopback_can_be_bound_too():
    assert fill(admission(burst=1, exempt_loopback=False), "127.0.0.1", 2) == "rate"


@pytest.mark.parametrize(("one", "other", "same"), [
    ("192.0.2.1", "192.0.2.2", False), ("192.0.2.1", "::ffff:192.0.2.1", True),
    ("2001:db8::1", "2001:db8::ffff:1", True), ("2001:db8::1", "2001:db8:0:1::1", False),
])
def test_what_counts_as_one_address(one, other, same):
    assert (network(one) == network(other)) is same


def test_everything_returns_to_zero_and_addresses_are_forgotten():
    account = admission()
    for i in range(1000):
        assert account.admit(f"198.51.{i // 250}.{i % 250}") is None
    for i in range(1000):
        account.gone(f"198.51.{i // 250}.{i % 250}", authenticated=False)
    assert account.open == account.unauthenticated == 0
    account.clock.now += 60
    assert account.admit("192.0.2.1") is None
    assert len(account._addresses) == 1
