from collections.abc import Iterator
from pathlib import Path

import pytest

from support.serving import Server, serving

USERS = {"romeo@localhost": "wherefore", "juliet@localhost": "balcony"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, USERS) as running:
        yield running
