"""XEP-0106 (version 1.1.1): characters that a localpart may not hold, written as \\hexhex.

JIDs stay escaped wherever they are kept, sent or compared; this is for names that people type.
"""

import re

ESCAPED = {char: f"\\{ord(char):02x}" for char in " \"&'/:<>@\\"}
UNESCAPED = {sequence: char for char, sequence in ESCAPED.items()}
SEQUENCE = re.compile(r"\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)")
TO_ESCAPE = re.compile(rf"[ \"&'/:<>@]|\\(?={SEQUENCE.pattern[2:]})")


def escape(name: str) -> str:
    """The localpart for a name. ValueError for a name that begins or ends with a space."""
    if name != name.strip(" "):
        raise ValueError("a name neither begins nor ends with a space")
    return TO_ESCAPE.sub(lambda found: ESCAPED[found[0]], name)


def unescape(localpart: str) -> str:
    """The name that people see."""
    return SEQUENCE.sub(lambda found: UNESCAPED[found[0]], localpart)
