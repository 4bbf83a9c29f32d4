"""Several pairs of domains on one stream between servers (XEP-0220 2.6): each is proven by itself."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.federated import Authority, Site, host, route, site
from support.ports import unused_port
from support.rawclient import bodies, condition
from support.relay import relay

OURS, ROOMS, THEIRS, HALL = "a.example", "rooms.a.example", "b.example", "hall.b.example"
CERTIFICATE = "certificate (SASL EXTERNAL)"


@contextlib.contextmanager
def sites(folder: Path, *, trusted: bool = True, denied: str = "d.example") -> Iterator[tuple[Site, Site]]:
    """One with two hosts and one certificate, and another that does not talk to `denied`; each with an authority of its
    own if they are not to trust each other's."""
    good, other = Authority(folder / "good"), Authority(folder / "other")
    ours, theirs = unused_port(), unused_port()
    pair = good.issue("shared", [OURS, ROOMS])
    s2s = "" if trusted else 'dialback = ["*"]\n'
    with (site(folder / "a", OURS, ours, good, pair=pair, s2s=s2s, routes=route(THEIRS, theirs) + host(ROOMS, pair),
               users=("romeo", f"romeo@{ROOMS}")) as a,
          site(folder / "b", THEIRS, theirs, good if trusted else other, s2s=f'{s2s}deny = ["{denied}"]',
               routes=route(OURS, ours) + route(ROOMS, ours)) as b):
        yield a, b


def talk(a: Site, b: Site) -> None:
    """Each host of one site speaks with a user of the other, and is answered."""
    juliet = b.client("juliet")
    juliet.send("<presence/>")
    juliet.sync()
    for domain, client in ((OURS, a.client("romeo")), (ROOMS, a.client("romeo", domain=ROOMS))):
        client.send("<presence/>")
        client.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>from {domain}</body></message>")
        message = juliet.next()
        assert (bodies([message]), message.get("from")) == ([f"from {domain}"], f"romeo@{domain}/r")
        juliet.send(f"<message to='romeo@{domain}/r' type='chat'><body>to {domain}</body></message>")
        assert bodies([client.until(lambda e: e.tag.endswith("message"))[-1]]) == [f"to {domain}"]
        client.close()
    juliet.close()


def proven(place: Site) -> list[tuple[object, object]]:
    return [(e["domain"], e["how"]) for e in place.server.log if e["event"] == "s2s domain proven"]


def opened(place: Site) -> list[tuple[object, bool]]:
    """Streams: for which domain of its own, and whether it was there for another."""
    return [(e["ours"], e["event"] == "s2s stream shared") for e in place.server.log
            if e["event"] in ("s2s stream opened", "s2s stream shared")]


def test_by_a_certificate_with_both_names(tmp_path: Path) -> None:
    with sites(tmp_path) as (a, b):
        talk(a, b)
        assert opened(a) == [(OURS, False), (ROOMS, True)]
        assert proven(b) == [(OURS, CERTIFICATE), (ROOMS, "certificate (dialback)")]
        assert opened(b) == proven(a) == []     # what b answered came back on the same stream (XEP-0288)
        listed = [json.loads(line) for line in a.server.command("s2s", "list", "--json").stdout.splitlines()]
        assert [(each["ours"], each["theirs"], each["direction"], each["how"]) for each in listed] == [
            (OURS, THEIRS, "both", CERTIFICATE), (ROOMS, THEIRS, "both", "dialback")]


def test_by_calling_back_for_each(tmp_path: Path) -> None:
    with sites(tmp_path, trusted=False) as (a, b):
        talk(a, b)
        assert opened(a) == [(OURS, False), (ROOMS, True)]
        assert proven(b) == [(OURS, "dialback"), (ROOMS, "dialback")]


def test_who_is_refused_ends_no_stream_of_others(tmp_path: Path) -> None:
    with sites(tmp_path, denied=ROOMS) as (a, b):
        romeo, visiting, juliet = a.client("romeo"), a.client("romeo", domain=ROOMS), b.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>1</body></message>")
        assert bodies([juliet.next()]) == ["1"]
        refused = visiting.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=THEIRS)
        assert condition(refused) == "remote-server-timeout"
        romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>2</body></message>")
        assert bodies([juliet.next()]) == ["2"]
        assert opened(a) == [(OURS, False)]
        assert [e["why"] for e in a.server.log if e["event"] == "s2s stream not shared"] == ["policy-violation"]


