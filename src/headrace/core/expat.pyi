"""The same events from expat, through pyexpat's C capsule: oracle in tests, base line in benchmarks, and an option."""

from headrace.core.events import Event
from headrace.core.limits import Limits

version: str
"""expat's version, for example "expat_2.6.2"."""
prompt: bool
"""Reparse deferral is off: a finished token is reported by the feed that brought its last byte."""

class ExpatReader:
    """Reads what `headrace.core.events.EventReader` reads and gives the same events.

    Intended differences are listed in tests/core/test_expat.py. Only MODE_STREAM.
    """

    def __init__(self, limits: Limits | None = None) -> None: ...
    def feed(self, data: bytes) -> list[Event]:
        """Everything that expat reports for `data`."""
    def finish(self) -> list[Event]:
        """No more will come: an error if the document is incomplete, or if an unfinished token follows it."""
    def reset(self) -> None:
        """A new document begins."""
