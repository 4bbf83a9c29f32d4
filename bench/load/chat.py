"""Messages per server CPU second, and memory per idle connection, of Headrace and its peers on this machine.

    python bench/load/chat.py                      # the three servers, 50 pairs, 8 messages in flight each
    python bench/load/chat.py --tls --servers headrace,ejabberd
    python bench/load/chat.py --memory 1000        # KiB per idle connection instead

The server has core 0, the load generator core 1. CPU time is user + system of all the server's processes:
other work on the machine disturbs it least. Every message is checked (sender, order, loss, repeats, each byte
of the body).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import ROOT, SERVERS, running, tree

GENERATOR_CORE = "1"
LOAD = ROOT / "build" / "load"
SETTLE_SECONDS = 3


def build_driver() -> None:
    sources = sorted((ROOT / "bench" / "load").glob("*.c"))
    newest = max(p.stat().st_mtime for p in (ROOT / "bench" / "load").glob("*.[ch]"))
    if not LOAD.exists() or LOAD.stat().st_mtime < newest:
        LOAD.parent.mkdir(exist_ok=True)
        command = ["cc", "-O2", "-Wall", "-Wextra", "-o", LOAD, *sources, "-lssl", "-lcrypto"]
        subprocess.run(command, check=True)


def driver(port: int, tls: bool, *more: object) -> list[str]:
    flags = ["--tls"] if tls else []
    return ["taskset", "-c", GENERATOR_CORE, str(LOAD), "--port", str(port), *flags, *map(str, more)]


def chat(name: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    with running(name, folder, 2 * options.pairs) as (port, pids):
        processes = ",".join(map(str, pids))
        command = driver(port, options.tls, "--pairs", options.pairs, "--window", options.window,
                         "--seconds", options.seconds, "--warm-up", options.warm_up, "--pids", processes)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    result["messages_per_cpu_second"] = result["messages"] / result["server_cpu"]
    return result


def pss(pids: list[int]) -> int:
    """KiB in memory, shared pages divided among their users."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def with_idle_clients(port: int, clients: int, tls: bool, pids: list[int]) -> int:
    command = driver(port, tls, "--pairs", clients // 2, "--idle", "--seconds", SETTLE_SECONDS)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
        assert load.stdout is not None
        if load.stdout.readline() != b"ready\n":
            raise SystemExit("the clients could not log in")
        used = pss(pids)
        load.communicate()
    return used


def memory(name: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The difference between few and many connections: what is loaded at the first login is left out."""
    few = 20
    with running(name, folder, options.memory + few) as (port, pids):
        before = with_idle_clients(port, few, options.tls, pids)
    folder = folder.with_name(folder.name + "-many")
    with running(name, folder, options.memory + few) as (port, pids):
        after = with_idle_clients(port, options.memory + few, options.tls, tree(pids[0]))
    return {"clients": options.memory, "kib_per_connection": (after - before) / options.memory}


def report(results: dict[str, list[dict[str, float]]], figure: str) -> None:
    medians = {name: statistics.median(run[figure] for run in runs) for name, runs in results.items()}
    first = medians.get("headrace")
    print(f"{'server':12}{figure.replace('_', ' '):>26}{'headrace is':>14}")
    for name, value in medians.items():
        print(f"{name:12}{value:26,.1f}" + (f"{first / value:13.2f}x" if first else ""))
    print(json.dumps({"figure": figure, "medians": medians, "runs": results}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(SERVERS), help="any of them, with commas between")
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--window", type=int, default=8, help="messages in flight per connection")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm-up", type=float, default=3)
    parser.add_argument("--runs", type=int, default=1, help="the median counts")
    parser.add_argument("--tls", action="store_true", help="STARTTLS before login")
    parser.add_argument("--memory", type=int, metavar="N", help="instead, memory of N idle connections")
    options = parser.parse_args()
    build_driver()
    measure, figure = (memory, "kib_per_connection") if options.memory else (chat, "messages_per_cpu_second")
    results: dict[str, list[dict[str, float]]] = {name: [] for name in options.servers.split(",")}
    with tempfile.TemporaryDirectory(prefix="headrace-load-") as folder:
        for run in range(options.runs):  # in turn, so that a slow minute of the machine hits all of them
            for name, runs in results.items():
                runs.append(measure(name, Path(folder) / f"{name}-{run}", options))
                print(name, runs[-1], file=sys.stderr)
    report(results, figure)


if __name__ == "__main__":
    main()
