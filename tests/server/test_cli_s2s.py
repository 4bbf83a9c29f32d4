"""`headrace s2s`: what there is, and why a domain is not reached."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.federated import Authority, Site, host, route, site
from support.nameserver import BROKEN, NameServer
from support.ports import unused_port
from support.rawclient import bodies
from support.server import headrace


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    folder = tmp_path_factory.mktemp("sites")
    authority, other = Authority(folder / "authority"), Authority(folder / "other")
    a, b, strange = unused_port(), unused_port(), unused_port()
    places = route("b.example", b) + route("strange.example", strange) + route("closed.example", unused_port())
    places += route("doubting.example", strange) + route("plain.example", b, "direct")
    pair = authority.issue("doubting.example", ["doubting.example"])
    doubting = host("doubting.example", pair)
    table = {("_xmpp-server._tcp.nowhere.example", "SRV"): [BROKEN]}
    with (NameServer(table) as names,
          site(folder / "a", "a.example", a, authority, s2s=f"resolver = ['127.0.0.1:{names.port}']",
               routes=places) as here,
          site(folder / "b", "b.example", b, authority, routes=route("a.example", a)) as there,
          site(folder / "c", "strange.example", strange, other, routes=doubting)):
        yield here, there


def test_list(sites: tuple[Site, Site]) -> None:
    a, b = sites
    assert a.server.command("s2s", "list").stdout == ""
    romeo, juliet = a.client("romeo"), b.client("juliet")
    juliet.send("<presence/>")
    juliet.sync()
    romeo.send("<message to='juliet@b.example/r'><body>hi</body></message>")
    assert bodies([juliet.next()]) == ["hi"]
    line, = a.server.command("s2s", "list").stdout.splitlines()
    assert line.startswith("a.example <-> b.example  127.0.0.1  TLSv1.3  certificate (SASL EXTERNAL)  queue 0 B")
    there = json.loads(b.server.command("s2s", "list", "--json").stdout)
    assert there == {"direction": "both", "ours": "b.example", "theirs": "a.example", "address": "127.0.0.1",
                     "tls": "TLSv1.3", "how": "certificate (SASL EXTERNAL)", "queue": 0}


def test_reached(sites: tuple[Site, Site]) -> None:
    done = sites[0].server.command("s2s", "test", "b.example", "--from", "a.example")
    assert done.returncode == 0
    steps = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert steps == ["DNS", "TCP", "TLS", "certificate", "login", "reached"], done.stdout


@pytest.mark.parametrize(("domain", "last", "why"), [
    ("closed.example", "TCP", "Connection refused"),
    ("strange.example", "certificate", "certificate"),
    ("nowhere.example", "DNS", "DNS does not answer"),
    ("plain.example", "TCP", "wrong version number"),       # it speaks no TLS there
    ("doubting.example", "login", "it does not believe that we are a.example: not-authorized"),
])
def test_not_reached(sites: tuple[Site, Site], domain: str, last: str, why: str) -> None:
    done = sites[0].server.command("s2s", "test", domain, "--from", "a.example")
    assert done.returncode == 1
    *steps, end = done.stdout.splitlines()
    assert end.startswith("not reached: ")
    assert why in end
    assert any(step.startswith(f"{last}: ") for step in steps)


@pytest.mark.parametrize(("arguments", "complaint"), [
    (("romeo@b.example",), "is not a domain"), (("@",), "is not a domain"), (("b.example/x",), "is not a domain"),
    (("b.example", "--from", "x"), "not a host")])
def test_mistakes(sites: tuple[Site, Site], arguments: tuple[str, ...], complaint: str) -> None:
    done = sites[0].server.command("s2s", "test", *arguments)
    assert done.returncode == 1
    assert complaint in done.stderr


def test_no_server(tmp_path: Path, sites: tuple[Site, Site]) -> None:
    (tmp_path / "headrace.toml").write_text((sites[0].server.folder / "headrace.toml").read_text())
    done = headrace("s2s", "list", "--config", str(tmp_path / "headrace.toml"))
    assert (done.returncode, "no server runs" in done.stderr) == (1, True)
