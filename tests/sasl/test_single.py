"""EXTERNAL, ANONYMOUS and PLAIN: messages that others have to judge."""

import pytest

from headrace.sasl.failures import SaslFailure
from headrace.sasl.single import anonymous, external


@pytest.mark.parametrize("message", [b"", b"romeo@localhost", "r\u00f6meo@localhost".encode()])
def test_external(message):
    assert external(message).encode() == message


@pytest.mark.parametrize("message", [b"\xff", b"romeo\0", b"\0romeo\0secret"])
def test_malformed_external(message):
    with pytest.raises(SaslFailure) as failed:
        external(message)
    assert failed.value.condition == "malformed-request"


@pytest.mark.parametrize("message", [b"", b"sirhc", "\u00e9".encode() * 255])
def test_anonymous(message):
    anonymous(message)


@pytest.mark.parametrize("message", [b"\xff", b"x" * 256])
def test_malformed_anonymous(message):
    with pytest.raises(SaslFailure) as failed:
        anonymous(message)
    assert failed.value.condition == "malformed-request"
