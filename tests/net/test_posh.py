"""What a domain's web server says of its certificates (RFC 7711), asked of one on loopback."""

import asyncio
import base64
import hashlib
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from headrace.net import posh
from headrace.net.posh import LONGEST, MOST_BYTES, MOST_KNOWN, PLACE, Posh
from headrace.net.resolve import Resolver
from support.federated import DAY, NOW, Authority
from support.nameserver import NameServer
from support.webserver import WebServer, document

DOMAIN, OTHER = "b.example", "hosting.example"
CERTIFICATE = b"a certificate"
HERE, THERE = (DOMAIN, PLACE), (OTHER, "/b")


def named(*certificates, expires=1_000, **more):
    listed = [{"sha-256": base64.b64encode(hashlib.sha256(each).digest()).decode(), "sha-1": "?"}
              for each in certificates]
    return {"fingerprints": listed, "expires": expires, **more}


GOOD = document(named(b"another", CERTIFICATE))


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "web")


class Asked:
    """Somebody who asks a web server of both domains."""

    def __init__(self, authority, web, **options):
        self.time = 0.0
        places = {DOMAIN: web.place, OTHER: web.place, "xn--bcher-kva.example": web.place}
        self.posh = Posh(Resolver([("127.0.0.1", 1)], seconds=0.2), authority.file, places, now=lambda: self.time,
                         **{"seconds": 20.0, **options})

    async def vouches(self, domain=DOMAIN, certificate=CERTIFICATE):
        return await self.posh.vouches(domain, certificate)


async def asked(authority, table, **options):
    with WebServer(authority.issue("web", [DOMAIN, OTHER]), table) as web:
        return await Asked(authority, web, **options).vouches()


async def test_a_certificate_that_is_named_and_others(authority):
    with WebServer(authority.issue("web", [DOMAIN]), {HERE: GOOD}) as web:
        somebody = Asked(authority, web)
        assert await somebody.vouches()
        assert await somebody.vouches(certificate=b"another")
        assert not await somebody.vouches(certificate=b"no such")
        assert not await somebody.vouches(certificate=None)
        assert web.asked == [HERE]      # once: it is good for a while


async def test_questions_at_once_are_one(authority):
    """And it goes on for others when who has asked first does not wait any more."""
    with WebServer(authority.issue("web", [DOMAIN]), {HERE: GOOD}) as web:
        somebody = Asked(authority, web)
        first, *others = (asyncio.ensure_future(somebody.vouches()) for _ in range(5))
        await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.gather(*others) == [True] * 4
        assert first.cancelled()
        assert web.asked == [HERE]


@pytest.mark.parametrize(("address", "place"), [
    ("127.0.0.1", f"https://{OTHER}/b"), ("127.0.0.1", "https://127.0.0.1/b"),
    ("::ffff:127.0.0.1", f"https://{OTHER}/b")])
async def test_what_only_we_can_reach_is_not_asked(authority, monkeypatch, address, place):
    """A stranger's server may send us there. What the operator names is."""
    pair = authority.issue("web", [DOMAIN, OTHER, x509.IPAddress(ip_address("127.0.0.1"))])
    table = {HERE: document(None, "302 Found", Location=place), THERE: GOOD, ("127.0.0.1", "/b"): GOOD}
    with WebServer(pair, table) as web:
        monkeypatch.setattr(posh, "PORT", web.place[1])
        with NameServer({(OTHER, "AAAA" if ":" in address else "A"): [address]}) as names:
            resolver = Resolver([("127.0.0.1", names.port)])
            asked = Posh(resolver, authority.file, {DOMAIN: web.place})
            assert not await asked.vouches(DOMAIN, CERTIFICATE)
            assert web.asked == [HERE]
            places = {DOMAIN: web.place, urlsplit(place).hostname: web.place}
            assert await Posh(resolver, authority.file, places).vouches(DOMAIN, CERTIFICATE)


async def test_names_of_other_scripts(authority):
    host = "xn--bcher-kva.example"
    with WebServer(authority.issue("web", [host]), {(host, PLACE): GOOD}) as web:
        assert await Asked(authority, web).vouches("bücher.example")


@pytest.mark.parametrize("table", [
    {HERE: document(None, "302 Found", Location=f"https://{OTHER}/b"), THERE: GOOD},
    {HERE: document(None, "307 Temporary Redirect", Location="/moved"), (DOMAIN, "/moved"): GOOD},
    {HERE: document({"url": f"https://{OTHER}/b", "expires": 1_000}), THERE: GOOD},
    {HERE: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD.partition(b"\r\n\r\n")[2])
     + GOOD.partition(b"\r\n\r\n")[2] + b"more"}])
