"""Wire tests that run twice: on the server as it is, and on two workers (support/twins.py, protocol.md 19).

In a conftest, with a fixture `server` that passes `twins=is_two(request)` on to support.server.running():

    def pytest_generate_tests(metafunc):
        twice(metafunc, "test_archive", "test_carbons")
"""

import pytest


def twice(metafunc: pytest.Metafunc, *modules: str) -> None:
    """The tests of these modules that ask for `server`."""
    if "server" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in modules:
        metafunc.parametrize("server", ["alone", "two"], indirect=True)


def is_two(request: pytest.FixtureRequest) -> bool:
    """Is it the second time?"""
    return bool(getattr(request, "param", "alone") == "two")
