"""XEP-0474 and XEP-0515: what SCRAM tells of the lists and of TLS, for the client to compare."""

import hashlib
from base64 import b64encode

import pytest

from headrace.sasl.offer import Offer


def test_the_example_of_xep_0474():
    offer = Offer(("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), ("tls-server-end-point", "tls-exporter"))
    assert offer.attributes("sha1") == b",h=G6k/rBLDqgOhRRaCuuatSDFkJ08="


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_lists_are_sorted_by_octets_and_hashed_by_scrams_own_hash(digest):
    offer = Offer(("SCRAM-SHA-256", "PLAIN", "SCRAM-SHA-1"), (), "TLSv1.2")
    expected = hashlib.new(digest, b"PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-256").digest()
    assert offer.attributes(digest) == b",h=" + b64encode(expected) + b",t=0303"


@pytest.mark.parametrize(("tls", "told"), [("TLSv1.3", b",t=0304"), ("TLSv1.2", b",t=0303"), (None, b"")])
def test_the_version_of_tls(tls, told):
    assert Offer(("SCRAM-SHA-1",), (), tls).attributes("sha1").endswith(b"=" + told)


def test_what_binds():
    assert not Offer(("SCRAM-SHA-1",)).binds
    assert Offer(("SCRAM-SHA-1-PLUS",), ("tls-exporter",)).binds
