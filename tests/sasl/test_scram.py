"""SCRAM against the RFCs' vectors and against scramp, somebody else's client."""

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
import scramp
from hypothesis import given
from hypothesis import strategies as st

from headrace.sasl import credentials
from headrace.sasl.failures import SaslFailure
from headrace.sasl.offer import Offer
from headrace.sasl.scram import Scram


class Silent(Offer):
    """For the RFCs' vectors, which are older than XEP-0474."""

    def attributes(self, digest):
        return b""


SILENT = Silent()
PENCIL = credentials.make("pencil", iterations=4096)

RFC_VECTORS = {  # RFC 5802 5; RFC 7677 3; all of user "user", password "pencil"
    "sha1": (
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "sha256": (
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize("digest", RFC_VECTORS)
def test_rfc_vectors(digest):
    client_first, nonce, salt, server_first, client_final, server_final = RFC_VECTORS[digest]
    salted = hashlib.pbkdf2_hmac(digest, b"pencil", b64decode(salt), 4096)
    verifier = credentials.from_salted(digest, salted, b64decode(salt), 4096)
    scram = Scram(digest, SILENT, nonce=nonce)
    scram.identify(client_first)
    assert (scram.username, scram.authzid) == ("user", "")
    assert scram.challenge(verifier) == server_first
    assert scram.finish(client_final) == server_final


def talk(digest, username, password, verifier):
    """One exchange with scramp's client, which checks our server's signature too."""
    server = Scram(digest, Offer((f"SCRAM-SHA-{digest[3:]}", "PLAIN"), (), "TLSv1.3"))
    client = scramp.ScramClient([server.name], username, password)
    server.identify(client.get_client_first().encode())
    client.set_server_first(server.challenge(verifier).decode())
    last = server.finish(client.get_client_final().encode())
    if last is None:
        return None
    client.set_server_final(last.decode())
    return server.username


@pytest.mark.parametrize("digest", credentials.DIGESTS)
def test_a_foreign_client_logs_in_and_believes_us(digest):
    assert talk(digest, "user", "pencil", PENCIL.verifier(digest)) == "user"


@pytest.mark.parametrize("digest", credentials.DIGESTS)
def test_wrong_password(digest):
    assert talk(digest, "user", "pencils", PENCIL.verifier(digest)) is None


@pytest.mark.parametrize("digest", credentials.DIGESTS)
def test_nobody_logs_in_with_decoys(digest):
    decoys = credentials.Decoys(b"s" * 32).credentials("nobody@localhost")
    assert talk(digest, "user", "pencil", decoys.verifier(digest)) is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_escaped_names_come_back(name):
    scram = Scram("sha1", Offer())
    escaped = name.replace("=", "=3D").replace(",", "=2C")
    scram.identify(f"n,a={escaped},n={escaped},r=abc".encode())
    assert (scram.username, scram.authzid) == (name, name)


@pytest.mark.parametrize("message", [
    b"", b"n", b"n,,", b"n,,n=user", b"n,,r=abc,n=user", b"n,,n=,r=abc", b"n,,n=user,r=", b"n,,n=user,r=a b",
    b"x,,n=user,r=abc", b"n,n=user,r=abc", b"n,a=,n=user,r=abc", b"n,b=x,n=user,r=abc",
    b"n,,n=us=er,r=abc", b"n,,n=us=2c,r=abc", b"n,,n=us\0er,r=abc", b"n,,n=\xff,r=abc",
    b"n,a=\xff,n=user,r=abc", b"n,,n=user,r=abc,", b"n,,n=user,r=abc,xy", b"n,,n=user,r=abc\n",
    b" n,,n=user,r=abc",
    b"n,,m=ext,n=user,r=abc",                   # a mandatory extension: RFC 5802 5.1 says fail
    b"p=tls-exporter,,n=user,r=abc",            # channel binding with a mechanism that is not -PLUS
])
def test_malformed_first_message(message):
    with pytest.raises(SaslFailure) as failed:
        Scram("sha256", Offer()).identify(message)
    assert failed.value.condition == "malformed-request"


@pytest.mark.parametrize("header", [b"n,,", b"y,,", b"n,a=other,"])
def test_flags_and_extensions_are_taken(header):
    scram = Scram("sha256", Offer())
    scram.identify(header + b"n=user,r=abc,x=1,y=2")
    assert scram.challenge(PENCIL.sha256).startswith(b"r=abc")


def prepared():
    scram = Scram("sha256", Offer(), nonce="def")
    scram.identify(b"n,,n=user,r=abc")
    scram.challenge(PENCIL.sha256)
    return scram


PROOF = b64encode(bytes(32))


@pytest.mark.parametrize(("message", "condition"), [
    (b"", "malformed-request"),
    (b"c=biws,r=abcdef", "malformed-request"),
    (b"r=abcdef,c=biws,p=" + PROOF, "malformed-request"),
    (b"c=biws,r=abcdef,p=" + PROOF + b",x=1", "malformed-request"),
    (b"c=bi=s,r=abcdef,p=" + PROOF, "incorrect-encoding"),
    (b"c=biws,r=abcdef,p=A", "incorrect-encoding"),
])
def test_bad_final_message(message, condition):
    with pytest.raises(SaslFailure) as failed:
        prepared().finish(message)
    assert failed.value.condition == condition


@pytest.mark.parametrize("proof", [PROOF, b"AAAA"])
def test_wrong_proof(proof):
    assert prepared().finish(b"c=biws,r=abcdef,p=" + proof) is None


def proven(header=b"biws", nonce=b"abcdef"):
    """A final message with a valid proof over whatever it says."""
    scram = prepared()
    unproven = b"c=" + header + b",r=" + nonce
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", PENCIL.sha256.salt, 4096)
    key = hmac.digest(salted, b"Client Key", "sha256")
    signed = b"n=user,r=abc," + scram._server_first + b"," + unproven
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return scram, unproven + b",p=" + b64encode(proof)


def test_a_valid_proof_passes():
    scram, message = proven()
    assert scram.finish(message).startswith(b"v=")


@pytest.mark.parametrize("change", [
    {"header": b64encode(b"y,,")},          # another header than the first message had: a downgrade
    {"header": b64encode(b"n,a=admin,")},
    {"nonce": b"abcdeg"}, {"nonce": b"abc"},
])
def test_a_valid_proof_over_another_header_or_nonce_fails(change):
    scram, message = proven(**change)
    assert scram.finish(message) is None


# channel binding

class Channel:
    """TLS whose binding data is the type's name, doubled."""

    version, certificate = "TLSv1.3", None

    def bindings(self):
        return ("tls-exporter", "tls-server-end-point")

    def binding(self, kind):
        return kind.encode() * 2 if kind in self.bindings() else None


BINDING = Offer(("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"), Channel().bindings(), "TLSv1.3")


def bound_login(flag, data, *, plus=True, repeated=None):
    """A client that knows the password; header and data as it likes. What the server says at the end."""
    server = Scram("sha256", BINDING, Channel(), plus=plus)
    server.identify(flag + b",,n=user,r=abc")
    first = server.challenge(PENCIL.sha256)
    nonce = first.split(b",")[0]
    unproven = b"c=" + b64encode((repeated or flag) + b",," + data) + b"," + nonce
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", PENCIL.sha256.salt, 4096)
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), b"n=user,r=abc," + first + b"," + unproven, "sha256")
    return server.finish(unproven + b",p=" + b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))))


