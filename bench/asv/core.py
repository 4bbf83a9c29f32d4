"""The stream core over the project's history: `asv run` in bench/. One number a level, all checks on."""

import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # asv's path holds this folder alone

from corpus.chat import ROSTER, messages
from headrace.core.events import EventReader
from headrace.core.stanza import parse_stanza

ROOT = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
COUNT = 54
SECONDS = 1.0


class Events:
    """Chat messages of 300 bytes in pieces of 16 KiB, as events for Python."""

    unit = "stanzas/s"

    def setup(self) -> None:
        self.reader = EventReader()
        self.reader.feed(ROOT)
        self.data = messages(COUNT)

    def track_stanzas_per_second(self) -> float:
        stanzas, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < SECONDS:
            stanzas += len(self.reader.feed(self.data))
        return stanzas / spent


class Trees:
    """What the control plane does with a small IQ: copy it, build its tree."""

    def time_parse_and_build_the_tree(self) -> None:
        parse_stanza(ROSTER).element()


class Import:
    """What the core adds to the start of a program that embeds it: the best of some tries, each in a new process."""

    unit = "ms"

    def track_import_of_the_core(self) -> float:
        command = [sys.executable, "-X", "importtime", "-c", "import headrace.core"]
        return min(self.once(command) for _ in range(7))

    def once(self, command: list[str]) -> float:
        found = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        whole = re.search(r"\|\s*(\d+) \| headrace\.core$", found, re.MULTILINE)  # with all that it imports
        assert whole is not None
        return int(whole[1]) / 1000
