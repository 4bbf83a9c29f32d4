from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, running
from support.twice import is_two, twice


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Archive and stream management also with two workers."""
    twice(metafunc, "test_slixmpp_archive", "test_slixmpp_management")


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, twins=is_two(request)) as server:
        yield server
