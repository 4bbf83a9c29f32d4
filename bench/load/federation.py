"""Messages between two servers, per CPU second of both: our pair, Prosody's and ejabberd's, one after the other.

    python bench/load/federation.py [--messages 40000] [headrace prosody ejabberd]

One user of each domain; messages of type headline, which no server keeps, over TLS between the servers. The first ones
open the streams and are not counted.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from support.federated import CLIENT, SERVER, Authority, route, site
from support.foreign import ejabberd, prosody
from support.ports import unused_port

A, B = "a.example", "b.example"
BODY = "x" * 100
BATCH = 500
WARM = 2_000


@contextlib.contextmanager
def pair(kind: str, folder: Path) -> Iterator[tuple[Any, Any]]:
    authority = Authority(folder / "authority")
    ports = {A: unused_port(), B: unused_port()}
    with contextlib.ExitStack() as stack:
        made = []
        for ours, theirs in ((A, B), (B, A)):
            certificate = authority.issue(ours, [ours], purposes=(SERVER, CLIENT))
            if kind == "headrace":
                server = site(folder / ours, ours, ports[ours], authority, pair=certificate,
                              routes=route(theirs, ports[theirs]))
            else:
                make = {"prosody": prosody, "ejabberd": ejabberd}[kind]
                server = make(folder / ours, ours, ports[ours], authority, pair=certificate,
                              routes={theirs: ports[theirs]}, debug=False)
            made.append(stack.enter_context(server))
        yield made[0], made[1]


def cpu_seconds(parent: int) -> float:
    """Of all processes below this one, itself left out."""
    total, parents = 0.0, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    found = {parent}
    while more := {pid for pid, (above, _) in parents.items() if above in found} - found:
        found |= more
    for pid in found - {parent}:
        total += parents[pid][1]
    return total / os.sysconf("SC_CLK_TCK")


def flow(sender: Any, receiver: Any, count: int) -> None:
    """count messages, all of which have come."""
    message = f"<message to='{receiver.jid}' type='headline'><body>{BODY}</body></message>".encode()

    def send() -> None:
        for _ in range(count // BATCH):
            sender.socket.sendall(message * BATCH)

    thread = threading.Thread(target=send)
    thread.start()
    left, tail = count, b""
    while left > 0:
        data = tail + receiver.socket.recv(262144)
        left -= data.count(b"</message>")
        tail = data[-9:] if not data.endswith(b"</message>") else b""
    thread.join()


def measure(kind: str, count: int) -> tuple[float, float]:
    """(messages per CPU second of both servers, per second)."""
    with tempfile.TemporaryDirectory() as folder, pair(kind, Path(folder)) as (a, b):
        sender, receiver = a.client("juliet"), b.client("juliet")
        receiver.send("<presence/>")
        receiver.sync()
        flow(sender, receiver, BATCH)   # they wait while the streams are opened: servers bound how many may
        flow(sender, receiver, WARM)
        before, start = cpu_seconds(os.getpid()), time.monotonic()
        flow(sender, receiver, count)
        used, took = cpu_seconds(os.getpid()) - before, time.monotonic() - start
        sender.close()
        receiver.close()
    return count / used, count / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["headrace", "prosody", "ejabberd"])
    parser.add_argument("--messages", type=int, default=40_000)
    options = parser.parse_args()
    for kind in options.kinds:
        per_cpu, per_second = measure(kind, options.messages)
        print(f"{kind:10} {per_cpu:10,.0f} messages per CPU second of both servers, {per_second:10,.0f} per second")


if __name__ == "__main__":
    main()
