"""Logins per server CPU second, up to a bound resource, of Headrace and its peers on this machine.

    python bench/load/logins.py                         # SCRAM-SHA-256 without TLS
    python bench/load/logins.py --tls                   # STARTTLS, a full TLS 1.3 handshake each
    python bench/load/logins.py --servers headrace --mechanism PLAIN
    python bench/load/logins.py --servers headrace --mechanism FAST --resume    # a token, over resumed TLS

The server has core 0, the clients core 1: --clients at a time, each login another of --users, who have all been there
before it counts. What a client derives from its password it derives once per user; servers store SCRAM verifiers of
the same iteration count. CPU time is user + system of all the server's processes.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chat import build_driver, driver
from servers import PASSWORD, SERVERS, running

from headrace.sasl.pbkdf2 import pbkdf2

Derive = Callable[[str, bytes, bytes, int], bytes]

PATIENCE = 20           # attempts
ROUNDS = 4096           # as in bench/compare


def derivation(derive: Derive) -> float:
    """CPU seconds of what PLAIN cannot do without: one key from a password."""
    began, times = time.process_time(), 200
    for salt in range(times):
        derive("sha256", PASSWORD.encode(), salt.to_bytes(16, "big"), ROUNDS)
    return (time.process_time() - began) / times


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    with running(name, folder, options.users) as (port, pids):
        flags = ["--resume"] if options.resume else []
        command = driver(port, options.tls, "--logins", options.users, "--at-once", options.clients,
                         "--mechanism", options.mechanism, "--warm-up", 1, "--seconds", options.seconds,
                         "--pids", ",".join(map(str, pids)), *flags)
        for _ in range(PATIENCE):   # until all users are there: ejabberd derives their keys after it listens
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            if done.returncode == 0:
                break
            print(f"{name}: not all users can log in yet", file=sys.stderr)
            time.sleep(3)
        else:
            raise SystemExit(f"{name}: the users cannot log in")
    result: dict[str, float] = json.loads(done.stdout)
    if options.resume and result["resumed"] != result["logins"]:
        raise SystemExit(f"not all sessions were resumed: {result}")
    return {**result, "logins_per_cpu_second": result["logins"] / result["server_cpu"]}


def report(medians: dict[str, float]) -> None:
    for name, value in medians.items():
        ratio = f"{medians['headrace'] / value:8.2f}x" if "headrace" in medians else ""
        print(f"{name:12}{value:10,.0f} logins per CPU second{1e3 / value:8.3f} ms each{ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(SERVERS), help="any of them, with commas between")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20, help="connections at a time")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--mechanism", default="SCRAM-SHA-256", choices=["SCRAM-SHA-256", "PLAIN", "FAST"])
    parser.add_argument("--tls", action="store_true", help="STARTTLS before login")
    parser.add_argument("--resume", action="store_true", help="STARTTLS, and each TLS session resumes the user's last")
    parser.add_argument("--runs", type=int, default=1, help="the median counts")
    options = parser.parse_args()
    options.tls = options.tls or options.resume or options.mechanism == "FAST"
    build_driver()
    figures: dict[str, list[float]] = {name: [] for name in options.servers.split(",")}
    derived: dict[Derive, list[float]] = {pbkdf2: [], hashlib.pbkdf2_hmac: []}
    with tempfile.TemporaryDirectory(prefix="headrace-logins-") as folder:
        for run in range(options.runs):     # in turn, so that a slow minute of the machine hits all of them
            for name, values in figures.items():
                result = measure(name, Path(folder) / f"{name}-{run}", options)
                values.append(result["logins_per_cpu_second"])
                for derive, times in derived.items():
                    times.append(derivation(derive))
                print(name, json.dumps(result), file=sys.stderr)
    report({name: statistics.median(values) for name, values in figures.items()})
    if options.mechanism == "PLAIN":
        ours, usual = (statistics.median(times) * 1e3 for times in derived.values())
        print(f"of which one key derivation is {ours:.3f} ms (by OpenSSL's PBKDF2 {usual:.3f})")


if __name__ == "__main__":
    main()
