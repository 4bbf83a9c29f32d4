"""The stream core: XML in and out, stanzas, JIDs. Knows no sockets, no clock, nothing outside the standard library."""

from pathlib import Path

from headrace.core.errors import HeadraceError, JIDError, XMLError
from headrace.core.jid import JID
from headrace.core.writer import escape, serialize

__all__ = ["JID", "HeadraceError", "JIDError", "XMLError", "escape", "get_include", "serialize"]


def get_include() -> str:
    """The folder for Cython's include path and for C includes, to `cimport headrace.core.tokenizer`.

    In a checkout the .pxd files are in native/; a wheel ships them beside the modules.
    """
    package = Path(__file__).resolve().parents[2]
    native = package.parent / "native"
    return str(native if (native / "headrace" / "core" / "tokenizer.pxd").exists() else package)
