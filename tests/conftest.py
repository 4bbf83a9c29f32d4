"""What every test can ask for: how thorough to be (HEADRACE_SOAK), a free port, a PostgreSQL."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.ports import unused_port
from support.postgres import Postgres, running

# The sanitizers' control cases mean something in their build alone.
collect_ignore = [] if os.environ.get("HEADRACE_SANITIZE") == "1" else ["sanitize"]

SOAK = int(os.environ.get("HEADRACE_SOAK", "1"))

# Time fails no test: two cores are shared with other work.
settings.register_profile("headrace", deadline=None, max_examples=100 * SOAK,
                          suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("headrace")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "apart: runs programs of its own, the same beside every build of ours")


@pytest.fixture(scope="session")
def soak() -> int:
    """How many times the usual number of generated cases, rounds or kills to do: 1, or HEADRACE_SOAK."""
    return SOAK


@pytest.fixture
def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now."""
    return unused_port()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that all tests share; each takes a schema of its own from it."""
    with running() as postgres:
        yield postgres
