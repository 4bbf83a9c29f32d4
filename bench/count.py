"""Instructions and system calls per routed message: numbers that repeat, on any machine however busy.

    python bench/count.py                  # all three; system calls need a server that runs
    python bench/count.py --instructions   # per routed message
    python bench/count.py --features       # likewise: nothing, TLS, stream management, carbons, client state, archive
                                           # each switched on alone, then all of them (native.route.FEATURES)
    python bench/count.py --federation     # per message to and from another server
    python bench/count.py --parser         # per parsed stanza, at each level, of each corpus
    python bench/count.py --logins         # per login by SCRAM-SHA-256 or PLAIN, up to a bound resource

Instructions are those of user space, counted by callgrind over bench/native/route.py: a 300-byte message (with a body
alone, or with a chat state beside it) from one socket to another, all of it: read, tokenize, route, write, and with the
archive, commit. The server is warm before, and what the clients do in the same process is left out. To and from another
server there are two runs, N and 2N turns, the difference divided by N. Those of the parser are counted over
bench/native/levels.py: a stream of each corpus in pieces of 4 KiB, once it is warm; valgrind's processor has AVX2.
Those of a login are a whole server's, threads and storage included, ten clients at a time, N and 2N logins: they repeat
within some per cent, for how many look-ups share a trip to the storage's thread depends on the moment.
System calls are counted by strace on a real server under bench/load, for a short and a long chat, the difference taken
in the same way as for routed messages.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "bench" / "load"))

import chat
import servers

from corpus.stanzas import stanzas
from native import levels, route
from native.build import drive, module

TURNS = 2000
USERS = 50      # that log in, one after the other
EVAL = "_PyEval_EvalFrameDefault"
SERVE = "*Route_serve*"     # of bench/native/drive.pyx


def callgrind(folder: Path, *run: object, inside: str = "") -> tuple[int, str]:
    """Instructions of `python -m run...`, perhaps of one function's alone, and all that callgrind wrote."""
    out = folder / "callgrind.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    if inside:
        tool.append(f"--toggle-collect={inside}")
    command = [*tool, sys.executable, "-m", *map(str, run)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    text = out.read_text()
    return total_of(text), text


def total_of(text: str) -> int:
    total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    assert total is not None
    return int(total[1])


def calls_of(function: str, text: str) -> int:
    """How often it was called, recursion included: callgrind writes `(id) name` once, `(id)` from then on."""
    ids = set(re.findall(rf"^c?fn=\((\d+)\) {function}(?:'\d+)?$", text, re.MULTILINE))
    if not ids:
        raise SystemExit(f"{function} is not in callgrind's output")
    calls = re.findall(r"^cfn=\((\d+)\).*\ncalls=(\d+)", text, re.MULTILINE)
    return sum(int(count) for callee, count in calls if callee in ids)


def instructions(batch: int, shape: str, feature: str = "nothing") -> dict[str, object]:
    drive()  # compiled before it is counted
    turns = TURNS // batch
    with tempfile.TemporaryDirectory() as folder:
        callgrind(Path(folder), "native.route", turns, batch, shape, feature, inside=SERVE)
        text = (Path(folder) / "callgrind.out.1").read_text()   # what marks.pyx dumps
    return {"message": shape, "feature": feature, "batch": batch,
            "instructions_per_message": total_of(text) / (turns * batch),
            "interpreter_entries_per_message": calls_of(EVAL, text) / (turns * batch)}


def federated_instructions(direction: str, batch: int = 64) -> dict[str, object]:
    """Both ends in one process (bench/native/federated.py); what Python does is done once a turn."""
    turns = TURNS // batch
    with tempfile.TemporaryDirectory() as folder:
        once, once_text = callgrind(Path(folder), "native.federated", turns, batch, direction)
        twice, twice_text = callgrind(Path(folder), "native.federated", 2 * turns, batch, direction)
    entries = calls_of(EVAL, twice_text) - calls_of(EVAL, once_text)
    return {"federation": direction, "batch": batch, "instructions_per_message": (twice - once) / (turns * batch),
            "interpreter_entries_per_message": entries / (turns * batch)}


def parser_instructions(level: str) -> Iterator[dict[str, object]]:
    for name in ("parsers", "marks"):
        module(name)  # compiled before it is counted
    with tempfile.TemporaryDirectory() as folder:
        callgrind(Path(folder), "native.levels", level)
        for dump in map(Path.read_text, Path(folder).glob("callgrind.out.*")):
            name, total = re.search(r"Client Request: (\S+)", dump), re.search(r"^summary: (\d+)", dump, re.MULTILINE)
            if name and total:
                count = len(stanzas(name[1], levels.BYTES))
                yield {"level": level, "corpus": name[1], "instructions_per_stanza": round(int(total[1]) / count)}


def login_instructions(mechanism: str, count: int = 300) -> dict[str, object]:
    chat.build_driver()
    totals = []
    with tempfile.TemporaryDirectory() as folder:
        for logins in (count, 2 * count):
            out = Path(folder) / f"{logins}.callgrind"
            tool = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}")
            with servers.running("headrace", Path(folder) / str(logins), USERS, tool) as (port, _):
                command = chat.driver(port, False, "--logins", USERS, "--at-once", 10, "--mechanism", mechanism,
                                      "--total", USERS + 10 + logins)
                subprocess.run(command, check=True)
            totals.append(total_of(out.read_text()))
    return {"login": mechanism, "instructions": round((totals[1] - totals[0]) / count)}


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
    parser.add_argument("--instructions", action="store_true", help="of routed messages alone")
    parser.add_argument("--features", action="store_true", help="of routed messages, with each feature alone")
    parser.add_argument("--federation", action="store_true", help="of messages to and from another server")
    parser.add_argument("--parser", action="store_true", help="instructions of the parser alone")
    parser.add_argument("--logins", action="store_true", help="of logins alone")
    parser.add_argument("--batches", default="1,8", help="messages that one read brings, with commas between")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--window", type=int, default=8)
    options = parser.parse_args()
    everything = not (options.instructions or options.features or options.federation or options.parser
                      or options.logins)
    if everything or options.instructions:
        for shape, batch in itertools.product(("body", "active"), map(int, options.batches.split(","))):
            print(json.dumps(instructions(batch, shape)), flush=True)
    if everything or options.features:
        for feature, batch in itertools.product(route.FEATURES, map(int, options.batches.split(","))):
            print(json.dumps(instructions(batch, "active", feature)), flush=True)
    if everything or options.federation:
        for direction in ("out", "in", "kept"):
            print(json.dumps(federated_instructions(direction)), flush=True)
    if everything or options.parser:
        for found in itertools.chain.from_iterable(map(parser_instructions, levels.LEVELS)):
            print(json.dumps(found), flush=True)
    if everything or options.logins:
        for mechanism in ("SCRAM-SHA-256", "PLAIN"):
            print(json.dumps(login_instructions(mechanism)), flush=True)
    if everything:
        print(json.dumps(system_calls(options)))


if __name__ == "__main__":
    main()
