"""Figures that others have published about the peers, once more on this machine, and ours beside them.

    python bench/compare/published.py                       # some five minutes
    python bench/compare/published.py --claims "room of 50" # those whose name begins so

What needs more than two cores, other hardware or millions of users is left out. `of a core` is CPU time of the server's
processes for each second; `all have it` is the time from when a message was due until the last one in the room has it.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import Test, measure

from compare import peers


@dataclass(frozen=True)
class Claim:
    test: Test
    of: str         # the server that it was said of
    said: str
    source: str


def room(name: str, users: int, senders: int, rate: float) -> Test:
    return Test(name, "muc", users, ("--senders", senders, "--rate", rate), ("muc",))


LIVECHAT = "PeerTube livechat, performance tests of 2024, Prosody 0.12"
CLAIMS = (
    Claim(room("room of 50, each once a second", 50, 50, 50), "prosody", "2,500 deliveries/s, about 60 % of a core",
          LIVECHAT),
    Claim(room("room of 100, 20 messages a second", 100, 20, 20), "prosody", "2,000 deliveries/s, up to 60 % of a core",
          LIVECHAT),
    Claim(room("room of 350, one message a second", 350, 1, 1), "ejabberd", "300-500 ms", "ejabberd issue 1964"),
    Claim(room("room of 400, one message a second", 400, 1, 1), "ejabberd", "600-800 ms", "ejabberd issue 1964"),
    Claim(Test("1,000 idle connections", "idle", 1000), "ejabberd", "at most 84 KiB each (roster of 18, MySQL)",
          "ProcessOne, 2016, ejabberd 16.01"),
    Claim(Test("1,000 idle connections, TLS", "idle", 1000, ("--tls", "starttls")), "ejabberd",
          "some 50 KB of TLS each", "ejabberd issue 2062"),
)


def told(result: dict[str, Any]) -> str:
    figure = result["figure"]
    if figure.get("missing"):
        return str(figure["missing"])
    if figure["name"] == "bytes per connection":
        return f"{figure['value'] / 1024:,.1f} KiB each"
    busy = result["server"]["cpu_seconds"] / result["seconds"]
    latency = result["latency_ms"]
    return (f"{result['rate']:,.0f} deliveries/s, {busy:.0%} of a core, all have it within {latency['p50']:.1f} ms"
            f" (99 %: {latency['p99']:.1f} ms)")


def lines(claim: Claim, seconds: float) -> Iterator[str]:
    yield f"\n{claim.test.name}\n  published of {claim.of}: {claim.said} ({claim.source})"
    for name in peers.SERVERS:
        with tempfile.TemporaryDirectory(prefix="headrace-published-") as folder:
            result = measure(claim.test, name, Path(folder) / name, seconds, ())
        yield f"  {result['label']}: {told(result)}" + "".join(f"\n    {why}" for why in result["verdict"]["reasons"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", default="", help="the beginning of a name; all of them: "
                        + "; ".join(claim.test.name for claim in CLAIMS))
    parser.add_argument("--seconds", type=float, default=10, help="measured in each run; warm-up is a third of it")
    options = parser.parse_args()
    for claim in CLAIMS:
        if claim.test.name.startswith(options.claims):
            for line in lines(claim, options.seconds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