@contextlib.contextmanager
def hosting(folder: Path, *, names: Sequence[str] = (THEIRS, HALL), hosted: bool = True, trusted: bool = True,
            apart: bool = False) -> Iterator[tuple[Site, Site]]:
    """Ours, and a server of two domains. names: for which its first one's certificate is. hosted: it knows of the
    second. apart: the second seems to have its server elsewhere."""
    good, other = Authority(folder / "good"), Authority(folder / "other")
    ours, theirs = unused_port(), unused_port()
    issuer, s2s = (good, "") if trusted else (other, 'dialback = ["*"]')
    first = issuer.issue("first", names)
    second = first if HALL in names else issuer.issue("second", [HALL])
    with (relay(theirs) as line,
          site(folder / "a", OURS, ours, good, s2s=s2s,
               routes=route(THEIRS, theirs) + route(HALL, line.port if apart else theirs)) as a,
          site(folder / "b", THEIRS, theirs, issuer, pair=first, s2s=s2s,
               users=("juliet", *([f"juliet@{HALL}"] if hosted else [])),
               routes=route(OURS, ours) + (host(HALL, second) if hosted else "")) as b):
        yield a, b


def visit(a: Site, b: Site) -> None:
    """Romeo speaks with somebody of each of the other site's domains, and is answered."""
    romeo = a.client("romeo")
    romeo.send("<presence/>")
    romeo.sync()
    for domain in (THEIRS, HALL):
        juliet = b.client("juliet", domain=domain)
        juliet.send("<presence/>")
        juliet.sync()
        romeo.send(f"<message to='juliet@{domain}/r' type='chat'><body>to {domain}</body></message>")
        assert bodies([juliet.next()]) == [f"to {domain}"]
        juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>from {domain}</body></message>")
        message = romeo.next()
        assert (bodies([message]), message.get("from")) == ([f"from {domain}"], f"juliet@{domain}/r")
        juliet.close()
    romeo.close()


def led(place: Site) -> list[tuple[object, bool]]:
    """As opened(), to which domain of the other's."""
    return [(e["domain"], e["event"] == "s2s stream shared") for e in place.server.log
            if e["event"] in ("s2s stream opened", "s2s stream shared")]


def test_to_several_domains_of_a_server(tmp_path: Path) -> None:
    """Its certificate is for both (XEP-0220 2.6.2); both come back on it."""
    with hosting(tmp_path) as (a, b):
        visit(a, b)
        assert led(a) == [(THEIRS, False), (HALL, True)]
        assert [(e["to"], e["how"]) for e in b.server.log if e["event"] == "s2s domain proven"] == [
            (THEIRS, CERTIFICATE), (HALL, "certificate (dialback)")]
        assert led(b) == []
        listed = [json.loads(line) for line in a.server.command("s2s", "list", "--json").stdout.splitlines()]
        assert [(each["ours"], each["theirs"], each["how"]) for each in listed] == [
            (OURS, THEIRS, CERTIFICATE), (OURS, HALL, "dialback")]


def test_to_several_domains_by_calling_back(tmp_path: Path) -> None:
    """Where DNS alone is enough for both. What they answer comes on streams of their own, which they may share, too."""
    with hosting(tmp_path, trusted=False) as (a, b):
        visit(a, b)
        assert led(a) == [(THEIRS, False), (HALL, True)]


def test_a_certificate_for_one_of_them(tmp_path: Path) -> None:
    with hosting(tmp_path, names=[THEIRS]) as (a, b):
        visit(a, b)
        assert led(a) == [(THEIRS, False), (HALL, False)]


def test_domains_in_different_places(tmp_path: Path) -> None:
    """As far as we know."""
    with hosting(tmp_path, apart=True) as (a, b):
        visit(a, b)
        assert led(a) == [(THEIRS, False), (HALL, False)]


def test_a_domain_that_is_not_there_ends_no_stream_of_others(tmp_path: Path) -> None:
    """It is refused on the stream, and on one of its own, too."""
    with hosting(tmp_path, hosted=False) as (a, b):
        romeo, juliet = a.client("romeo"), b.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        for text in ("1", "2"):
            romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>{text}</body></message>")
            assert bodies([juliet.next()]) == [text]
            assert condition(romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=HALL)).startswith("remote-server-")
        assert led(a) == [(THEIRS, False)]
        assert [e["why"] for e in a.server.log if e["event"] == "s2s stream not shared"] == ["item-not-found"]
