"""What the core raises. Everything derives from HeadraceError."""


class HeadraceError(Exception):
    """Base of all errors of this package."""


class JIDError(HeadraceError, ValueError):
    """Not a JID (RFC 7622, RFC 6122); the text says which part and why."""


class XMLError(HeadraceError, ValueError):
    """Not the XML that XMPP allows.

    condition: the stream error condition that names it (RFC 6120 4.9.3), such as `not-well-formed`.
    offset: bytes from the start of what was parsed.
    """

    def __init__(self, condition: str, text: str, offset: int = 0) -> None:
        super().__init__(f"{text} ({condition}, at byte {offset})")
        self.condition = condition
        self.offset = offset
