"""On which storage a server keeps its promises."""

import pytest


@pytest.fixture
def storage(backend: str, request: pytest.FixtureRequest) -> str:
    """The section of its configuration; backend: sqlite or postgres, by parametrize()."""
    return "" if backend == "sqlite" else str(request.getfixturevalue("postgres").toml())
