"""Servers whose certificates are in secure DNS (RFC 7673): whom we reach, whatever authorities say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from support.federated import DAY, NOW, Authority, Site, host, site
from support.nameserver import NameServer
from support.ports import unused_port
from support.rawclient import bodies
from support.stranger import Stranger, offers_external, refusal

OURS, GOOD, STRANGE, OLD, PLACE = "a.example", "good.example", "strange.example", "old.example", "b.example"


def pin(file: Path) -> str:
    """The record of this very certificate."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return f"3 0 1 {certificate.fingerprint(hashes.SHA256()).hex()}"


@dataclass
class Places:
    """Ours, which believes its resolver, and a server of three domains: one has a certificate of our authority's, one
    of another's, one an old one for another name."""

    ours: Site
    theirs: Site
    names: NameServer
    pins: dict[str, str]
    port: int
    pairs: dict[str, tuple[Path, Path]]
    authority: Authority    # that ours believes

    def publish(self, *records: str, secure: bool = True) -> None:
        self.names.secure = secure
        self.names.table = {
            **{(f"_xmpp-server._tcp.{name}", "SRV"): [f"0 0 {self.port} {PLACE}."] for name in (GOOD, STRANGE, OLD)},
            (f"_xmpp-server._tcp.{OURS}", "SRV"): [f"0 0 {self.ours.port} {PLACE}."],
            (PLACE, "A"): ["127.0.0.1"], (f"_{self.port}._tcp.{PLACE}", "TLSA"): list(records)}

    def reach(self, domain: str) -> tuple[bool, str]:
        """Whether, and what is said of the certificate."""
        done = self.ours.server.command("s2s", "test", domain, "--from", OURS)
        told = [line for line in done.stdout.splitlines() if line.startswith("certificate: ")]
        return done.returncode == 0, told[0].partition(": ")[2] if told else done.stdout


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs")
    port = unused_port()
    pairs = {GOOD: ours.issue(GOOD, [GOOD]), STRANGE: theirs.issue(STRANGE, [STRANGE]),
             OLD: theirs.issue(OLD, ["other.example"], ends=NOW - DAY)}
    hosts = "".join(host(name, pairs[name]) for name in (STRANGE, OLD))
    with NameServer({}) as names:
        resolver = f'resolver = ["127.0.0.1:{names.port}"]\n'
        with (site(folder / "a", OURS, unused_port(), ours, s2s=f"{resolver}dane = true") as here,
              site(folder / "b", GOOD, port, ours, pair=pairs[GOOD], s2s=resolver, routes=hosts,
                   users=("juliet", f"juliet@{STRANGE}", f"juliet@{OLD}")) as there):
            yield Places(here, there, names, {name: pin(pair[0]) for name, pair in pairs.items()}, port, pairs,
                         ours)


def test_what_is_pinned_is_believed(places: Places) -> None:
    """No authority knows the one, nothing in the other is right; they are the certificates that DNS names."""
    for domain in (STRANGE, OLD):
        places.publish("3 1 1 " + "ab" * 32, places.pins[domain])
        assert places.reach(domain) == (True, "good")


def test_what_is_not_pinned_is_refused_though_authorities_know_it(places: Places) -> None:
    places.publish()
    assert places.reach(GOOD) == (True, "good")
    places.publish(places.pins[STRANGE])
    assert places.reach(GOOD) == (False, "no matching DANE TLSA records")


def test_dns_that_is_not_secure_proves_nothing(places: Places) -> None:
    places.publish(places.pins[STRANGE], secure=False)
    reached, why = places.reach(STRANGE)
    assert not reached
    assert "certificate" in why


def test_stanzas_to_a_pinned_domain(places: Places) -> None:
    places.publish(places.pins[STRANGE])
    romeo, juliet = places.ours.client("romeo"), places.theirs.client("juliet", domain=STRANGE)
    juliet.send("<presence/>")
    juliet.sync()
    romeo.send(f"<message to='juliet@{STRANGE}/r' type='chat'><body>pinned</body></message>")
    assert bodies([juliet.next()]) == ["pinned"]


def test_who_calls_us_is_looked_up(places: Places) -> None:
    """Its certificate is an old one for another name; it is let in if DNS names it."""
    server = places.ours.server
    places.publish(places.pins[STRANGE])
    assert places.theirs.server.command("s2s", "test", OURS, "--from", OLD).returncode == 1
    [refused] = (entry for entry in server.log if entry["event"] == "s2s domain refused" and entry["domain"] == OLD)
    assert refused["text"] == "certificate has expired"
    places.publish(places.pins[STRANGE], places.pins[OLD])
    romeo, juliet = places.ours.client("romeo"), places.theirs.client("juliet", domain=OLD)
    romeo.send("<presence/>")
    romeo.sync()
    juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>called</body></message>")
    assert bodies([romeo.next()]) == ["called"]
    [proven] = (entry for entry in server.log if entry["event"] == "s2s domain proven" and entry["domain"] == OLD)
    assert proven["how"] == "certificate (SASL EXTERNAL, DANE)"


def test_domains_of_who_calls_us(places: Places) -> None:
    """One is offered its login, others are proven by dialback, which calls nobody back."""
    places.publish(places.pins[STRANGE])
    there = Stranger(places.ours, STRANGE, places.authority, places.pairs[STRANGE])
    assert offers_external(there.secured())
    assert there.claim(OLD, OURS).get("type") == "valid"    # which has its server in the same place
    assert refusal(there.claim("elsewhere.example", OURS)) == "not-authorized"
    there.close()
    places.publish(places.pins[STRANGE], secure=False)
    there = Stranger(places.ours, STRANGE, places.authority, places.pairs[STRANGE])
    assert not offers_external(there.secured())
    assert refusal(there.claim(STRANGE, OURS)) == "not-authorized"
    there.close()
