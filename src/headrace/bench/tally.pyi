from typing import final

@final
class Tally:
    """Latencies in nanoseconds, each counted to within a thousandth (as an HDR histogram of three digits)."""

    def __init__(self) -> None: ...
    @property
    def total(self) -> int: ...
    def record(self, ns: int) -> None: ...
    def counts(self) -> list[tuple[int, int]]:
        """(nanoseconds, how often), in ascending order; the middle of each bucket."""
    def percentile(self, percent: float) -> int | None:
        """Nanoseconds within which that share of all are; None if there are none."""
    def clear(self) -> None: ...
