"""Certificates that we make, and complaints about those we are given."""

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from headrace.net.tls import TlsContext
from headrace.server import certificates
from headrace.server.certificates import CertificateError, check, pair_of
from headrace.server.config import Config, HostConfig, default


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return default(tmp_path)


def test_made_once_and_kept(config: Config) -> None:
    first = pair_of(HostConfig("localhost"), config)
    assert first.made
    before = first.certificate.read_bytes()
    again = pair_of(HostConfig("localhost"), config)
    assert not again.made
    assert again.certificate.read_bytes() == before


def test_what_is_made_is_p256_for_that_name_and_for_its_owner_only(config: Config) -> None:
    pair = pair_of(HostConfig("xn--mnchen-3ya.example"), config)
    certificate = check(pair.certificate, pair.key)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--mnchen-3ya.example"]
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    TlsContext(pair.certificate, pair.key)
    ssl.create_default_context(cafile=str(pair.certificate))


def test_made_anew_before_it_ends(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LIFETIME", datetime.timedelta(days=29))
    assert pair_of(HostConfig("localhost"), config).made
    monkeypatch.undo()
    assert pair_of(HostConfig("localhost"), config).made
    assert not pair_of(HostConfig("localhost"), config).made


def test_other_names_are_made_too(config: Config) -> None:
    for name in ("münchen.example", "[::1]", "127.0.0.1"):
        assert pair_of(HostConfig(name), config).made


def test_configured_ones_are_used_as_they_are(config: Config) -> None:
    made = pair_of(HostConfig("localhost"), config)
    host = HostConfig("localhost", made.certificate, made.key)
    assert pair_of(host, config) == (made.certificate, made.key, False)


@pytest.mark.parametrize(("broken", "reason"), [
    ("missing", "No such file"), ("garbage", "PEM"), ("other", "is not the key of"), ("swapped", "PEM")])
def test_complaints(config: Config, tmp_path: Path, broken: str, reason: str) -> None:
    certificate, key, _ = pair_of(HostConfig("localhost"), config)
    (tmp_path / "garbage").write_text("-----BEGIN NOTHING-----")
    other = pair_of(HostConfig("other"), config)
    pairs = {
        "missing": (certificate, tmp_path / "nowhere.key"), "garbage": (tmp_path / "garbage", key),
        "other": (certificate, other.key), "swapped": (key, certificate)}
    with pytest.raises(CertificateError, match=reason):
        pair_of(HostConfig("localhost", *pairs[broken]), config)
