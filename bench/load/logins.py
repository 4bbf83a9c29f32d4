"""Logins per server CPU second: SCRAM-SHA-256 up to a bound resource, of Headrace and its peers on this machine.

    python bench/load/logins.py                         # without TLS
    python bench/load/logins.py --tls                   # STARTTLS, a full TLS 1.3 handshake each
    python bench/load/logins.py --servers headrace --mechanism PLAIN

The server has core 0, the clients core 1: --clients at a time, each connection another of --users. What a client
derives from its password it derives once per user; servers store SCRAM verifiers of the same iteration count.
CPU time is user + system of all the server's processes.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from base64 import b64decode, b64encode
from itertools import count
from pathlib import Path

import uvloop
from servers import PASSWORD, SERVERS, running

GENERATOR_CORE = 1
SETTLE_SECONDS = 4      # ejabberd derives its users' keys after it listens
OPEN = (b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
        b"xmlns:stream='http://etherx.jabber.org/streams'>")
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SASL = b"xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
BIND = b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
TICKS = os.sysconf("SC_CLK_TCK")
SALTED: dict[tuple[int, bytes, int], tuple[bytes, bytes]] = {}     # user, salt, count -> client key, stored key


def keys(user: int, salt: bytes, rounds: int) -> tuple[bytes, bytes]:
    known = SALTED.get((user, salt, rounds))
    if known is None:
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, rounds)
        client = hmac.digest(salted, b"Client Key", "sha256")
        known = SALTED[user, salt, rounds] = client, hashlib.sha256(client).digest()
    return known


class Client:
    def __init__(self, user: int, mechanism: str) -> None:
        self.user = user
        self.mechanism = mechanism

    async def run(self, port: int, tls: ssl.SSLContext | None) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            self.writer.write(OPEN)
            await self.reader.readuntil(b"</stream:features>")
            if tls is not None:
                self.writer.write(STARTTLS)
                await self.reader.readuntil(b">")
                await self.writer.start_tls(tls, server_hostname="localhost")
                self.writer.write(OPEN)
                await self.reader.readuntil(b"</stream:features>")
            await (self.plain() if self.mechanism == "PLAIN" else self.scram())
            self.writer.write(OPEN + BIND)
            await self.reader.readuntil(b"</iq>")
        finally:
            self.writer.transport.abort()

    def auth(self, message: bytes) -> None:
        head = b"<auth %b mechanism='%b'>" % (SASL, self.mechanism.encode())
        self.writer.write(head + b64encode(message) + b"</auth>")

    async def plain(self) -> None:
        self.auth(f"\0u{self.user}\0{PASSWORD}".encode())
        await self.reader.readuntil(b"<success")

    async def scram(self) -> None:
        first = b"n=u%d,r=%b" % (self.user, b64encode(os.urandom(9)))
        self.auth(b"n,," + first)
        answer = await self.reader.readuntil(b"</challenge>")
        challenge = b64decode(answer.rpartition(b"</")[0].rpartition(b">")[2])
        parts = dict(part.split(b"=", 1) for part in challenge.split(b","))
        client_key, stored_key = keys(self.user, b64decode(parts[b"s"]), int(parts[b"i"]))
        unproven = b"c=biws,r=" + parts[b"r"]
        signature = hmac.digest(stored_key, b",".join((first, challenge, unproven)), "sha256")
        proof = (int.from_bytes(client_key, "big") ^ int.from_bytes(signature, "big")).to_bytes(32, "big")
        message = b64encode(unproven + b",p=" + b64encode(proof))
        self.writer.write(b"<response %b>" % SASL + message + b"</response>")
        await self.reader.readuntil(b"</success>")


def cpu(pids: list[int]) -> float:
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS


async def load(port: int, pids: list[int], options: argparse.Namespace) -> dict[str, float]:
    numbers, done, ended = count(), 0, False
    tls = ssl.create_default_context() if options.tls else None
    if tls is not None:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE

    async def come_and_go() -> None:
        nonlocal done
        while not ended:
            await Client(next(numbers) % options.users, options.mechanism).run(port, tls)
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(options.clients):
            group.create_task(come_and_go())
        while done < options.users:     # noqa: ASYNC110  each user's keys are derived by then
            await asyncio.sleep(0.1)
        before, used, began = done, cpu(pids), time.monotonic()
        await asyncio.sleep(options.seconds)
        logins, spent = done - before, cpu(pids) - used
        result = {"logins": logins, "server_cpu": spent, "seconds": time.monotonic() - began,
                  "logins_per_cpu_second": logins / spent}
        ended = True
    return result


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    with running(name, folder, options.users) as (port, pids):
        time.sleep(SETTLE_SECONDS)
        return uvloop.run(load(port, pids, options))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(SERVERS), help="any of them, with commas between")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20, help="connections at a time")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--mechanism", default="SCRAM-SHA-256", choices=["SCRAM-SHA-256", "PLAIN"])
    parser.add_argument("--tls", action="store_true", help="STARTTLS before login")
    parser.add_argument("--runs", type=int, default=1, help="the median counts")
    options = parser.parse_args()
    os.sched_setaffinity(0, {GENERATOR_CORE})
    figures: dict[str, list[float]] = {name: [] for name in options.servers.split(",")}
    with tempfile.TemporaryDirectory(prefix="headrace-logins-") as folder:
        for run in range(options.runs):
            for name, values in figures.items():
                result = measure(name, Path(folder) / f"{name}-{run}", options)
                values.append(result["logins_per_cpu_second"])
                print(name, json.dumps(result), file=sys.stderr)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, value in medians.items():
        ratio = f"{medians['headrace'] / value:8.2f}x" if "headrace" in medians else ""
        print(f"{name:12}{value:10,.0f} logins per CPU second{ratio}")


if __name__ == "__main__":
    main()
