"""Element trees from the tokenizer's tape. Its interface is native (`cimport headrace.core.tree`)."""

from typing import final

@final
class Names:
    """Names of elements and attributes as `{uri}local`, made once. Of fixed size: a new one takes an older's place."""

@final
class TreeWriter:
    """Writes elements with an `xml.etree.ElementTree.TreeBuilder`, its own."""

    def __init__(self, names: Names | None = None) -> None: ...
