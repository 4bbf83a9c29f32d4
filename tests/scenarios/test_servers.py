"""Who other servers say that they are: what we believe, and what becomes of the rest (protocol.md 14)."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.federated import CLIENT, DAY, NOW, SERVER, Authority, Site, route, site
from support.ports import unused_port
from support.rawclient import SASL, STREAM_ERRORS, Client, bodies, condition
from support.stranger import DIALBACK, Stranger, offers_external, refusal

OURS, THEIRS = "a.example", "b.example"


class Places:
    """A server of ours, an authority that it trusts, and another."""

    def __init__(self, folder: Path) -> None:
        self.good = Authority(folder / "good")
        self.other = Authority(folder / "other")
        self.site: Site

    def stranger(self, domain: str = THEIRS, pair: tuple[Path, Path] | None = None) -> Stranger:
        return Stranger(self.site, domain, self.good, pair or self.good.issue(domain, [domain]))

    def events(self, name: str) -> list[dict[str, object]]:
        return [entry for entry in self.site.server.log if entry["event"] == name]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    made = Places(tmp_path_factory.mktemp("places"))
    with site(made.good.folder / "site", OURS, unused_port(), made.good, s2s='deny = ["denied.example"]') as made.site:
        yield made
        assert not made.site.server.complaints


@pytest.fixture
def juliet(places: Places) -> Iterator[Client]:
    client = places.site.client("juliet")
    client.send("<presence/>")
    client.sync()
    yield client
    client.close()


def test_a_certificate_for_server_authentication_is_enough(places: Places, juliet: Client) -> None:
    there = places.stranger(pair=places.good.issue(THEIRS, [THEIRS], purposes=(SERVER,))).logged_in()
    there.send(f"<message from='romeo@{THEIRS}/r' to='juliet@{OURS}/r'><body>good</body></message>")
    assert bodies([juliet.next()]) == ["good"]
    there.close()


@pytest.mark.parametrize(("case", "why"), [
    ("purpose", "unsuitable certificate purpose"), ("expired", "certificate has expired"),
    ("authority", "certificate"), ("name", "the certificate is for other names"), ("none", "no certificate")])
def test_certificates_that_prove_nothing(places: Places, case: str, why: str) -> None:
    pair = {
        "purpose": lambda: places.good.issue("bad", [THEIRS], purposes=(CLIENT,)),
        "expired": lambda: places.good.issue("bad", [THEIRS], ends=NOW - DAY),
        "authority": lambda: places.other.issue("bad", [THEIRS]),
        "name": lambda: places.good.issue("bad", ["c.example"]),
        "none": lambda: None,
    }[case]()
    there = Stranger(places.site, THEIRS, places.good, pair)
    features = there.secured()
    assert not offers_external(features)
    assert features.find("{urn:xmpp:features:dialback}dialback") is not None
    before = len(places.events("s2s login failed")), len(places.events("s2s domain refused"))
    failure = there.external()
    assert (failure.tag, failure[0].tag) == (SASL + "failure", SASL + "not-authorized")
    assert refusal(there.claim(THEIRS, OURS)) == "not-authorized"
    there.send(f"<message from='romeo@{THEIRS}' to='juliet@{OURS}'><body>bad</body></message>")
    assert there.stream_error() == "not-authorized"
    login, claim = places.events("s2s login failed")[before[0]:], places.events("s2s domain refused")[before[1]:]
    assert [why in str(entry["text"]) for entry in (*login, *claim)] == [True, True]


@pytest.mark.parametrize(("stanza", "error"), [
    (f"<message from='romeo@c.example' to='juliet@{OURS}'/>", "invalid-from"),
    (f"<message from='romeo@{OURS}' to='juliet@{OURS}'/>", "invalid-from"),
    (f"<message from='romeo@{THEIRS}' to='juliet@c.example'/>", "host-unknown"),
    (f"<message to='juliet@{OURS}'/>", "improper-addressing"),
    ("<what xmlns='urn:what'/>", "unsupported-stanza-type"),
    ("<message><</message>", "not-well-formed"),
])
def test_what_must_not_come(places: Places, juliet: Client, stanza: str, error: str) -> None:
    there = places.stranger().logged_in()
    before = len(places.events("s2s stream error"))
    there.send(stanza)
    assert there.stream_error() == error
    assert len(places.events("s2s stream error")) == before + 1
    assert juliet.sync() == []


@pytest.mark.parametrize(("addresses", "error"), [
    ({"to": "c.example"}, "host-unknown"), ({"to": ""}, "improper-addressing"), ({"from_": OURS}, "invalid-from"),
    ({"from_": f"romeo@{THEIRS}"}, "invalid-from"), ({"from_": "denied.example"}, "policy-violation")])
def test_headers(places: Places, addresses: dict[str, str], error: str) -> None:
    there = places.stranger()
    assert there.hello(**addresses).find(STREAM_ERRORS + error) is not None
    assert there.ended().endswith(b"</stream:stream>")


def test_nothing_before_tls(places: Places) -> None:
    for step in ("<db:result from='b.example' to='a.example'>key</db:result>",
                 f"<auth xmlns='{SASL[1:-1]}' mechanism='EXTERNAL'>=</auth>"):
        there = places.stranger()
        features = there.hello()
        assert [child.tag.rpartition("}")[2] for child in features] == ["starttls"]
        there.send(step)
        assert there.stream_error() == "policy-violation"


def test_another_name_in_external(places: Places) -> None:
    there = places.stranger(pair=places.good.issue("both", [THEIRS, "c.example"]))
    there.secured()
    assert there.external("c.example")[0].tag == SASL + "invalid-authzid"
    there.send(f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>=</auth>")
    assert there.next()[0].tag == SASL + "invalid-mechanism"
    assert there.external(THEIRS).tag == SASL + "success"
    assert there.hello(from_="c.example").find(STREAM_ERRORS + "invalid-from") is not None


def test_without_a_name_in_the_header(places: Places) -> None:
    there = places.stranger()
    there.hello()
    there.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    there.next()
    there.secure(there.context)
    assert offers_external(there.hello(from_=""))
    assert there.external()[0].tag == SASL + "invalid-authzid"
    assert there.external(THEIRS).tag == SASL + "success"
    there.close()


def test_further_domains_on_one_stream(places: Places, juliet: Client) -> None:
    """XEP-0344: by the certificate, without a call back; and only these."""
    there = places.stranger(pair=places.good.issue("both", [THEIRS, "c.example"])).logged_in()
    answer = there.claim("c.example", OURS)
    assert (answer.tag, answer.get("type"), answer.get("from"), answer.get("to")) == (
        DIALBACK + "result", "valid", OURS, "c.example")
    assert refusal(there.claim("d.example", OURS)) == "not-authorized"
    assert refusal(there.claim(THEIRS, "d.example")) == "item-not-found"
    assert refusal(there.claim(OURS, OURS)) == "not-allowed"
    assert refusal(there.claim("denied.example", OURS)) == "policy-violation"
    for domain in (THEIRS, "c.example"):
        there.send(f"<message from='romeo@{domain}' to='juliet@{OURS}/r'><body>{domain}</body></message>")
    assert bodies([juliet.next(), juliet.next()]) == [THEIRS, "c.example"]
    there.send(f"<message from='romeo@d.example' to='juliet@{OURS}/r'/>")
    assert there.stream_error() == "invalid-from"


def test_keys_that_are_not_ours(places: Places) -> None:
    there = places.stranger()
    there.secured()
    answer = there.asks(THEIRS, OURS, "stream", "key")
    assert (answer.tag, answer.get("type"), answer.get("id")) == (DIALBACK + "verify", "invalid", "stream")
    assert refusal(there.asks(THEIRS, "c.example", "stream", "key")) == "item-not-found"
    there.close()


def test_both_ways_on_one_stream(places: Places, juliet: Client) -> None:
    """XEP-0288: there is no way to b.example but the stream that it has opened."""
    there = places.stranger()
    assert there.secured().find("{urn:xmpp:features:bidi}bidi") is not None
    there.send("<bidi xmlns='urn:xmpp:bidi'/>")
    assert there.external().tag == SASL + "success"
    there.hello()
    juliet.send(f"<message to='romeo@{THEIRS}/r' id='1'><body>there</body></message>")
    message = there.next()
    assert (message.tag, message.get("from"), message.get("id")) == ("{jabber:server}message", f"juliet@{OURS}/r", "1")
    there.send(f"<message from='romeo@{THEIRS}/r' to='juliet@{OURS}/r'><body>back</body></message>")
    assert bodies([juliet.next()]) == ["back"]
    there.send("</stream:stream>")
    assert there.ended() == b"</stream:stream>"


def test_a_domain_that_is_not_there(places: Places, juliet: Client) -> None:
    answer = juliet.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to="denied.example")
    assert condition(answer) == "not-allowed"


def test_dialback_where_it_is_allowed(tmp_path: Path) -> None:
    """Two servers that do not trust each other's authorities."""
    with unrelated(tmp_path) as (a, b):
        romeo, juliet = a.client("romeo"), b.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        romeo.send(f"<message to='juliet@{THEIRS}/r'><body>by name</body></message>")
        assert bodies([juliet.next()]) == ["by name"]
        proven = [e for e in b.server.log if e["event"] == "s2s domain proven"]
        assert [(e["domain"], e["how"]) for e in proven] == [(OURS, "dialback")]


def test_a_wrong_dialback_key(tmp_path: Path) -> None:
    with unrelated(tmp_path) as (_, b):
        stranger = Stranger(b, OURS, Authority(tmp_path / "x"))
        stranger.context.check_hostname = False
        stranger.context.verify_mode = 0
        stranger.secured()
        answer = stranger.claim(OURS, THEIRS, "guess")
        assert (answer.tag, answer.get("type")) == (DIALBACK + "result", "invalid")
        assert stranger.ended() == b"</stream:stream>"
        assert len([e for e in b.server.log if e["event"] == "s2s dialback key is wrong"]) == 1


@contextlib.contextmanager
def unrelated(folder: Path) -> Iterator[tuple[Site, ...]]:
    """Two sites, each with an authority of its own."""
    ports = {OURS: unused_port(), THEIRS: unused_port()}
    with contextlib.ExitStack() as stack:
        yield tuple(stack.enter_context(site(
            folder / domain, domain, ports[domain], Authority(folder / f"of-{domain}"), s2s='dialback = ["*"]',
            routes=route(other, ports[other]))) for domain, other in ((OURS, THEIRS), (THEIRS, OURS)))
