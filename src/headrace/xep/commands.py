"""XEP-0050 (version 1.3.0): <command/>, both ways."""

from typing import NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.ns import COMMANDS, DATA_FORMS
from headrace.core.writer import escape

X = f"{{{DATA_FORMS}}}x"
ACTIONS = ("execute", "cancel", "prev", "next", "complete")


class Asked(NamedTuple):
    node: str
    action: str  # as sent; "execute" where none was
    session: str | None
    form: Element | None  # what was filled in


def parse(command: Element) -> Asked:
    return Asked(command.get("node", ""), command.get("action", "execute"), command.get("sessionid"),
                 command.find(X))


def condition(name: str) -> bytes:
    """The application-specific condition of an error (section 4.4)."""
    return f"<{name} xmlns='{COMMANDS}'/>".encode()


def executing(node: str, session: str, form: bytes) -> bytes:
    """The one stage before the last: a form to be filled in."""
    return _command(node, session, "executing", b"<actions execute='complete'><complete/></actions>" + form)


def completed(node: str, session: str, form: bytes = b"", *, note: str = "", failed: bool = False) -> bytes:
    kind = "error" if failed else "info"
    said = f"<note type='{kind}'>{escape(note)}</note>".encode() if note else b""
    return _command(node, session, "completed", said + form)


def canceled(node: str, session: str) -> bytes:
    return _command(node, session, "canceled", b"")


def _command(node: str, session: str, status: str, inside: bytes) -> bytes:
    head = f"<command xmlns='{COMMANDS}' node='{escape(node)}' sessionid='{escape(session)}' status='{status}'>"
    return head.encode() + inside + b"</command>"
