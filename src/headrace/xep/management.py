"""Stream management (XEP-0198): the nonzas that switch it on and resume a stream."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from headrace.core.ns import SM, STANZA_ERRORS

FEATURE: Final = f"<sm xmlns='{SM}'/>".encode()
_DIGITS: Final = 10     # of an unsignedInt


@dataclass(frozen=True, slots=True)
class Enable:
    resume: bool
    max: int | None     # seconds; None: as the server likes


@dataclass(frozen=True, slots=True)
class Resume:
    id: bytes | None    # None: nothing that we would have given anybody
    h: int


def enable(element: Element) -> Enable:
    """A `max` that is no positive number is passed over."""
    wish = number(element.get("max"))
    return Enable(element.get("resume") in ("true", "1"), wish or None)


def resume(element: Element) -> Resume:
    """Raises ValueError where an attribute is missing, or `h` is no number of 32 bits."""
    h, previous = number(element.get("h")), element.get("previd")
    if h is None or h >= 1 << 32 or previous is None:
        raise ValueError("<resume/> needs 'h' and 'previd'")
    return Resume(sm_id(previous), h)


def number(text: str | None) -> int | None:
    return int(text) if text and len(text) <= _DIGITS and text.isascii() and text.isdigit() else None


def written(id: bytes) -> str:
    """An SM-ID as text."""
    return urlsafe_b64encode(id).rstrip(b"=").decode()


def sm_id(text: str) -> bytes | None:
    """An SM-ID of ours from text, None for anything else."""
    try:
        found = urlsafe_b64decode(text + "==")
    except (BadBase64, ValueError):
        return None
    return found if len(found) == 16 and written(found) == text else None


def enabled(id: bytes, seconds: int | None) -> bytes:
    """seconds: so long the stream may be resumed; None: it can't be."""
    may = f" resume='true' max='{seconds}'" if seconds else ""
    return f"<enabled xmlns='{SM}' id='{written(id)}'{may}/>".encode()


def resumed(id: bytes, h: int) -> bytes:
    return f"<resumed xmlns='{SM}' previd='{written(id)}' h='{h}'/>".encode()


def failed(condition: str, h: int | None = None) -> bytes:
    """condition: of RFC 6120 8.3.3. h: how much of a session that is gone was handled."""
    handled = "" if h is None else f" h='{h}'"
    return f"<failed xmlns='{SM}'{handled}><{condition} xmlns='{STANZA_ERRORS}'/></failed>".encode()
