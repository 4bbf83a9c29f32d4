"""The SASL profile of RFC 6120 6: what a server reads and writes."""

from binascii import a2b_base64, b2a_base64
from typing import Final
from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.writer import escape
from headrace.sasl.failures import SaslFailure

_SASL: Final = ns.SASL.encode()


def data(element: Element) -> bytes | None:
    """What an <auth/> or <response/> carries; None for nothing, which "=" says of empty data (RFC 6120 6.4.2).
    SaslFailure: incorrect-encoding."""
    text = element.text
    return None if not text else b"" if text == "=" else decode(text)


def decode(text: str | None) -> bytes:
    """SaslFailure: incorrect-encoding."""
    try:
        return a2b_base64(text or "", strict_mode=True)
    except ValueError:
        raise SaslFailure("incorrect-encoding", "not base64") from None


def challenge(message: bytes) -> bytes:
    return b"<challenge xmlns='%b'>%b</challenge>" % (_SASL, b2a_base64(message, newline=False))


def success(last_words: bytes | None) -> bytes:
    return b"<success xmlns='%b'>%b</success>" % (_SASL, b2a_base64(last_words or b"", newline=False))


def failure(why: SaslFailure) -> bytes:
    text = f"<text xml:lang='en'>{escape(why.text)}</text>" if why.text else ""
    return f"<failure xmlns='{ns.SASL}'><{why.condition}/>{text}</failure>".encode()
