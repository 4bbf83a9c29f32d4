"""Instructions and system calls per routed message: numbers that repeat, on any machine however busy.

    python bench/count.py                  # both; system calls need a server that runs
    python bench/count.py --instructions

Instructions are those of user space, counted by callgrind over bench/native/route.py: a 300-byte message (with a body
alone, or with a chat state beside it) from one socket to another, all of it: read, tokenize, route, write. Two runs, N
and 2N turns: the difference divided by N leaves out everything that is done once. System calls are counted by strace on
a real server under bench/load, for a short and a long chat, the difference taken in the same way.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench" / "load"))

import chat
import servers

from native.build import drive

TURNS = 2000
EVAL = "_PyEval_EvalFrameDefault"


def callgrind(turns: int, batch: int, shape: str, folder: Path) -> tuple[int, int]:
    """Instructions, and entries into Python's interpreter loop."""
    out = folder / f"{turns}.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable,
               "-m", "native.route", str(turns), str(batch), shape]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    text = out.read_text()
    total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    assert total is not None
    return int(total[1]), calls_of(EVAL, text)


def calls_of(function: str, text: str) -> int:
    """How often it was called, recursion included: callgrind writes `(id) name` once, `(id)` from then on."""
    ids = set(re.findall(rf"^c?fn=\((\d+)\) {function}(?:'\d+)?$", text, re.MULTILINE))
    if not ids:
        raise SystemExit(f"{function} is not in callgrind's output")
    calls = re.findall(r"^cfn=\((\d+)\).*\ncalls=(\d+)", text, re.MULTILINE)
    return sum(int(count) for callee, count in calls if callee in ids)


def instructions(batch: int, shape: str) -> dict[str, object]:
    drive()  # compiled before it is counted
    with tempfile.TemporaryDirectory() as folder:
        once, once_eval = callgrind(TURNS // batch, batch, shape, Path(folder))
        twice, twice_eval = callgrind(2 * (TURNS // batch), batch, shape, Path(folder))
    messages = TURNS // batch * batch
    return {"message": shape, "batch": batch, "instructions_per_message": (twice - once) / messages,
            "interpreter_entries_per_message": (twice_eval - once_eval) / messages}


def strace(seconds: float, options: argparse.Namespace, folder: Path) -> tuple[int, int]:
    """System calls of a server's life, messages it carried."""
    out = folder / f"{seconds}.strace"
    tool = ("strace", "-f", "-c", "-o", str(out))
    with servers.running("headrace", folder / str(seconds), 2 * options.pairs, tool) as (port, _):
        command = chat.driver(port, False, "--pairs", options.pairs, "--window", options.window,
                              "--warm-up", 0, "--seconds", seconds)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    total = re.search(r"^100\.00\s+\S+\s+(?:\d+\s+)?(\d+)\s.*total$", out.read_text(), re.MULTILINE)
    assert total is not None
    return int(total[1]), json.loads(done.stdout)["messages"]


def system_calls(options: argparse.Namespace) -> dict[str, float]:
    chat.build_driver()
    with tempfile.TemporaryDirectory() as folder:
        short, few = strace(3, options, Path(folder))
        long, many = strace(9, options, Path(folder))
    return {"pairs": options.pairs, "window": options.window, "system_calls_per_message": (long - short) / (many - few)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instructions", action="store_true", help="no system calls")
    parser.add_argument("--batches", default="1,8", help="messages that one read brings, with commas between")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--window", type=int, default=8)
    options = parser.parse_args()
    for shape, batch in itertools.product(("body", "active"), map(int, options.batches.split(","))):
        print(json.dumps(instructions(batch, shape)), flush=True)
    if not options.instructions:
        print(json.dumps(system_calls(options)))


if __name__ == "__main__":
    main()
