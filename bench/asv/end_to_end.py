"""The server over the project's history: what one second of its CPU time carries, with each feature switched on."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # asv's path holds this folder alone

import quick


class Figure:
    """Those of bench/quick.py; a commit that lacks what is measured has none."""

    params = (list(quick.END_TO_END),)
    param_names = ("test",)
    timeout = 300
    number = 1

    def track_per_cpu_second_or_bytes(self, test: str) -> float:
        found = quick.end_to_end(test)
        return float("nan") if found is None else found


class Instructions:
    """User space, per routed message of 300 bytes, 8 in a read (bench/count.py)."""

    unit = "instructions"
    timeout = 600

    def track_per_message(self) -> float:
        return quick.instructions("instructions, body")