async def test_other_places_and_forms(authority, table):
    assert await asked(authority, table)


@pytest.mark.parametrize("table", [
    {}, {HERE: document(named(CERTIFICATE), "500 Oh")},
    {HERE: b"what"}, {HERE: b""}, {HERE: b"HTTP/1.1 200 OK\r\n\r\n{"},
    {HERE: b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 50_000},
    {HERE: b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + GOOD.partition(b"\r\n\r\n")[2]},
    {HERE: document([])}, {HERE: document({"fingerprints": 1, "expires": 9})}, {HERE: document({"expires": 9})},
    {HERE: document({"fingerprints": [{"sha-256": 1}, {"sha-256": "!"}, {"sha-256": "YQ=="}, 5], "expires": 9})},
    {HERE: document({"fingerprints": named(CERTIFICATE)["fingerprints"]})},
    {HERE: document(named(CERTIFICATE, expires=0))},
    {HERE: document(named(CERTIFICATE, expires="9"))},
    {HERE: document(None, "302 Found", Location=f"https://{DOMAIN}{PLACE}")}, {HERE: document(None, "302 Found")},
    {HERE: document(None, "302 Found", Location=f"http://{OTHER}/b"), THERE: GOOD},
    {HERE: document(None, "302 Found", Location=f"https://{OTHER}:5222/b"), THERE: GOOD},
    {HERE: document(None, "302 Found", Location=f"https://{OTHER}:99999/b"), THERE: GOOD},
    {HERE: document(None, "302 Found", Location=f"https://{OTHER}/b c"), THERE: GOOD},
    {HERE: document(None, "302 Found", Location="https://nowhere.example/b")},
    {HERE: document(None, "302 Found", Location="https://[")},
    {HERE: document({"url": "https://a\0b.example/", "expires": 9})},
    {HERE: document({"url": f"https://{OTHER}/b", "expires": 9}),
     THERE: document({"url": f"https://{OTHER}/c", "expires": 9}), (OTHER, "/c"): GOOD}])
async def test_what_says_nothing(authority, table):
    assert not await asked(authority, table)


async def test_too_much(authority):
    table = {HERE: GOOD + b" " * MOST_BYTES}
    assert not await asked(authority, table)
    with WebServer(authority.issue("web", [DOMAIN]), {HERE: GOOD}, endless=True) as web:
        assert not await Asked(authority, web).vouches()


async def test_too_slow(authority):
    """It has accepted, and says no more."""
    with WebServer(authority.issue("web", [DOMAIN]), {HERE: GOOD}) as busy:
        somebody = Asked(authority, busy, seconds=0.0)
        assert not await somebody.vouches()


@pytest.mark.parametrize("case", ["name", "expired", "authority"])
async def test_web_servers_have_to_prove_who_they_are(authority, tmp_path, case):
    pair = {"name": lambda: authority.issue("web", [OTHER]),
            "expired": lambda: authority.issue("web", [DOMAIN], ends=NOW - DAY),
            "authority": lambda: Authority(tmp_path / "x").issue("web", [DOMAIN])}[case]()
    with WebServer(pair, {HERE: GOOD}) as web:
        assert not await Asked(authority, web).vouches()
        assert web.asked == []


async def test_a_document_is_believed_for_its_time(authority):
    first = {HERE: document({"url": f"https://{OTHER}/b", "expires": 500}), THERE: document(named(CERTIFICATE))}
    with WebServer(authority.issue("web", [DOMAIN, OTHER]), first) as web:
        somebody = Asked(authority, web)
        assert await somebody.vouches()
        web.table = {HERE: document(named(b"new", expires=1e9))}
        somebody.time = 499.0
        assert await somebody.vouches()
        somebody.time = 500.0       # the shorter of both times
        assert not await somebody.vouches()
        web.table = {}
        somebody.time = 499.0 + LONGEST
        assert await somebody.vouches(certificate=b"new")
        somebody.time = 500.0 + LONGEST
        assert not await somebody.vouches(certificate=b"new")
        web.table = {HERE: GOOD}
        assert not await somebody.vouches()     # asked a moment ago
        somebody.time += 60
        assert await somebody.vouches()


async def test_so_many_are_remembered(authority):
    with WebServer(authority.issue("web", [DOMAIN]), {HERE: GOOD}) as web:
        somebody = Asked(authority, web)
        assert await somebody.vouches()
        for number in range(MOST_KNOWN):
            assert not await somebody.vouches(f"{'x' * 70}.{number}.example")    # no name for DNS: nobody is asked
        assert await somebody.vouches()
        assert web.asked == [HERE, HERE]
