"""The stream core over the project's history: `asv run` in bench/. One number a level, all checks on."""

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
