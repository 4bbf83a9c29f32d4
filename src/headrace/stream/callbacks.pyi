"""A stream as calls of Python, as pyexpat's users know them."""

from collections.abc import Callable, Collection
from typing import final

from headrace.core.limits import Limits
from headrace.stream.intake import Intake, Scratch

@final
class CallbackParser(Intake):
    """Calls start(name, attributes), text(data) and end(name) for each tag and text, the root's included.

    Names are `{namespace}local`, or `local` without one: split at the last `}`. Neighbouring text comes in one call.
    A stanza is told once it is complete and found good, the root's start tag by itself. None: nobody asks.
    limits, stop and scratch are StreamParser's.

    A callback may not call the parser: RuntimeError. What it raises leaves feed(); the rest of its stanza is not told,
    the next feed() goes on behind it.
    """

    def __init__(
        self,
        start: Callable[[str, dict[str, str]], object] | None = None,
        text: Callable[[str], object] | None = None,
        end: Callable[[str], object] | None = None,
        *,
        limits: Limits | None = None,
        stop: Collection[str] = ...,
        scratch: Scratch | None = None,
    ) -> None: ...
    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Tells everything that `data` completes. Returns early as StreamParser.feed() does. Raises XMLError, then and
        ever after."""
