"""Where a domain's server is, asked of a name server of our own."""

from collections import Counter

import pytest

from headrace.net.resolve import Record, ResolveError, Resolver, Target, ordered
from support.nameserver import BROKEN, NameServer

PLAIN, DIRECT = "_xmpp-server._tcp.", "_xmpps-server._tcp."


async def targets(domain, table):
    with NameServer(table) as server:
        return await Resolver([("127.0.0.1", server.port)], seconds=2).targets(domain)


async def test_without_srv_records_the_domain_itself():
    assert await targets("a.example", {}) == [Target("a.example", 5269)]


async def test_srv_records_of_both_kinds_by_priority():
    found = await targets("a.example", {
        (PLAIN + "a.example", "SRV"): ["10 0 5269 one.example.", "30 0 5270 three.example."],
        (DIRECT + "a.example", "SRV"): ["20 0 443 two.example."]})
    assert found == [Target("one.example", 5269), Target("two.example", 443, direct=True),
                     Target("three.example", 5270)]
    assert str(found[1]) == "two.example:443 (direct TLS)"


async def test_a_domain_that_says_it_has_none():
    with pytest.raises(ResolveError) as caught:
        await targets("a.example", {(PLAIN + "a.example", "SRV"): ["0 0 0 ."]})
    assert caught.value.absent


async def test_one_kind_is_not_there_the_other_is():
    found = await targets("a.example", {(PLAIN + "a.example", "SRV"): ["0 0 0 ."],
                                        (DIRECT + "a.example", "SRV"): ["0 0 5270 a.example."]})
    assert found == [Target("a.example", 5270, direct=True)]


async def test_names_of_other_scripts():
    found = await targets("bücher.example", {(PLAIN + "xn--bcher-kva.example", "SRV"): ["0 0 5269 x.example."]})
    assert found == [Target("x.example", 5269)]


async def test_dns_that_does_not_answer_says_nothing_about_the_domain():
    with pytest.raises(ResolveError) as caught:
        await targets("a.example", {(PLAIN + "a.example", "SRV"): [BROKEN]})
    assert not caught.value.absent


@pytest.mark.parametrize(("domain", "host"), [("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1")])
async def test_literals_are_asked_of_nobody(domain, host):
    resolver = Resolver([("127.0.0.1", 1)])
    assert await resolver.targets(domain) == [Target(host, 5269)]
    assert await resolver.addresses(Target(host, 5269)) == [(host, 5269)]


async def test_what_the_operator_says_is_asked_of_nobody():
    routes = {"a.example": [Target("192.0.2.1", 5299), Target("192.0.2.2", 5299, direct=True)]}
    assert await Resolver([("127.0.0.1", 1)], routes).targets("a.example") == routes["a.example"]


async def test_addresses_of_both_families():
    table = {("x.example", "A"): ["192.0.2.1", "192.0.2.2"], ("x.example", "AAAA"): ["2001:db8::1"]}
    with NameServer(table) as server:
        resolver = Resolver([("127.0.0.1", server.port)], seconds=2)
        found = await resolver.addresses(Target("x.example", 5269))
        with pytest.raises(ResolveError) as caught:
            await resolver.addresses(Target("y.example", 5269))
    assert caught.value.absent
    assert found[0] == ("2001:db8::1", 5269)
    assert sorted(found[1:]) == [("192.0.2.1", 5269), ("192.0.2.2", 5269)]


def test_weights():
    """RFC 2782: 90 % and 10 % go first, of weight 0 hardly ever one while others have some."""
    records = [Record(1, weight, Target(str(weight), 1)) for weight in (90, 10, 0)]
    first = Counter(ordered(records)[0].host for _ in range(5_000))
    assert 4_300 < first["90"] < 4_700
    assert 300 < first["10"] < 700
    assert first["0"] < 20
    assert {target.host for target in ordered(records)} == {"90", "10", "0"}
    only = [Record(1, 0, Target(name, 1)) for name in "ab"]
    assert {target.host for target in ordered(only)} == {"a", "b"}


async def test_one_family_is_enough():
    """A server of names that fails over AAAA, as some do, hides nobody."""
    table = {("x.example", "A"): ["192.0.2.1"], ("x.example", "AAAA"): [BROKEN], ("y.example", "AAAA"): [BROKEN]}
    with NameServer(table) as server:
        resolver = Resolver([("127.0.0.1", server.port)], seconds=2)
        assert await resolver.addresses(Target("x.example", 5269)) == [("192.0.2.1", 5269)]
        with pytest.raises(ResolveError) as caught:
            await resolver.addresses(Target("y.example", 5269))
    assert not caught.value.absent


async def test_one_kind_of_srv_records_is_enough():
    found = await targets("a.example", {(PLAIN + "a.example", "SRV"): ["0 0 5269 x.example."],
                                        (DIRECT + "a.example", "SRV"): [BROKEN]})
    assert found == [Target("x.example", 5269)]


SRV, DIGEST = (PLAIN + "a.example", "SRV"), "ab" * 32
TLSA = ("_5269._tcp.x.example", "TLSA")
SECURED = {SRV: ["0 0 5269 x.example."], TLSA: [f"3 1 1 {DIGEST}", f"2 0 1 {DIGEST}"]}


async def pins(table, *, secure, validating=True):
    """Where the domain's server is, and what its certificate has to match."""
    with NameServer(table, secure=secure) as server:
        resolver = Resolver([("127.0.0.1", server.port)], validating=validating, seconds=2)
        target, = await resolver.targets("a.example")
        return target, await resolver.tlsa(target)


async def test_tlsa_records_of_a_secure_place():
    target, found = await pins(SECURED, secure=True)
    assert target == Target("x.example", 5269, secure=True)
    assert sorted(found) == [(2, 0, 1, bytes.fromhex(DIGEST)), (3, 1, 1, bytes.fromhex(DIGEST))]


async def test_without_srv_records_the_domain_itself_has_them():
    table = {("a.example", "A"): ["192.0.2.1"], ("_5269._tcp.a.example", "TLSA"): [f"3 1 1 {DIGEST}"]}
    target, found = await pins(table, secure=True)
    assert target == Target("a.example", 5269, secure=True)
    assert len(found) == 1


@pytest.mark.parametrize(("secure", "validating"), [
    (False, True), ([SRV[0]], True), ([TLSA[0], DIRECT + "a.example"], True), (True, False)],
    ids=["nothing", "records", "place", "resolver"])
async def test_what_is_not_secure_is_no_record(secure, validating):
    """A resolver that we don't trust may say what it likes."""
    _, found = await pins(SECURED, secure=secure, validating=validating)
    assert found == []


async def test_records_that_are_hidden_are_no_records_that_are_not_there():
    with pytest.raises(ResolveError) as caught:
        await pins({**SECURED, TLSA: [BROKEN]}, secure=True)
    assert not caught.value.absent
