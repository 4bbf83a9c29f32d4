"""What the operator is told."""

from contextlib import suppress

import pytest

from headrace.storage import health
from headrace.storage.health import Health
from headrace.storage.ports import StorageUnavailable


class Told:
    """A log, and the clock that Health looks at."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(health, "time", told)
    return told


def use(watched: Health, error: str = "") -> None:
    with suppress(StorageUnavailable), watched.watched():
        if error:
            raise StorageUnavailable(error)


def test_one_line_at_its_start_and_one_at_its_end(told: Told) -> None:
    watched = Health(told)
    use(watched)
    for _ in range(100):
        use(watched, "disk full")
    assert told.lines == [("warning", "storage fails", {"error": "disk full", "failures": 1})]
    told.now += 3
    use(watched)
    use(watched)
    assert told.lines[1:] == [("info", "storage works again", {"failures": 100, "seconds": 3.0})]


def test_a_lucky_request_in_between_ends_nothing(told: Told) -> None:
    watched = Health(told)
    for _ in range(100):
        use(watched, "slow")
        told.now += 0.1
        use(watched)
    assert [event for _, event, _ in told.lines] == ["storage fails"]


def test_a_long_failure_is_told_now_and_then(told: Told) -> None:
    watched = Health(told)
    for _ in range(61):
        use(watched, "down")
        told.now += 1
    assert [fields["failures"] for _, _, fields in told.lines] == [1, 31, 61]


def test_without_a_log(told: Told) -> None:
    watched = Health(None)
    use(watched, "down")
    told.now += 2
    use(watched)
    assert told.lines == []
