"""What others have been asked and have not answered yet, while somebody waits for it."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

PATIENCE = 60.0  # s

T = TypeVar("T")


class Questions(Generic[T]):
    """By the ids that we gave them, oldest first. Whoever gets one out of here sees to it that it is answered."""

    def __init__(self, now: Callable[[], float], most: int) -> None:
        self._now = now
        self._most = most
        self._open = OrderedDict[str, tuple[float, T]]()

    def add(self, id: str, question: T) -> list[T]:
        """Takes out those that have waited for too long, or are too many."""
        self._open[id] = self._now(), question
        out = []
        while len(self._open) > self._most or next(iter(self._open.values()))[0] < self._now() - PATIENCE:
            out.append(self._open.popitem(last=False)[1][1])
        return out

    def get(self, id: str) -> T | None:
        _, question = self._open.get(id, (0.0, None))
        return question

    def pop(self, id: str) -> T:
        """Raises KeyError."""
        return self._open.pop(id)[1]

    def pop_all(self, these: Callable[[T], bool]) -> list[T]:
        ids = [id for id, (_, question) in self._open.items() if these(question)]
        return [self.pop(id) for id in ids]
