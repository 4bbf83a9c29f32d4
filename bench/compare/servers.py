"""What Headrace and its peers hold on this machine: the standard set, in turn, three times; medians with ratios.

    python bench/compare/servers.py                                 # everything: an hour
    python bench/compare/servers.py --tests "chat, 100;ping"        # those whose name begins so
    python bench/compare/servers.py --servers headrace,prosody --runs 1

Each test starts each server anew, on core 0, with the features that the test uses and no others; the generator
(`headrace bench`) has core 1. Users, password storage (SCRAM-SHA-256, 4,096 rounds) and certificate (P-256) are the
same. The configurations beside this file say what is tuned, and why. Written are DIR/servers.json and DIR/servers.html.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "bench")]

from compare import peers
from headrace.bench.errors import Exit
from headrace.bench.report import Cell, Cells, arrange, page, ratio

GENERATOR_CORE = 1
SPARE_USERS = 40        # idle's first ones, day's visitors
LIMIT_SECONDS = 600     # for one run, logins included
EVERYTHING = ("sm", "carbons", "archive")
PACKAGES = {"prosody": "prosody", "ejabberd": "ejabberd"}


@dataclass(frozen=True)
class Test:
    name: str
    scenario: str
    users: int
    options: tuple[object, ...] = ()
    features: tuple[str, ...] = ()      # switched on in the server, and for the generator where it has the switch

    def switches(self) -> list[str]:
        return [f"--{name}" for name in self.features if name != "muc" and self.scenario in ("chat", "day")]


def chat(name: str, users: int, window: int, *options: object, features: tuple[str, ...] = ()) -> Test:
    return Test(name, "chat", users, ("--window", window, *options), features)


STANDARD = (
    chat("chat, 2 connections", 2, 32),
    chat("chat, 100", 100, 8),
    chat("chat, 1000", 1000, 2),
    chat("chat, 100, TLS", 100, 8, "--tls", "starttls"),
    chat("chat, 100, stream management", 100, 8, features=("sm",)),
    chat("chat, 100, archive", 100, 8, features=("archive",)),
    chat("chat, 100, everything on", 100, 8, "--tls", "starttls", features=EVERYTHING),
    chat("chat at 2,000 a second", 100, 8, "--rate", 2000),
    Test("ping", "ping", 100),
    Test("presence to 100 contacts", "presence", 101, ("--window", 4)),
    Test("room of 200", "muc", 200, ("--window", 4), ("muc",)),
    Test("pages of the archive", "mam", 50, (), ("archive",)),
    Test("login", "login", 200, ("--at-once", 20)),
    Test("login, TLS", "login", 200, ("--at-once", 20, "--tls", "starttls")),
    Test("reconnect", "reconnect", 200, (), ("sm",)),
    Test("memory", "idle", 1000),
    Test("memory, TLS", "idle", 1000, ("--tls", "starttls")),
    # Without rooms anywhere while Headrace has none: deliveries in rooms are most of a day's, and cost the least.
    Test("day (rtb), 20 times as fast", "day", 500, ("--speed", 20), EVERYTHING),
    Test("day (amoc), 20 times as fast", "day", 500, ("--speed", 20, "--profile", "amoc"), EVERYTHING),
)


def version_of(server: str) -> str:
    if server not in PACKAGES:
        from importlib.metadata import version

        return version("headrace")
    command = ["dpkg-query", "-W", "-f", "${Version}", PACKAGES[server]]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout or "unknown"


def generate(test: Test, server: peers.Running, label: str, seconds: float) -> tuple[int, bytes, str]:
    """Exit code, result and error text of one run."""
    warm_up = 3.0 if test.scenario == "idle" else seconds / 3
    arguments = [test.scenario, "--port", server.port, "--pid", server.pid, "--users", test.users, *test.options,
                 *test.switches(), "--duration", seconds, "--warm-up", warm_up, "--label", label,
                 "--core", GENERATOR_CORE, "--quiet", "--json", "-"]
    done = subprocess.run([sys.executable, "-m", "headrace.server", "bench", *map(str, arguments)],
                          env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, timeout=LIMIT_SECONDS,
                          check=False)
    return done.returncode, done.stdout, done.stderr.decode().strip()


def missing(test: Test, label: str, like: Sequence[dict[str, Any]], why: str) -> dict[str, Any]:
    """Stands for a run that there can't be."""
    figure = {"name": "", "value": 0.0, "better": "more", "missing": why}
    machine = like[0]["machine"] if like else {"cpu": "", "cores": 0, "kernel": ""}
    return {"schema": 1, "scenario": test.scenario, "test": test.name, "label": label, "figure": figure,
            "machine": machine, "options": {}, "samples": [], "latency_ms": None, "left_out": [],
            "checked": {"lost": 0}, "verdict": {"good": True, "bottleneck": "unknown", "reasons": [], "code": 0}}


def measure(test: Test, name: str, folder: Path, seconds: float, before: Sequence[dict[str, Any]]) -> dict[str, Any]:
    label = f"{name.capitalize() if name != 'ejabberd' else name} {version_of(name)}"
    with peers.running(name, folder, test.users + SPARE_USERS + test.users // 10, test.features) as server:
        code, out, error = generate(test, server, label, seconds)
    if code == Exit.NOT_OFFERED:
        return missing(test, label, before, "not built" if name == "headrace" else "not offered")
    if not out:
        return missing(test, label, before, f"failed: {error}")
    result: dict[str, Any] = orjson.loads(out)
    result["test"] = test.name
    return result


def text_table(cells: Cells) -> str:
    labels = list(dict.fromkeys(label for servers in cells.values() for label in servers))
    width = max(map(len, cells), default=0) + 2
    lines = [" " * width + "".join(f"{label:>26}" for label in labels)]
    for test, servers in cells.items():
        base = servers.get(labels[0])
        lines.append(f"{test:{width}}" + "".join(f"{_cell(servers.get(label), base):>26}" for label in labels))
    return "\n".join(lines)


def _cell(cell: Cell | None, base: Cell | None) -> str:
    if cell is None:
        return "-"
    absent = cell.typical["figure"].get("missing")
    if absent:
        return str(absent)
    times = f" ({ratio(cell, base):.2f}x)" if base and base is not cell and ratio(cell, base) else ""
    return f"{cell.value:,.0f}{'' if cell.good else ' !'}{times}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(peers.SERVERS), help="any of them, with commas between")
    parser.add_argument("--tests", default="", help="beginnings of names, with semicolons between; all of them: "
                        + "; ".join(test.name for test in STANDARD))
    parser.add_argument("--seconds", type=float, default=10, help="measured in each run; warm-up is a third of it")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "compare", metavar="DIR")
    options = parser.parse_args()
    tests = [test for test in STANDARD if test.name.startswith(tuple(options.tests.split(";")))]
    results: list[dict[str, Any]] = []
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="headrace-compare-") as folder:
        for run in range(options.runs):     # in turn, so that a slow minute of the machine hits all of them
            for number, test in enumerate(tests):
                for name in options.servers.split(","):
                    place = Path(folder) / f"{run}-{number}-{name}"
                    results.append(measure(test, name, place, options.seconds, results))
                    print(f"run {run + 1}, {test.name}, {name}: {results[-1]['figure']}", file=sys.stderr)
                    (options.out / "servers.json").write_bytes(orjson.dumps({"results": results}))
    (options.out / "servers.html").write_text(page(results, "Headrace and its peers"))
    print(text_table(arrange(results)))
    print(f"\n{options.out}/servers.json, {options.out}/servers.html\n!: not a good run; the page says why")


if __name__ == "__main__":
    main()
