"""The levels of bench/compare/parsers.py over the project's history, on its mixed corpus in pieces of 4096 bytes."""

import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # asv's path holds this folder alone

from corpus.stanzas import HEADER, stanzas

PIECE = 4096
SECONDS = 1.0


class Levels:
    """CPU time counts, not the clock's."""

    params = ("tape", "objects", "callables", "elements", "every element")
    param_names = ("level",)
    unit = "stanzas/s"

    def setup(self, level: str) -> None:
        from native.levels import LEVELS  # late: commits from before these levels have no such modules

        self.drive, found = LEVELS[level], stanzas("mixed")
        data = b"".join(found)
        self.pieces = [HEADER, *(data[i:i + PIECE] for i in range(0, len(data), PIECE))]
        self.count = len(found)

    def track_stanzas_per_second(self, level: str) -> float:
        times, began = 0, time.process_time()
        while (spent := time.process_time() - began) < SECONDS:
            self.drive(self.pieces)
            times += 1
        return times * self.count / spent
