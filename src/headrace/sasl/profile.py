"""The SASL profile of RFC 6120 6: what a server reads and writes."""

from base64 import b64decode, b64encode
from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.writer import escape
from headrace.sasl.failures import SaslFailure


def data(element: Element) -> bytes | None:
    """What an <auth/> or <response/> carries; None for nothing, which "=" says of empty data (RFC 6120 6.4.2).
    SaslFailure: incorrect-encoding."""
    text = element.text
    return None if not text else b"" if text == "=" else decode(text)


def decode(text: str | None) -> bytes:
    """SaslFailure: incorrect-encoding."""
    try:
        return b64decode((text or "").encode(), validate=True)
    except ValueError:
        raise SaslFailure("incorrect-encoding", "not base64") from None


def challenge(message: bytes) -> bytes:
    return f"<challenge xmlns='{ns.SASL}'>".encode() + b64encode(message) + b"</challenge>"


def success(last_words: bytes | None) -> bytes:
    return f"<success xmlns='{ns.SASL}'>".encode() + b64encode(last_words or b"") + b"</success>"


def failure(why: SaslFailure) -> bytes:
    text = f"<text xml:lang='en'>{escape(why.text)}</text>" if why.text else ""
    return f"<failure xmlns='{ns.SASL}'><{why.condition}/>{text}</failure>".encode()