@pytest.mark.parametrize("kind", Channel().bindings())
def test_bound(kind):
    assert bound_login(b"p=" + kind.encode(), kind.encode() * 2).startswith(b"v=")


@pytest.mark.parametrize(("flag", "data", "repeated"), [
    (b"p=tls-exporter", b"", None), (b"p=tls-exporter", b"x", None),
    (b"p=tls-exporter", b"tls-server-end-point" * 2, None),
    (b"p=tls-exporter", b"tls-server-end-point" * 2, b"p=tls-server-end-point"),    # said one, signed the other
    (b"p=tls-exporter", b"", b"n"),
])
def test_bound_to_something_else_is_no_login(flag, data, repeated):
    assert bound_login(flag, data, repeated=repeated) is None


@pytest.mark.parametrize(("flag", "plus", "condition"), [
    (b"n", True, "malformed-request"), (b"y", True, "malformed-request"),
    (b"p=tls-unique", True, "malformed-request"), (b"p=", True, "malformed-request"),
    (b"p=tls-exporter", False, "malformed-request"),
    (b"y", False, "not-authorized"),        # somebody has taken our -PLUS mechanisms off the list
])
def test_flags_that_do_not_fit(flag, plus, condition):
    with pytest.raises(SaslFailure) as failed:
        bound_login(flag, b"", plus=plus)
    assert failed.value.condition == condition


def test_a_client_that_cannot_bind_may_log_in():
    assert bound_login(b"n", b"", plus=False).startswith(b"v=")


def test_each_exchange_has_its_own_nonce():
    assert Scram("sha256", Offer())._own_nonce != Scram("sha256", Offer())._own_nonce
