"""Stanzas that answer stanzas, as bytes without xmlns: ready for an outbox below any content namespace.

Nothing here answers an error or a result with an error (RFC 6120 8.3.1): error_reply() gives None then.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal
from xml.etree.ElementTree import Element

from headrace.core.ns import CLIENT, STANZA_ERRORS
from headrace.core.stanza import Stanza
from headrace.core.writer import escape, serialize

_WRITTEN: Mapping[str, str] = MappingProxyType({"from_": "from", "lang": "xml:lang"})

ErrorType = Literal["auth", "cancel", "continue", "modify", "wait"]
Payload = bytes | Element | None

# The error type that RFC 6120 8.3.3 gives each condition ("should" or the first of two).
ERROR_TYPES: Mapping[str, ErrorType] = MappingProxyType({
    "bad-request": "modify",
    "conflict": "cancel",
    "feature-not-implemented": "cancel",
    "forbidden": "auth",
    "gone": "cancel",
    "internal-server-error": "cancel",
    "item-not-found": "cancel",
    "jid-malformed": "modify",
    "not-acceptable": "modify",
    "not-allowed": "cancel",
    "not-authorized": "auth",
    "policy-violation": "modify",
    "recipient-unavailable": "wait",
    "redirect": "modify",
    "registration-required": "auth",
    "remote-server-not-found": "cancel",
    "remote-server-timeout": "wait",
    "resource-constraint": "wait",
    "service-unavailable": "cancel",
    "subscription-required": "auth",
    "undefined-condition": "modify",
    "unexpected-request": "wait",
})


def payload_bytes(payload: Payload) -> bytes:
    """A payload below a stanza, as bytes."""
    if payload is None:
        return b""
    return payload if isinstance(payload, bytes) else serialize(payload, CLIENT)


def stanza(name: str, payload: Payload = None, **attributes: str | None) -> bytes:
    """A stanza of our own making: `from_` is written as `from`, `lang` as `xml:lang`, None is left out."""
    head = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None:
            head.append(f" {_WRITTEN.get(key, key)}='{escape(value)}'")
    inside = payload_bytes(payload)
    if not inside:
        return "".join([*head, "/>"]).encode()
    return "".join([*head, ">"]).encode() + inside + f"</{name}>".encode()


def error(condition: str, text: str | None = None, *, type: ErrorType | None = None, by: str | None = None,
          extra: bytes = b"") -> bytes:
    """An <error/> of RFC 6120 8.3.2; `extra` is an application-specific condition, as XML.

    Raises KeyError for a condition that RFC 6120 doesn't have.
    """
    kind = type or ERROR_TYPES[condition]
    origin = f" by='{escape(by)}'" if by else ""
    words = f"<text xmlns='{STANZA_ERRORS}' xml:lang='en'>{escape(text)}</text>" if text else ""
    head = f"<error type='{kind}'{origin}><{condition} xmlns='{STANZA_ERRORS}'/>{words}"
    return head.encode() + extra + b"</error>"


def error_reply(to: Stanza, condition: str, text: str | None = None, *, type: ErrorType | None = None,
                from_: str | None = None, extra: bytes = b"") -> bytes | None:
    """The error that answers a stanza; None where none may be sent: to an error, or to an IQ result.

    from_: who answers, where it isn't the address that the stanza was sent to.
    """
    if to.type == "error" or (to.name == "iq" and to.type == "result"):
        return None
    return stanza(to.name, error(condition, text, type=type, extra=extra), from_=from_ or to.to, to=to.from_,
                  id=to.id, type="error")


def iq_result(to: Stanza, payload: Payload = None, *, from_: str | None = None) -> bytes:
    """The result of an IQ get or set, from the address that it was sent to unless `from_` says otherwise."""
    return stanza("iq", payload, from_=from_ or to.to, to=to.from_, id=to.id, type="result")
