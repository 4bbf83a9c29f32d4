"""A bound on how often something is done for each of many: counted for a while, then forgotten."""

from collections.abc import Callable


class Allowance:
    """At most `limit` takes per key in each minute, or in each of longer spans."""

    def __init__(self, limit: int, now: Callable[[], float], *, seconds: int = 60) -> None:
        self._limit = limit
        self._now = now
        self._seconds = seconds
        self._span = 0
        self._used: dict[str, int] = {}

    def take(self, key: str) -> bool:
        span = int(self._now() // self._seconds)
        if span != self._span:
            self._span = span
            self._used.clear()
        self._used[key] = self._used.get(key, 0) + 1
        return self._used[key] <= self._limit
