"""The quick set: end to end per feature switch, logins, memory, instructions; beside the last accepted figures.

    python bench/quick.py               # measures, and compares with bench/baseline.json
    python bench/quick.py --counts      # instructions per message alone, for each feature: on a busy machine too
    python bench/quick.py --accept      # what was measured is accepted from now on

A server in a process of its own on core 0, `headrace bench` on core 1. What is compared is work per second of the
server's CPU time, which repeats within some 10 % on a quiet machine of the same kind, and counts of instructions, which
repeat anywhere. Only a count that has grown fails: seconds are for a person to judge.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench")]

from compare import peers
from headrace import core
from headrace.bench.errors import Exit
from headrace.bench.result import machine
from native.route import FEATURES

BASELINE = ROOT / "bench" / "baseline.json"
TOLERANCE = 0.02        # of instructions: another compiler, another libc
SPARE_USERS = 40

CHAT = ("chat", "--users", 100, "--window", 8)
END_TO_END: dict[str, tuple[object, ...]] = {
    "chat": CHAT,
    "chat, TLS": (*CHAT, "--tls", "starttls"),
    "chat, stream management": (*CHAT, "--sm"),
    "chat, carbons": (*CHAT, "--carbons"),
    "chat, client state": (*CHAT, "--csi"),
    "chat, archive": (*CHAT, "--archive"),
    "chat, all but the archive": (*CHAT, "--tls", "starttls", "--sm", "--carbons", "--csi"),
    "chat, everything on": (*CHAT, "--tls", "starttls", "--sm", "--carbons", "--archive"),
    "ping": ("ping", "--users", 100),
    "presence": ("presence", "--users", 101, "--window", 4),
    "login": ("login", "--users", 100, "--at-once", 20),
    "login, TLS": ("login", "--users", 100, "--at-once", 20, "--tls", "starttls"),
    "memory": ("idle", "--users", 500, "--warm-up", 2),
    "memory, TLS": ("idle", "--users", 500, "--warm-up", 2, "--tls", "starttls"),
}
# Per routed message: its shape, and what is switched on (native.route.FEATURES).
COUNTS: dict[str, tuple[str, str]] = {
    "instructions, body": ("body", "nothing"),
    "instructions, active": ("active", "nothing"),
    **{f"instructions, {feature}": ("active", feature) for feature in FEATURES if feature != "nothing"},
}


class Faulty(Exception):
    """A run has no figure: the text says what went wrong."""


def end_to_end(name: str, seconds: float = 3.0) -> float | None:
    """The scenario's figure (headrace.bench.result); None: the server does not offer what is measured."""
    arguments = END_TO_END[name]
    users = int(str(arguments[arguments.index("--users") + 1])) + SPARE_USERS
    features = ("archive",) if "--archive" in arguments else ()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="headrace-quick-") as folder, \
            peers.running("headrace", Path(folder) / "server", users, features, core=cores[0]) as server:
        command = [*arguments, "--port", server.port, "--pid", server.pid, "--core", cores[-1], "--duration", seconds,
                   "--quiet", "--json", "-"]
        done = subprocess.run([sys.executable, "-m", "headrace.server", "bench", *map(str, command)],
                              env={**os.environ, "PYTHONPATH": str(Path(core.__file__).parents[2])},
                              capture_output=True, check=False)
    if not done.stdout:
        if b"does not offer" in done.stderr:
            return None
        raise Faulty(f"{name}: {done.stderr.decode()}")
    result: dict[str, Any] = orjson.loads(done.stdout)
    if result["verdict"]["code"] == Exit.FAULTY:
        raise Faulty(f"{name}: {result['verdict']['reasons'][0]}: {result['examples'][:1]}")
    return float(result["figure"]["value"])


def instructions(name: str) -> float:
    """Per routed message, 8 a read (bench/count.py)."""
    import count

    return float(str(count.instructions(8, *COUNTS[name])["instructions_per_message"]))


def compare(figures: dict[str, float | None], before: dict[str, float | None]) -> list[str]:
    """Prints both; answers the counts that have grown."""
    grown = []
    print(f"{'':28}{'now':>14}{'accepted':>14}{'ratio':>8}")
    for name, value in figures.items():
        old = before.get(name)
        words = "not built" if value is None else f"{value:,.0f}"
        ratio = f"{value / old:.2f}" if value and old else ""
        print(f"{name:28}{words:>14}{'-' if old is None else f'{old:,.0f}':>14}{ratio:>8}")
        if name.startswith("instructions") and value and old and value > (1 + TOLERANCE) * old:
            grown.append(name)
    print("per second of server CPU time; memory: bytes per connection")
    return grown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="write what was measured into bench/baseline.json")
    parser.add_argument("--counts", action="store_true", help="instructions alone")
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    figures: dict[str, float | None] = {}
    faulty = []
    for name in END_TO_END if not options.counts else ():
        try:
            figures[name] = end_to_end(name, options.seconds)
        except Faulty as error:
            faulty.append(str(error))
    figures.update({name: instructions(name) for name in COUNTS})
    baseline = orjson.loads(BASELINE.read_bytes()) if BASELINE.exists() else {"figures": {}, "machine": {}}
    if baseline["machine"].get("cpu") not in (None, machine()["cpu"]):
        print(f"accepted on another machine: {baseline['machine']['cpu']}")
    grown = compare(figures, baseline["figures"])
    if options.accept:
        accepted = {"machine": baseline["machine"] if options.counts else machine(),
                    "figures": {**baseline["figures"], **figures}}
        written = orjson.dumps(accepted, option=orjson.OPT_INDENT_2)
        BASELINE.write_bytes(written + b"\n")
    elif grown:
        faulty.append(f"more than accepted: {', '.join(grown)} (--accept, if there is a good reason)")
    if faulty:
        raise SystemExit("\n".join(faulty))


if __name__ == "__main__":
    main()
