"""Stream errors: RFC 6120 4.9."""

from headrace.core.errors import HeadraceError
from headrace.core.ns import STREAM, STREAM_ERRORS
from headrace.core.writer import escape

CONDITIONS = frozenset({  # RFC 6120 4.9.3
    "bad-format", "bad-namespace-prefix", "conflict", "connection-timeout", "host-gone", "host-unknown",
    "improper-addressing", "internal-server-error", "invalid-from", "invalid-namespace", "invalid-xml",
    "not-authorized", "not-well-formed", "policy-violation", "remote-connection-failed", "reset",
    "resource-constraint", "restricted-xml", "see-other-host", "system-shutdown", "undefined-condition",
    "unsupported-encoding", "unsupported-feature", "unsupported-stanza-type", "unsupported-version",
})


class StreamError(HeadraceError):
    """A stream has to end with this condition.

    condition: one of CONDITIONS. text: English, for the peer. content: where to go, with see-other-host.
    extra: an application-specific condition. offset: where in the peer's document, in bytes, if it is something that
    the peer sent.
    """

    def __init__(self, condition: str, text: str = "", *, content: str = "", extra: bytes = b"",
                 offset: int | None = None) -> None:
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.text = text
        self.content = content
        self.extra = extra
        self.offset = offset


def stream_error(condition: str, text: str = "", *, content: str = "", extra: bytes = b"",
                 standalone: bool = False) -> bytes:
    """A <stream:error/>. `content`: character data of the condition (see-other-host, RFC 6120 4.9.3.19).

    standalone: declare the prefix, for a frame of its own (RFC 7395); our TCP header has declared it.
    extra: an application-specific condition, as XML.
    Raises ValueError for a condition that RFC 6120 doesn't have.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"{condition!r} is no stream error condition of RFC 6120")
    prefix = f" xmlns:stream='{STREAM}'" if standalone else ""
    inside = f">{escape(content)}</{condition}>" if content else "/>"
    words = f"<text xmlns='{STREAM_ERRORS}' xml:lang='en'>{escape(text)}</text>" if text else ""
    head = f"<stream:error{prefix}><{condition} xmlns='{STREAM_ERRORS}'{inside}{words}"
    return head.encode() + extra + b"</stream:error>"
