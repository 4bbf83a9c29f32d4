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
from collections.abc import Iterator
from contextlib import contextmanager
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
    """KiB of anonymous memory, pages shared among processes divided by their number.

    Files are left out: what a server's share of libc comes to changes with every other process of the machine."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


@contextmanager
def idle_clients(port: int, first: int, count: int, tls: bool) -> Iterator[None]:
    command = driver(port, tls, "--first", first, "--pairs", count // 2, "--idle", "--seconds", SETTLE_SECONDS)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
        assert load.stdout is not None
        if load.stdout.readline() != b"ready\n":
            raise SystemExit("the clients could not log in")
        yield
        load.communicate()


def memory(name: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """What the next N connections add, once a few have been there: what is loaded at a first login is left out."""
    few = 20
    with running(name, folder, few + options.memory) as (port, pids), idle_clients(port, 0, few, options.tls):
        before = pss(pids)
        with idle_clients(port, few, options.memory, options.tls):
            after = pss(tree(pids[0]))
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
