"""How fast a domain may send: the domain's buckets, whatever streams it sends on."""

from typing import final

from headrace.net.reactor import Reactor, Task

@final
class Pace(Task):
    """Four seconds' worth may come at once. 0: no bound."""

    def __init__(self, reactor: Reactor, bytes_per_second: float, stanzas_per_second: float) -> None: ...
    @property
    def behind(self) -> bool:
        """It has sent faster than that: nothing more of it is read until its time has come."""
