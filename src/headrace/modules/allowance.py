"""A bound on how often something is done for each of many: counted per minute, then forgotten."""

from collections.abc import Callable


class Allowance:
    """At most `limit` takes per key and minute."""

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._minute = 0
        self._used: dict[str, int] = {}

    def take(self, key: str) -> bool:
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        self._used[key] = self._used.get(key, 0) + 1
        return self._used[key] <= self._limit
