"""How a stream opens, ends and speaks on each transport: TCP (RFC 6120) and WebSocket (RFC 7395)."""

from typing import Protocol

from headrace.core.ns import CLIENT, FRAMING
from headrace.core.writer import escape
from headrace.stream.errors import stream_error
from headrace.stream.features import features
from headrace.stream.header import VERSION, stream_header


class Framing(Protocol):
    """One transport's way to write what is not a stanza. Each method gives one unit: bytes, or a frame."""

    def open(self, *, from_: str | None, id: str | None, to: str | None = None, lang: str = "en") -> bytes:
        """Our header."""

    def features(self, parts: list[bytes]) -> bytes:
        """<stream:features/> with these in it."""

    def error(self, condition: str, text: str = "", *, extra: bytes = b"") -> bytes:
        """<stream:error/>; close() follows."""

    def close(self) -> bytes:
        """The end of our direction."""


class TCP:
    """RFC 6120 4: one document each way, `content` its default namespace."""

    def __init__(self, content: str = CLIENT) -> None:
        self.content = content

    def open(self, *, from_: str | None, id: str | None, to: str | None = None, lang: str = "en") -> bytes:
        return stream_header(from_=from_, id=id, to=to, lang=lang, content=self.content)

    def features(self, parts: list[bytes]) -> bytes:
        return features(parts)

    def error(self, condition: str, text: str = "", *, extra: bytes = b"") -> bytes:
        return stream_error(condition, text, extra=extra)

    def close(self) -> bytes:
        return b"</stream:stream>"


class WebSocket:
    """RFC 7395 3: each unit is a frame that declares its own namespaces."""

    def open(self, *, from_: str | None, id: str | None, to: str | None = None, lang: str = "en") -> bytes:
        values = {"from": from_, "to": to, "id": id, "xml:lang": lang, "version": VERSION}
        written = "".join(f" {key}='{escape(value)}'" for key, value in values.items() if value is not None)
        return f"<open xmlns='{FRAMING}'{written}/>".encode()

    def features(self, parts: list[bytes]) -> bytes:
        return features(parts, standalone=True)

    def error(self, condition: str, text: str = "", *, extra: bytes = b"") -> bytes:
        return stream_error(condition, text, extra=extra, standalone=True)

    def close(self, see_other_uri: str | None = None) -> bytes:
        """see_other_uri: where to connect instead (RFC 7395 3.6.1)."""
        where = f" see-other-uri='{escape(see_other_uri)}'" if see_other_uri else ""
        return f"<close xmlns='{FRAMING}'{where}/>".encode()
