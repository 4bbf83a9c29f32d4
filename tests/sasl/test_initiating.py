"""The client's side of SASL against ours, and against RFC 7677's example."""

import pytest
from scramp import ScramMechanism

from headrace.sasl.credentials import Digest, make
from headrace.sasl.ht import HashedToken
from headrace.sasl.initiating import Salted, ScramInitiator, ServerUntrue, TokenInitiator, plain
from headrace.sasl.offer import Offer
from headrace.sasl.scram import Scram

NAMES: dict[Digest, str] = {"sha1": "SCRAM-SHA-1", "sha256": "SCRAM-SHA-256", "sha512": "SCRAM-SHA-512"}


@pytest.mark.parametrize("digest", NAMES)
@pytest.mark.parametrize("username", ["romeo", "a=b,c"])
def test_scram_with_our_server(digest: Digest, username: str) -> None:
    server = Scram(digest, Offer((NAMES[digest],)))
    verifier = make("secret", iterations=4096).verifier(digest)
    assert verifier is not None
    salted: Salted = {}
    for _ in range(2):      # the second time nothing is derived
        server = Scram(digest, Offer((NAMES[digest],)))
        client = ScramInitiator(digest, username, "secret", salted)
        server.identify(client.first())
        assert server.username == username
        last = server.finish(client.final(server.challenge(verifier)))
        assert last is not None
        client.check(last)
        assert len(salted) == 1
    with pytest.raises(ServerUntrue, match="does not know"):
        client.check(b"v=AAAA")


def test_scram_with_another_server() -> None:
    mechanism = ScramMechanism("SCRAM-SHA-256")
    salt, stored, server_key, iterations = mechanism.make_auth_info("secret", iteration_count=4096)
    server = mechanism.make_server(lambda username: (salt, stored, server_key, iterations))
    client = ScramInitiator("sha256", "romeo", "secret", {})
    server.set_client_first(client.first().decode())
    server.set_client_final(client.final(server.get_server_first().encode()).decode())
    client.check(server.get_server_final().encode())


def test_a_wrong_password_proves_nothing() -> None:
    server = Scram("sha256", Offer(("SCRAM-SHA-256",)))
    verifier = make("secret", iterations=4096).sha256
    assert verifier is not None
    client = ScramInitiator("sha256", "romeo", "wrong", {})
    server.identify(client.first())
    assert server.finish(client.final(server.challenge(verifier))) is None


@pytest.mark.parametrize("words", [b"", b"r=abc", b"r=other,s=AAAA,i=4096", b"r=x,s=AAAA,i=many"])
def test_what_is_no_challenge(words: bytes) -> None:
    client = ScramInitiator("sha256", "romeo", "secret", {})
    with pytest.raises(ServerUntrue):
        client.final(words)


def test_tokens_with_our_server() -> None:
    class NoTls:
        def binding(self, kind: str) -> bytes | None:
            return None

        def bindings(self) -> tuple[str, ...]:
            return ()

    server = HashedToken("HT-SHA-256-NONE", NoTls())       # type: ignore[arg-type]
    client = TokenInitiator("romeo", "a token")
    server.identify(client.first())
    assert server.username == "romeo"
    words = server.finish("a token")
    assert words is not None
    client.check(words)
    with pytest.raises(ServerUntrue):
        client.check(b"something else")


def test_plain() -> None:
    assert plain("romeo", "secret") == b"\0romeo\0secret"
