"""`headrace`, killed by SIGKILL at a chosen moment: `python fragile.py serve ...` with FRAGILE in the environment.

    before:7    the 7th group of messages is about to be committed: its messages are delivered
    after:7     it is committed: nobody has been told
    resume:2    the 2nd resumption is being carried out
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from headrace.server.cli import main
from headrace.session.resumption import Resumption
from headrace.storage import group


class Countdown:
    def __init__(self, spec: str) -> None:
        self.point, _, count = spec.partition(":")
        self._left = int(count or 0)

    def passes(self, point: str) -> None:
        if point == self.point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def fragile_commits(countdown: Countdown) -> None:
    make = group.GroupCommit.__init__

    def fragile(self: group.GroupCommit, archive: Any, write: Callable[[Any], Awaitable[None]]) -> None:
        async def write_or_die(messages: Any) -> None:
            countdown.passes("before")
            await write(messages)
            countdown.passes("after")

        make(self, archive, write_or_die)

    group.GroupCommit.__init__ = fragile    # type: ignore[method-assign]


def fragile_resumptions(countdown: Countdown) -> None:
    find = Resumption.find

    async def find_or_die(self: Resumption, *args: Any) -> Any:
        found = await find(self, *args)
        countdown.passes("resume")
        return found

    Resumption.find = find_or_die   # type: ignore[method-assign]


if __name__ == "__main__":
    countdown = Countdown(os.environ["FRAGILE"])
    fragile_commits(countdown)
    fragile_resumptions(countdown)
    sys.exit(main())
