"""What TLSA records say of a server's certificate, beside its authorities (RFC 6698, RFC 7671)."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headrace.net.dane import Dane, matches
from headrace.net.resolve import Resolver
from headrace.net.tls import TlsContext
from support.federated import CLIENT, DAY, NOW, SERVER, Authority
from support.nameserver import BROKEN, NameServer

PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = range(4)


def tlsa(usage, file, *, selector=1, matching=1):
    """The record that the first certificate of the file matches."""
    certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
    data = (certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if selector
            else certificate.public_bytes(Encoding.DER))
    digest = [lambda data: data, lambda data: hashlib.sha256(data).digest(), lambda data: hashlib.sha512(data).digest()]
    return usage, selector, matching, digest[matching](data)


class Known:
    """An authority that we trust, another, and a certificate of each."""

    def __init__(self, folder):
        self.trusted, self.other = Authority(folder / "trusted"), Authority(folder / "other")
        self.good = self.trusted.issue("b", ["b.example"])
        self.strange = self.other.issue("b", ["b.example"])
        with self.strange[0].open("ab") as chain:       # an anchor is sent along (RFC 7671 5.2.2)
            chain.write(self.other.file.read_bytes())


@pytest.fixture
def known(tmp_path):
    return Known(tmp_path)


async def judged(bench, known, pair, records):
    """Our side of a connection to a server with that certificate."""
    client = TlsContext.client(ca_file=known.trusted.file, judge_later=True)
    ours, theirs = bench.secure_pair(TlsContext(*pair), client, "b.example")
    theirs.link.tlsa = records
    await bench.until(lambda: ours.events and theirs.events)
    return theirs.link.tls


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
async def test_the_very_certificate_needs_no_authority(bench, known, selector, matching):
    record = tlsa(DANE_EE, known.strange[0], selector=selector, matching=matching)
    tls = await judged(bench, known, known.strange, [record])
    assert (tls.problem, tls.usage, tls.pinned) == (None, DANE_EE, True)
    assert tls.certificate == tls.presented


async def test_the_very_certificate_may_be_of_any_age_and_kind(bench, known):
    pair = known.other.issue("old", ["elsewhere.example"], purposes=(CLIENT,), ends=NOW - DAY)
    tls = await judged(bench, known, pair, [tlsa(DANE_EE, pair[0])])
    assert (tls.problem, tls.usage) == (None, DANE_EE)


@pytest.mark.parametrize(("ends", "purposes", "problem"), [
    (NOW + DAY, (SERVER,), None), (NOW - DAY, (SERVER,), "certificate has expired"),
    (NOW + DAY, (CLIENT,), "unsuitable certificate purpose")])
async def test_an_anchor_of_its_own(bench, known, ends, purposes, problem):
    """Who has issued it is named; everything else about it counts."""
    pair = known.other.issue("b", ["b.example"], purposes=purposes, ends=ends)
    with pair[0].open("ab") as chain:
        chain.write(known.other.file.read_bytes())
    tls = await judged(bench, known, pair, [tlsa(DANE_TA, known.other.file, selector=0)])
    assert tls.problem == problem
    assert tls.pinned


@pytest.mark.parametrize("usage", range(4))
@pytest.mark.parametrize("kind", ["good", "strange"])
async def test_what_matches_no_record_is_no_good(bench, known, usage, kind):
    """Whatever our authorities say."""
    _, selector, matching, data = tlsa(usage, known.trusted.issue("x", ["b.example"])[0])
    tls = await judged(bench, known, getattr(known, kind), [(usage, selector, matching, data)])
    assert tls.problem is not None
    assert (tls.usage, tls.certificate, tls.pinned) == (-1, None, True)


@pytest.mark.parametrize("usage", [PKIX_TA, PKIX_EE])
async def test_records_beside_authorities(bench, known, usage):
    for authority, pair, good in (known.trusted, known.good, True), (known.other, known.strange, False):
        tls = await judged(bench, known, pair, [tlsa(usage, authority.file if usage == PKIX_TA else pair[0])])
        assert (tls.problem is None) == good
        assert tls.usage == (usage if good else -1)


@pytest.mark.parametrize("records", [
    None, [], [(9, 1, 1, b"x" * 32)], [(3, 9, 1, b"x" * 32)], [(3, 1, 9, b"x" * 32)], [(3, 1, 1, b"short")],
    [(3, 1, 0, b"no key")], [(255, 255, 255, b"")]])
async def test_records_that_nobody_can_use_are_none(bench, known, records):
    for pair, good in (known.good, True), (known.strange, False):
        tls = await judged(bench, known, pair, records)
        assert (tls.problem is None, tls.pinned) == (good, False)


async def test_one_of_several_is_enough(bench, known):
    other = tlsa(DANE_EE, known.good[0])
    tls = await judged(bench, known, known.strange, [other, (9, 9, 9, b"?"), tlsa(DANE_EE, known.strange[0])])
    assert tls.problem is None


# Who calls us.

PLACE = "xmpp.b.example"


def der(pair):
    return x509.load_pem_x509_certificates(pair[0].read_bytes())[0].public_bytes(Encoding.DER)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_the_very_certificate_of_who_calls(known, selector, matching):
    record = tlsa(DANE_EE, known.strange[0], selector=selector, matching=matching)
    assert matches(record, der(known.strange))
    assert not matches(record, der(known.good))


def test_records_that_say_nothing_of_who_calls(known):
    usage, selector, matching, data = tlsa(DANE_EE, known.strange[0])
    for record in ((PKIX_EE, selector, matching, data), (DANE_TA, selector, matching, data), (usage, 2, matching, data),
                   (usage, selector, 3, data)):
        assert not matches(record, der(known.strange))
    assert not matches((usage, selector, matching, data), b"no certificate")


async def vouched(known, table, domain="b.example", *, secure=True, **options):
    with NameServer(table, secure=secure) as names:
        resolver = Resolver([("127.0.0.1", names.port)], validating=True)
        return await Dane(resolver, **options).vouches(domain, der(known.strange))


async def test_where_its_domain_has_its_servers(known):
    """In any of those places."""
    usage, selector, matching, data = tlsa(DANE_EE, known.strange[0])
    pin = {("_5269._tcp.xmpp.b.example", "TLSA"): [f"{usage} {selector} {matching} {data.hex()}"]}
    service = ("_xmpp-server._tcp.b.example", "SRV")
    assert await vouched(known, pin | {service: ["0 0 5269 other.example.", f"1 0 5269 {PLACE}."]})
    assert await vouched(known, pin | {service: ["0 0 5269 other.example.", f"1 0 5269 {PLACE}."],
                                       ("_5269._tcp.other.example", "TLSA"): [BROKEN]})
    assert not await vouched(known, pin | {service: [f"0 0 5270 {PLACE}."]})
    assert not await vouched(known, pin | {service: [f"0 0 5269 {PLACE}."]}, secure=False)
    assert not await vouched(known, pin | {service: [f"0 0 5269 {PLACE}."]}, secure=[service[0]])
    assert not await vouched(known, pin | {service: [BROKEN]})
    assert not await vouched(known, pin | {service: [f"0 0 5269 {PLACE}."]}, seconds=0.0)
    assert not await vouched(known, pin, "x" * 70 + ".example")
    assert not await Dane(Resolver()).vouches("b.example", None)
