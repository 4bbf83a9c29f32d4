"""The incremental XML tokenizer of XMPP streams: bytes in, checked top-level elements out.

Its full interface is native (`cimport headrace.core.tokenizer`); from Python use `headrace.core.events`.
"""

from enum import IntEnum, IntFlag
from typing import final

from headrace.core.limits import Limits

class Mode(IntEnum):
    """What a document is made of (protocol.md 15)."""

    MODE_STREAM = 0
    MODE_FRAME = 1
    MODE_BODY = 2

class Ev(IntEnum):
    """What `next()` found."""

    EV_MORE = 0
    EV_OPEN = 1
    EV_ELEMENT = 2
    EV_CLOSE = 3
    EV_ERROR = 4

class Kind(IntEnum):
    """What a top-level element is."""

    KIND_OTHER = 0
    KIND_MESSAGE = 1
    KIND_PRESENCE = 2
    KIND_IQ = 3

class Flag(IntFlag):
    """Facts about an element that decide whether its bytes may be copied (protocol.md 1)."""

    F_SELF_CLOSED = 1
    F_PREFIXED = 2
    F_EXTRA_ATTRS = 4
    F_OUTER_BINDING = 8
    F_CONTENT_CHILD = 16
    F_TOP_TEXT = 32
    F_FOREIGN_DEFAULT = 64
    F_OWN_XMLNS = 128

class TapeKind(IntEnum):
    """What a tape record says."""

    T_START = 1
    T_ATTR = 2
    T_TEXT = 3
    T_END = 4

MODE_STREAM: Mode
MODE_FRAME: Mode
MODE_BODY: Mode
EV_MORE: Ev
EV_OPEN: Ev
EV_ELEMENT: Ev
EV_CLOSE: Ev
EV_ERROR: Ev
KIND_OTHER: Kind
KIND_MESSAGE: Kind
KIND_PRESENCE: Kind
KIND_IQ: Kind
F_SELF_CLOSED: Flag
F_PREFIXED: Flag
F_EXTRA_ATTRS: Flag
F_OUTER_BINDING: Flag
F_CONTENT_CHILD: Flag
F_TOP_TEXT: Flag
F_FOREIGN_DEFAULT: Flag
F_OWN_XMLNS: Flag
T_START: TapeKind
T_ATTR: TapeKind
T_TEXT: TapeKind
T_END: TapeKind

def scans() -> tuple[str, ...]:
    """Names of the scanners this machine can run, best first: of "avx2", "sse2", "neon", "portable"."""

@final
class Workspace:
    """Scratch that all tokenizers of one thread share. Not for two threads at once.

    `scan` names the scanner to use (see `scans()`); the best one if None. Raises ValueError for one that this
    machine does not have, MemoryError.
    """

    scan: str
    """Name of the scanner in use."""
    def __init__(self, scan: str | None = None) -> None: ...
    @property
    def memory(self) -> int:
        """Bytes held for reuse, beside what the tokenizers hold."""

@final
class Tokenizer:
    """One stream's XML, checked while it arrives (RFC 6120 11; XML 1.0 5th edition; Namespaces in XML 1.0).

    Bounds are those of `limits` (CLIENT if None). `content` is the namespace number (headrace.core.names.Ns) that
    stanzas have where the root's default namespace does not say so: frames, bodies, prefix-free streams.
    """

    work: Workspace
    mode: int
    content: int
    """Number (headrace.core.names.Ns) of the stanzas' namespace."""
    failed: bool
    """An error was given; nothing more comes until the tokenizer is reset."""
    consumed: int
    """Bytes of the document taken so far."""
    def __init__(
        self, work: Workspace, mode: int = 0, limits: Limits | None = None, content: int = 2
    ) -> None: ...
    def use_limits(self, limits: Limits) -> None:
        """Bounds for what comes from now on (after authentication). Counts of `total` and `tops` go on."""
    @property
    def error(self) -> tuple[str, str, int] | None:
        """Condition (RFC 6120 4.9.3), text and offset in the document, once `failed`."""
    @property
    def memory(self) -> int:
        """Bytes that this tokenizer holds outside its own object."""
