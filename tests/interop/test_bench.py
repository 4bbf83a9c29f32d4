"""`headrace bench` against real servers: Headrace, and Debian's Prosody and ejabberd, every scenario for a moment.

What a server does not offer has to be told in words; what it offers has to work.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from compare import peers
from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.execute import execute
from headrace.bench.live import Silent
from headrace.bench.options import Options
from headrace.bench.scenarios import scenarios
from support.server import environment

USERS = 8
SCENARIOS = {scenario.name: scenario for scenario in scenarios()}
LACKING = {"headrace": {"muc"}, "prosody": {"sasl2"}, "ejabberd": {"sasl2"}}    # scenarios and options

RUNS: list[tuple[str, dict[str, Any]]] = [
    ("chat", {}),
    ("chat", {"tls": "starttls", "bare": True, "rate": 100.0}),
    ("chat", {"tls": "direct", "mechanism": "SCRAM-SHA-256"}),
    ("chat", {"sm": True, "csi": True}),
    ("chat", {"carbons": True, "devices": 2, "users": 4}),
    ("chat", {"archive": True, "sm": True}),
    ("ping", {"mechanism": "PLAIN"}),
    ("presence", {"senders": 2}),
    ("muc", {"senders": 2}),
    ("mam", {"page": 5, "users": 4}),
    ("idle", {"users": 4}),
    ("login", {}),
    ("login", {"rate": 20.0, "mechanism": "PLAIN", "users": 2}),
    ("login", {"sasl2": True, "fast": True, "tls": "starttls", "users": 2}),
    ("reconnect", {"users": 4}),
    ("day", {"speed": 1000.0, "archive": True, "sm": True}),
    ("day", {"speed": 100.0, "profile": "amoc"}),
]
# Accounts of each run, and of the command's: idle has 20 before those that it measures, a day its visitors.
SHARES = [{"idle": 24, "day": USERS + 1}.get(name, USERS) for name, _ in RUNS] + [USERS]


@pytest.fixture(scope="module", params=["headrace", "prosody", "ejabberd"])
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A server with all features that it has; the users of each run are others."""
    folder = tmp_path_factory.mktemp("bench") / request.param
    with peers.running(request.param, folder, sum(SHARES), peers.FEATURES, core=None) as server:
        yield request.param, server


def users(folder: Path, number: int) -> Path:
    """Those of one run."""
    file = folder / f"users{number}.csv"
    first = sum(SHARES[:number])
    file.write_text("".join(f"u{i}@localhost,{peers.PASSWORD}\n" for i in range(first, first + SHARES[number])))
    return file


def options(server: peers.Running, **more: Any) -> Options:
    values = Options(port=server.port, pid=server.pid, users=USERS, warm_up=0.1, duration=0.3, window=2)
    return replace(values, **{**({"port": server.direct} if more.get("tls") == "direct" else {}), **more})


def attempt(server: peers.Running, name: str, **more: Any) -> tuple[dict[str, Any] | None, str]:
    """The result; or None, and what the server does not offer."""
    try:
        return execute(SCENARIOS[name], options(server, **more), Silent())[0], ""
    except NotOffered as error:
        return None, str(error)


@pytest.mark.parametrize("number", range(len(RUNS)), ids=[f"{name}-{'-'.join(more)}" for name, more in RUNS])
def test_a_run(peer: tuple[str, Any], tmp_path: Path, number: int) -> None:
    software, server = peer
    name, more = RUNS[number]
    result, lacking = attempt(server, name, csv=users(tmp_path, number), **more)
    if {name, *more} & LACKING[software]:
        assert result is None
        assert lacking.startswith("the server does not offer ")
        return
    assert result is not None, lacking
    assert result["done"] > 0
    checked = result["checked"]
    assert [key for key, value in checked.items() if value] == [
        key for key in ("sent", "right", "acknowledgements", "of_earlier_runs") if checked[key]]
    if name not in ("idle", "login"):
        assert checked["sent"] > 0
        assert checked["right"] >= result["done"] > 0
    if more.get("sm"):
        assert checked["acknowledgements"] > 0
    if name != "idle":
        assert result["latency_ms"]["count"] > 0
    assert software in result["server"]["software"].lower()
    assert result["server"]["cpu_seconds"] is not None


# ejabberd's wrong passwords end in a ban.
@pytest.mark.parametrize("peer", ["headrace", "prosody"], indirect=True)
@pytest.mark.parametrize(("more", "words"), [
    ({"password": "wrong"}, "u0@localhost: the server refuses the login: not-authorized"),
    ({"domain": "elsewhere.example"}, "is --domain right"),
    ({"port": 1}, "127.0.0.1 port 1: Connection refused"),
    ({"host": "no.such.host.invalid"}, "no.such.host.invalid: "),
    ({"pid": 2**22 + 1}, "has ended"),
    ({"users": 3}, "an even number"),
])
def test_errors_are_told_in_words(peer: tuple[str, Any], more: dict[str, Any], words: str) -> None:
    _, server = peer
    with pytest.raises(BenchError) as caught:
        execute(SCENARIOS["chat"], options(server, **more), Silent())
    assert words in str(caught.value)


def test_users_can_be_registered(peer: tuple[str, Any]) -> None:
    _, server = peer
    for _ in range(2):      # the second time they are there already
        result, lacking = attempt(server, "chat", register=True, user="new{}", users=2, tls="starttls")
        assert result is not None, lacking
        assert result["done"] > 0


def command(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "headrace.server", "bench", *map(str, arguments)],
                          capture_output=True, env=environment(), timeout=60, check=False)


def test_the_command(peer: tuple[str, Any], tmp_path: Path) -> None:
    """From users in a file to a page."""
    _, server = peer
    done = command("chat", "--port", server.port, "--csv", users(tmp_path, len(RUNS)), "--users", 4, "--duration", 0.3,
                   "--warm-up", 0.1, "--json", tmp_path / "a.json", "--label", "<it>")
    assert done.returncode in (0, 11), done.stderr      # 11: other tests have the CPU
    assert b"messages a second" in done.stdout
    result = orjson.loads((tmp_path / "a.json").read_bytes())
    assert result["verdict"]["code"] == done.returncode
    assert peers.PASSWORD not in str(result["options"])
    done = command("report", tmp_path / "a.json", "--html", tmp_path / "a.html")
    assert done.returncode == 0, done.stderr
    assert "&lt;it&gt;" in (tmp_path / "a.html").read_text()


def test_the_command_fails_in_words(tmp_path: Path) -> None:
    done = command("chat", "--port", 1, "--json", tmp_path / "a.json")
    assert (done.returncode, done.stderr) == (1, b"headrace bench: 127.0.0.1 port 1: Connection refused\n")
    assert not (tmp_path / "a.json").exists()
