"""The stream core: XML in and out, stanzas, JIDs. No sockets, no clock, only the standard library."""

import os

from headrace.core.errors import HeadraceError, JIDError, XMLError
from headrace.core.jid import JID
from headrace.core.stanza import Stanza, parse_element, parse_stanza
from headrace.core.writer import escape, serialize

__all__ = ["JID", "HeadraceError", "JIDError", "Stanza", "XMLError", "escape", "get_include", "parse_element",
           "parse_stanza", "serialize"]


def get_include() -> str:
    """The folder for Cython's include path and for C includes, to `cimport headrace.core.tokenizer`.

    In a checkout the .pxd files are in native/; a wheel ships them beside the modules.
    """
    package = os.path.abspath(os.path.join(__file__, "..", "..", ".."))
    native = os.path.join(package, "..", "native")
    found = os.path.exists(os.path.join(native, "headrace", "core", "tokenizer.pxd"))
    return os.path.normpath(native) if found else package
