"""One server per file, fresh accounts for each test; a test that makes the server complain or die fails."""

from collections.abc import Iterator

import pytest

from support.people import PASSWORD, World
from support.server import Server, running
from support.twice import is_two, twice

ACCOUNTS = [f"p{number}" for number in range(400)]  # per file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Messages, carbons, archive and stream management also with two workers."""
    twice(metafunc, "test_archive", "test_carbons", "test_delivery", "test_management", "test_offline", "test_order")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    users = {f"{name}@localhost": PASSWORD for name in ACCOUNTS}
    with running(tmp_path_factory.mktemp("server"), users=users, twins=is_two(request)) as server:
        yield server


@pytest.fixture(scope="module")
def names(server: Server) -> Iterator[str]:
    """Of accounts that this server has."""
    return iter(ACCOUNTS)


@pytest.fixture
def world(server: Server, names: Iterator[str]) -> Iterator[World]:
    before = len(server.complaints)
    world = World(server, names)
    yield world
    for client in world.clients:
        client.close()
    assert server.process.poll() is None, server.log_file.read_text()
    complaints = server.complaints[before:]
    assert not complaints, "\n".join(map(str, complaints))
