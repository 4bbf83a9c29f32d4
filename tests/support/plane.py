"""A server that counts what its own process enters: run as `python -m support.plane FOLDER OPTIONS`, OPTIONS being JSON
for `headrace.server.config` (limits, modules).

It says its ports in a line of JSON; then, for each line that it is told, how much Python it has entered since it was
started (calls of Python functions, in all threads; apart: those of the storage and of what runs it, and how many groups
of messages were committed), what was called most, and how many blocks of memory it has.
"""

import asyncio
import gc
import json
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvloop

from headrace.sasl.credentials import MIN_ITERATIONS, make
from headrace.server.app import App
from headrace.server.config import Config, HostConfig, ListenerConfig
from headrace.storage.ports import RosterItem

NAMES = ("romeo", "juliet")
STORING = ("/headrace/storage/", "/concurrent/futures/", "/lib/python3", "/asyncio/")  # where groups are committed
GROUP = "_begin"    # of storage/group.py: once for each
CONTACTS = 100
BLOCKED = 20


class Calls:
    """Set before any other thread starts."""

    def __init__(self) -> None:
        self.count = self.storing = self.groups = 0
        self.names: Counter[str] = Counter()
        threading.setprofile(self.seen)
        sys.setprofile(self.seen)

    def seen(self, frame: FrameType, event: str, arg: object) -> None:
        if event != "call":
            return
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        caller = frame.f_back if file.startswith("<frozen") else None     # isinstance() of an ABC is whose who asks
        if any(part in (caller.f_code.co_filename if caller else file) for part in STORING):
            self.storing += 1
            self.groups += name == GROUP and file.endswith("storage/group.py")
        else:
            self.count += 1
            self.names[f"{file.rpartition('/headrace/')[2]}:{name}"] += 1

    def report(self) -> dict[str, Any]:
        found = {"calls": self.count, "storing": self.storing, "groups": self.groups,
                 "names": dict(self.names.most_common(8))}
        self.names.clear()
        gc.collect()
        return {**found, "blocks": sys.getallocatedblocks()}


async def populate(app: App) -> None:
    """Accounts with 100 contacts and 20 blocked JIDs each."""
    secret = make("secret", iterations=MIN_ITERATIONS)
    accounts = [f"{name}@localhost" for name in NAMES]
    await app.storage.accounts.create_many([(account, secret) for account in accounts])
    for account in accounts:
        others = [f"friend{n}@localhost" for n in range(CONTACTS - 1)]
        for contact in (*others, *(other for other in accounts if other != account)):
            await app.storage.roster.put(account, RosterItem(contact, subscription="both"))
        await app.storage.blocks.add(account, [f"foe{n}@localhost" for n in range(BLOCKED)])


async def main(folder: Path, options: dict[str, Any]) -> None:
    calls = Calls()
    listeners = (ListenerConfig("c2s", "127.0.0.1", 0, "direct"),)
    config = Config(folder, listeners, (HostConfig("localhost"),), iterations=MIN_ITERATIONS, durability="process",
                    **options)      # how long a disk takes is not what is counted: a message might be refused for it
    app = App(config, structlog.wrap_logger(structlog.ReturnLogger()))
    await app.start()
    await populate(app)
    print(json.dumps([listener.port for listener in app.listeners]), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(json.dumps(calls.report()), flush=True)
    await app.stop()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
