"""Verifiers, decoys and PLAIN."""

import hashlib

import pytest

from headrace.sasl import credentials
from headrace.sasl.credentials import DIGESTS, Credentials, Decoys, make, make_verifier, matches
from headrace.sasl.failures import CONDITIONS, SaslFailure
from headrace.sasl.plain import Plain

ALICE = make("pass\u00a0wort", iterations=4096)


def test_make_salts_each_verifier_anew():
    again = make("pass wort", iterations=4096)
    salts = {verifier.salt for made in (ALICE, again) for _, verifier in made.items()}
    assert len(salts) == 6
    assert {len(salt) for salt in salts} == {16}
    assert [(digest, len(verifier.stored_key)) for digest, verifier in ALICE.items()] == [
        ("sha512", 64), ("sha256", 32), ("sha1", 20)]


def test_default_count_and_its_floor():
    assert make("x").sha256.iterations == 10_000
    with pytest.raises(ValueError, match="4096"):
        make("x", iterations=4095)


@pytest.mark.parametrize("digest", DIGESTS)
def test_matches_after_preparation(digest):
    assert matches(ALICE.verifier(digest), digest, "pass wort")
    assert matches(ALICE.verifier(digest), digest, "pass\u00a0wort")
    assert not matches(ALICE.verifier(digest), digest, "passwort")
    assert not matches(ALICE.verifier(digest), digest, "")
    assert not matches(ALICE.verifier(digest), digest, "\x00")


def test_one_derivation_whatever_the_password(monkeypatch):
    calls = []
    monkeypatch.setattr(credentials, "pbkdf2", lambda *a: calls.append(a[0]) or hashlib.pbkdf2_hmac(*a))
    for password in ("pass wort", "wrong", "", "\x00"):
        matches(ALICE.sha256, "sha256", password)
    assert calls == ["sha256"] * 4


@pytest.mark.parametrize("have", [("sha1",), ("sha512",), ("sha1", "sha512"), DIGESTS])
def test_any_verifier_checks_a_password(have, monkeypatch):
    some = Credentials(**{digest: ALICE.verifier(digest) for digest in have})
    calls = []
    monkeypatch.setattr(credentials, "pbkdf2", lambda *a: calls.append(a[0]) or hashlib.pbkdf2_hmac(*a))
    assert some.matches("pass wort")
    assert not some.matches("wrong")
    assert len(calls) == 2
    assert not Credentials().matches("pass wort")


def test_what_older_servers_stored_by_saslprep_is_still_the_password():
    """SASLprep makes "a" of this; OpaqueString leaves it as it is."""
    assert matches(make_verifier("sha256", "a", 4096), "sha256", "\u00aa")
    assert matches(make_verifier("sha256", "\u00aa", 4096), "sha256", "\u00aa")
    assert not matches(make_verifier("sha256", "\u00aa", 4096), "sha256", "a")


def test_an_emoji_may_be_in_a_password():
    assert make("pass\U0001f511word", iterations=4096).matches("pass\U0001f511word")


def test_keys_stay_out_of_representations():
    assert repr(ALICE.sha256.stored_key) not in repr(ALICE)
    assert repr(ALICE.sha256.server_key) not in repr(ALICE)


def test_decoys_are_stable_and_distinct():
    one, other = Decoys(b"1" * 32), Decoys(b"2" * 32)
    first = one.credentials("a@localhost")
    assert first == one.credentials("a@localhost")
    salts = {first.sha1.salt, first.sha256.salt, one.credentials("b@localhost").sha256.salt,
             other.credentials("a@localhost").sha256.salt}
    assert len(salts) == 4


def test_decoys_look_like_the_real_thing():
    decoy, real = Decoys(b"1" * 32).credentials("a@localhost"), make("x")
    for digest in DIGESTS:
        fake, true = decoy.verifier(digest), real.verifier(digest)
        assert fake.iterations == true.iterations
        assert len(fake.salt) == len(true.salt)
        assert len(fake.stored_key) == len(true.stored_key)
        assert len(fake.server_key) == len(true.server_key)


def test_decoys_need_a_secret():
    with pytest.raises(ValueError, match="16 bytes"):
        Decoys(b"short")


def test_plain():
    plain = Plain()
    plain.identify(b"admin\0alice\0pass wort")
    assert (plain.authzid, plain.username, plain.password) == ("admin", "alice", "pass wort")
    plain.identify(b"\0alice\0pass")
    assert plain.authzid == ""


@pytest.mark.parametrize("message", [
    b"", b"alice", b"\0alice", b"\0alice\0", b"\0\0password", b"a\0b\0c\0d", b"\0alice\0\xff",
])
def test_malformed_plain(message):
    with pytest.raises(SaslFailure) as failed:
        Plain().identify(message)
    assert failed.value.condition == "malformed-request"


def test_failures_carry_only_the_rfcs_conditions():
    assert len(CONDITIONS) == 11
    with pytest.raises(ValueError, match="6120"):
        SaslFailure("wrong-password")
