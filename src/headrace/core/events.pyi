"""The tokenizer's events as Python tuples: for tests, for embedding, and to compare backends.

An event is one of
- ("open", uri, name, attributes): the root's start tag;
- ("element", raw, pieces): a complete top-level element; raw is its bytes as received, pieces are its inner events:
  ("start", uri, name, attributes), ("text", text), ("end", uri, name); neighbouring text is joined;
- ("close",): the root's end tag;
- ("error", condition, text, offset): nothing more comes.
uri and name are str, uri is "" for none; attributes are a tuple of (uri, name, value).
"""

from headrace.core.limits import Limits
from headrace.core.tokenizer import Tokenizer, Workspace

Attributes = tuple[tuple[str, str, str], ...]
Event = tuple[object, ...]

class EventReader:
    """A Tokenizer behind Python calls. Bytes given to it are kept alive until they are used up."""

    tokenizer: Tokenizer
    def __init__(
        self, mode: int = 0, limits: Limits | None = None, *, work: Workspace | None = None, content: int = 2
    ) -> None: ...
    def feed(self, data: bytes) -> list[Event]:
        """Everything that `data` completes."""
    def push(self, data: bytes) -> None:
        """Take bytes without reading them; then pull() them one event at a time."""
    def pull(self) -> Event | None:
        """The next event, or None: more input is needed."""
    def rest(self) -> bytes:
        """What was pushed and not yet read."""
    def reset(self, drop_rest: bool = False) -> None:
        """A new document begins (stream restart); what is unread is parsed next, or dropped (RFC 6120 5.4.3.3)."""
    def view(self) -> dict[str, object]:
        """The facts about the last event that the data plane works with, by field name of StanzaView; and `copied`: its
        bytes are not the caller's. Raises ValueError unless pull() has just given an element or the root."""
