"""Writing XML: escapes and element trees. The native half (heads, splices) is in writer.pxd."""

from xml.etree.ElementTree import Element

def escape(text: str) -> str:
    """`text` for use as character data or inside an attribute value of either quote.

    Raises ValueError for characters that XML 1.0 can't carry.
    """

def serialize(element: Element, default_ns: str = "jabber:client") -> bytes:
    """The element as UTF-8, for a place where `default_ns` is the default namespace.

    An element in the default namespace of its place is written bare, any other declares its own with
    `xmlns=`; namespaced attributes get a prefix declared beside them. Under a TCP root (RFC 6120 4.8.2)
    the default is the content namespace; `default_ns=""` writes what stands on its own (a frame of RFC 7395).
    Raises ValueError for names or characters that XML can't carry, TypeError for comments and the like.
    """
