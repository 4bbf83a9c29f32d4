"""Coroutines run by connections, without what an asyncio.Task costs: that begins a turn of the loop later, ends one
later, and is kept in a set of all tasks. This begins at once, and may be over at once.

To what it runs it is a task all the same (asyncio's "third-party task"): asyncio.timeout() works, and current_task().
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any

class Work:
    def __init__(self, loop: AbstractEventLoop, coroutine: Coroutine[Any, Any, object],
                 then: Callable[[Work], object]) -> None:
        """then: told that it is over, unless start() has said so already."""
    @property
    def error(self) -> BaseException | None:
        """It ended with this."""
    def start(self) -> bool:
        """Runs up to where it has to wait; is it over? Once."""
    def cancel(self, msg: str | None = None) -> bool:
        """CancelledError is raised where it waits. False: it is over."""
    def uncancel(self) -> int: ...
    def cancelling(self) -> int: ...
