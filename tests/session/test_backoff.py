"""Waiting after failed logins; time is an argument."""

import pytest

from headrace.session.backoff import Backoff, BackoffPolicy

POLICY = BackoffPolicy(free_per_account=2, free_per_address=5, first=2.0, longest=10.0, forget=100.0,
                       entries=8)


@pytest.fixture
def backoff():
    return Backoff(POLICY)


def fail(backoff, times, account="a", address="x", now=0.0):
    for _ in range(times):
        backoff.failed(account, address, now)


def test_typing_errors_are_free(backoff):
    assert backoff.wait("a", "x", 0.0) == 0
    fail(backoff, 1)
    assert backoff.wait("a", "x", 0.0) == 0


def test_it_doubles_up_to_the_longest(backoff):
    waits = []
    for _ in range(6):
        fail(backoff, 1)
        waits.append(backoff.wait("a", "x", 0.0))
    assert waits == [0, 2, 4, 8, 10, 10]


def test_it_runs_out(backoff):
    fail(backoff, 3)
    assert backoff.wait("a", "x", 1.5) == 2.5
    assert backoff.wait("a", "x", 4.0) == 0


def test_endless_failures_stay_finite(backoff):
    fail(backoff, 5000)
    assert backoff.wait("a", "x", 0.0) == 10


def test_other_addresses_are_free(backoff):
    fail(backoff, 50)
    assert backoff.wait("a", "y", 0.0) == 0


def test_one_address_guessing_at_many_accounts(backoff):
    for account in "abcde":
        fail(backoff, 1, account)
    assert backoff.wait("new", "x", 0.0) == 2


def test_success_forgets_the_account_but_not_the_address(backoff):
    fail(backoff, 4)
    backoff.succeeded("a", "x")
    assert backoff.wait("a", "x", 0.0) == 0
    fail(backoff, 1, "b")
    assert backoff.wait("c", "x", 0.0) == 2


def test_an_address_that_stands_for_many_is_not_counted():
    backoff = Backoff(POLICY, shared={"proxy"}.__contains__)
    for n in range(50):
        fail(backoff, 1, str(n), "proxy")
    assert backoff.wait("a", "proxy", 0.0) == 0
    fail(backoff, 2, "a", "proxy")
    assert backoff.wait("a", "proxy", 0.0) == 2


def test_all_is_forgotten_in_time(backoff):
    fail(backoff, 50)
    assert backoff.wait("a", "x", 100.0) == 0
    fail(backoff, 1, now=100.0)
    assert backoff.wait("a", "x", 100.0) == 0


def test_memory_is_bounded(backoff):
    for n in range(1000):
        fail(backoff, 1, str(n), str(n))
    assert len(backoff._records) == POLICY.entries
