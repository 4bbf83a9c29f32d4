"""HT-SHA-256-* against messages computed by hand."""

import hashlib
import hmac

import pytest

from headrace.sasl.failures import SaslFailure
from headrace.sasl.ht import MECHANISMS, HashedToken


class Channel:
    version, certificate = "TLSv1.3", None

    def bindings(self):
        return ("tls-exporter", "tls-server-end-point")

    def binding(self, kind):
        return {"tls-exporter": b"E" * 32, "tls-server-end-point": b"P" * 32}.get(kind)


DATA = {"HT-SHA-256-EXPR": b"E" * 32, "HT-SHA-256-ENDP": b"P" * 32, "HT-SHA-256-NONE": b""}


def proof(token, data, who=b"Initiator"):
    return hmac.new(token, who + data, hashlib.sha256).digest()


@pytest.mark.parametrize("name", MECHANISMS)
def test_the_token_is_proven_both_ways(name):
    server = HashedToken(name, Channel())
    server.identify(b"romeo\0" + proof(b"secret", DATA[name]))
    assert server.username == "romeo"
    assert server.finish("secret") == proof(b"secret", DATA[name], b"Responder")
    assert server.finish("other") is None


@pytest.mark.parametrize("name", MECHANISMS)
@pytest.mark.parametrize("other", MECHANISMS)
def test_each_mechanism_binds_to_its_own_channel(name, other):
    server = HashedToken(name, Channel())
    server.identify(b"romeo\0" + proof(b"secret", DATA[other]))
    assert bool(server.finish("secret")) == (name == other)


def test_hashes_may_hold_any_byte():
    server = HashedToken("HT-SHA-256-NONE", Channel())
    server.identify(b"romeo\0\0\0")
    assert server.finish("secret") is None


@pytest.mark.parametrize("message", [b"", b"romeo", b"romeo\0", b"\0hash", b"\xff\0hash"])
def test_malformed(message):
    with pytest.raises(SaslFailure) as failed:
        HashedToken("HT-SHA-256-NONE", Channel()).identify(message)
    assert failed.value.condition == "malformed-request"
