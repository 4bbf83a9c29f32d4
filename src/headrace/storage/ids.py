"""Message ids: 64 bits, time-ordered, never used twice, also after a crash (protocol.md 6)."""

_BITS = 10      # below the microseconds: what a burst within one of them takes; 63 bits then last until 2255


def id_at(time: float) -> int:
    """The lowest id of that unix time."""
    return int(time * 1_000_000) << _BITS


def time_of(id: int) -> float:
    return (id >> _BITS) / 1_000_000


class Ids:
    """Gives ids above every id given before, in this run or an earlier one.

    What has been given may have been seen before it is committed, so a reservation ahead of the clock is
    committed with every group that comes near its end. After a crash ids, and the times read from them, start
    behind it."""

    AHEAD = 10.0    # s; as much as ids can be ahead of the clock after a crash

    def __init__(self, reserved: int) -> None:
        self.last = reserved
        self.reserved = reserved    # as committed

    def next(self, time: float) -> int:
        self.last = max(self.last + 1, id_at(time))
        return self.last

    def reservation(self) -> int:
        """What to commit as the new reservation; 0: the committed one still reaches far enough."""
        ahead = id_at(self.AHEAD)
        return 0 if self.last + ahead // 2 < self.reserved else self.last + ahead
