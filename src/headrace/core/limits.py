"""Bounds of one stream's input, and the profiles of protocol.md 8. The tokenizer alone counts bytes."""

from typing import NamedTuple  # not dataclasses: they would double the time that importing the core takes

KIB = 1024
MIB = 1024 * KIB
LEAST_STANZA = 10_000   # bytes that every stream has to take: RFC 6120 13.12


class Limits(NamedTuple):
    """What one stream may send; 0 means no bound. Past a bound the stream ends with `policy-violation`.

    The defaults are those of a client after authentication.
    """

    stanza: int = 256 * KIB
    """Bytes of a top-level element. Prosody's default for clients; avatars and OMEMO bundles fit."""
    header: int = 8 * KIB
    """Bytes from the start of the document to the end of the root's start tag. Real ones have 150 to 400."""
    elements: int = 4096
    """Elements in a top-level element: a roster push of 2,000 contacts fits, `<a/>` 60,000 times does not."""
    depth: int = 64
    """Nesting, 1 for the top-level element. 8 less than what we emit ourselves (carbons and archive wrap)."""
    attrs: int = 64
    """Attributes of one tag, declarations not counted. Jingle's widest tags have about 12."""
    decls: int = 32
    """Namespace declarations of one tag; 32 is also the most that can be asked for."""
    name: int = 1024
    """Bytes of an element's or attribute's name with its prefix."""
    total: int = 0
    """Bytes of the document and of its restarts, together: bounds a negotiation, not a session."""
    tops: int = 0
    """Top-level elements of the document and of its restarts, together."""


BEFORE_AUTH = Limits(
    stanza=16 * KIB,    # the longest SCRAM message is far below; nothing is stored for a stranger
    elements=64,        # <auth/> of SASL2 with its inline requests has about 20
    depth=8,
    attrs=16,
    decls=8,
    name=256,
    total=128 * KIB,    # three restarts and five attempts at most
    tops=128,
)
"""Until one account or domain pair is authenticated."""

BEFORE_AUTH_TOKEN = BEFORE_AUTH._replace(stanza=64 * KIB)
"""The same where a host offers OAUTHBEARER or GSSAPI: tokens and tickets reach tens of kilobytes."""

CLIENT = Limits()
"""A client after authentication."""

SERVER = Limits(
    stanza=512 * KIB,   # Prosody's default for servers: a client's largest stanza, wrapped, must pass
    elements=8192,
    depth=72,           # what a client may send, plus our own wrapping
)
"""Another server after authentication."""

COMPONENT = SERVER._replace(stanza=10 * MIB)
"""A component: trusted by configuration; gateways send whole rosters and files in band."""

FROM_SERVER = COMPONENT._replace(elements=128 * KIB)
"""A client's own server, which it chose: a roster of tens of thousands of contacts comes in one stanza."""
