"""Servers whose certificates their web servers vouch for (RFC 7711), in both directions."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from headrace.net.posh import PLACE
from support.federated import Authority, Site, host, route, site
from support.ports import unused_port
from support.rawclient import bodies
from support.webserver import WebServer, document

OURS, NAMED, UNNAMED = "a.example", "b.example", "c.example"


@dataclass
class Places:
    ours: Site
    theirs: Site    # of both other domains, whose certificate no authority of ours knows
    web: WebServer

    def reach(self, domain: str) -> tuple[bool, list[str]]:
        done = self.ours.server.command("s2s", "test", domain, "--from", OURS)
        return done.returncode == 0, done.stdout.splitlines()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs")
    here, there = unused_port(), unused_port()
    pair = theirs.issue("theirs", [NAMED, UNNAMED])
    digest = x509.load_pem_x509_certificate(pair[0].read_bytes()).fingerprint(hashes.SHA256())
    listed = {"fingerprints": [{"sha-256": base64.b64encode(digest).decode()}], "expires": 600}
    with WebServer(ours.issue("web", [NAMED, UNNAMED]), {(NAMED, PLACE): document(listed)}) as web:
        routes = "".join(f'{route(domain, there)}posh = "127.0.0.1:{web.place[1]}"\n' for domain in (NAMED, UNNAMED))
        with (site(folder / "a", OURS, here, ours, s2s="posh = true", routes=routes) as a,
              site(folder / "b", NAMED, there, ours, pair=pair, routes=route(OURS, here) + host(UNNAMED, pair)) as b):
            yield Places(a, b, web)


def test_who_calls_us_is_looked_up(places: Places) -> None:
    romeo, juliet = places.ours.client("romeo"), places.theirs.client("juliet")
    romeo.send("<presence/>")
    romeo.sync()
    juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>named</body></message>")
    assert bodies([romeo.next()]) == ["named"]
    proven, = (entry for entry in places.ours.server.log if entry["event"] == "s2s domain proven")
    assert (proven["domain"], proven["how"]) == (NAMED, "certificate (POSH)")


def test_whom_we_call_is_looked_up(places: Places) -> None:
    reached, steps = places.reach(NAMED)
    assert reached
    assert steps[-4:-2] == ["POSH: it is its certificate", "certificate: good"]
    assert (NAMED, PLACE) in places.web.asked


def test_who_is_not_named_is_refused(places: Places) -> None:
    reached, steps = places.reach(UNNAMED)
    assert not reached
    assert "POSH: nothing about its certificate" in steps
    assert steps[-1].startswith("not reached: its certificate: ")
    assert (UNNAMED, PLACE) in places.web.asked
