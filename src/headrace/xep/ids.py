"""What an archive knows a message by (XEP-0359)."""

from headrace.core import ns
from headrace.core.writer import escape


def stanza_id(by: str, id: str) -> bytes:
    """by: the archive's bare JID."""
    return f"<stanza-id xmlns='{ns.SID}' by='{escape(by)}' id='{escape(id)}'/>".encode()
