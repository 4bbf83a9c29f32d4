"""Mechanisms of one message that prove nothing by themselves: EXTERNAL and ANONYMOUS, server side."""

from headrace.sasl.failures import SaslFailure

_TRACE_CHARS = 255  # RFC 4505 2


def external(message: bytes) -> str:
    """EXTERNAL (RFC 4422 appendix A): the authorization identity asked for, "" if none.
    SaslFailure: malformed-request."""
    if b"\0" in message:
        raise SaslFailure("malformed-request", "an authorization identity has no NUL (RFC 4422 A.2)")
    return _text(message)


def anonymous(message: bytes) -> None:
    """ANONYMOUS (RFC 4505): trace information, of which nothing is kept (XEP-0175 3).
    SaslFailure: malformed-request."""
    if len(_text(message)) > _TRACE_CHARS:
        raise SaslFailure("malformed-request", "trace information is too long (RFC 4505 2)")


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise SaslFailure("malformed-request", "not UTF-8") from None
