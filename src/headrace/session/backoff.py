"""Failed logins make the next ones wait: per (account, address), and per address.

Never per account alone: that would let any stranger lock its owner out. An attempt that is refused for being
too early counts for nothing, so a client that retries blindly gets in as soon as the time is over.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    free_per_account: int = 3       # typing errors
    free_per_address: int = 20      # the typing errors of a household or an office behind one address
    first: float = 2.0              # s; each further failure doubles it
    longest: float = 300.0          # s; 288 guesses a day of one account
    forget: float = 900.0           # s without a failure after which all is forgotten
    entries: int = 20_000           # keys remembered, about 5 MB; the longest without failure go first


@dataclass(slots=True)
class _Record:
    failures: int
    last: float


Key = tuple[str | None, str]  # account, None for all of them; address


class Backoff:
    """Counts failures; time is an argument (monotonic seconds)."""

    def __init__(self, policy: BackoffPolicy | None = None, *,
                 shared: Callable[[str], bool] = lambda address: False) -> None:
        """shared: does this address stand for many strangers (a proxy)? Then only accounts are counted there."""
        self._policy = policy or BackoffPolicy()
        self._shared = shared
        self._records: OrderedDict[Key, _Record] = OrderedDict()

    def wait(self, account: str, address: str, now: float) -> float:
        """Seconds until this account may be tried from this address; 0: now."""
        if not self._records:
            return 0.0
        return max(self._remaining(key, free, now) for key, free in self._keys(account, address))

    def failed(self, account: str, address: str, now: float) -> None:
        for key, _ in self._keys(account, address):
            record = self._records.get(key)
            if record is None or now - record.last >= self._policy.forget:
                record = self._records[key] = _Record(0, now)
            record.failures += 1
            record.last = now
            self._records.move_to_end(key)
        while len(self._records) > self._policy.entries:
            self._records.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forgets the account's failures, not the address's: one's own login would wash off guesses."""
        self._records.pop((account, address), None)

    def _keys(self, account: str, address: str) -> Iterator[tuple[Key, int]]:
        """What to count by, and how many failures are free."""
        yield (account, address), self._policy.free_per_account
        if not self._shared(address):
            yield (None, address), self._policy.free_per_address

    def _remaining(self, key: Key, free: int, now: float) -> float:
        record = self._records.get(key)
        if record is None or record.failures < free or now - record.last >= self._policy.forget:
            return 0.0
        doublings = min(record.failures - free, 60)  # a float, but not an endless one
        pause = min(self._policy.first * 2.0 ** doublings, self._policy.longest)
        return max(0.0, record.last + pause - now)
