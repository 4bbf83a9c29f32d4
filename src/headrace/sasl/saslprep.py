"""SASLprep (RFC 4013): the form in which passwords are hashed and compared (RFC 5802 2.2, RFC 4616 2).

RFC 8265's OpaqueString gives the same octets for everything that SASLprep leaves alone, so for nearly all
passwords; SCRAM names SASLprep, and clients compute it.
"""

import stringprep
from collections.abc import Callable
from unicodedata import ucd_3_2_0  # stringprep is defined on Unicode 3.2

_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
    stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,  # unassigned: refused, since these are stored strings (RFC 5802 2.2)
)


def saslprep(text: str) -> str:
    """The prepared form of `text`. ValueError if RFC 4013 forbids it or nothing is left of it."""
    prepared = text
    if not (text.isascii() and text.isprintable()):
        kept = (c for c in text if not stringprep.in_table_b1(c))
        mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in kept)
        prepared = ucd_3_2_0.normalize("NFKC", mapped)
        _refuse_prohibited(prepared)
        _refuse_mixed_direction(prepared)
    if not prepared:
        raise ValueError("a password must not be empty")
    return prepared


def _refuse_prohibited(text: str) -> None:
    for char in text:
        if any(listed(char) for listed in _PROHIBITED):
            raise ValueError(f"U+{ord(char):04X} is not allowed in a password (RFC 4013 2.3, 2.5)")


def _refuse_mixed_direction(text: str) -> None:
    """RFC 3454 6: beside a right-to-left character no left-to-right one; first and last are right-to-left."""
    right_to_left = [stringprep.in_table_d1(c) for c in text]
    if any(right_to_left) and (
        any(map(stringprep.in_table_d2, text)) or not (right_to_left[0] and right_to_left[-1])
    ):
        raise ValueError("a password must not mix writing directions this way (RFC 4013 2.4)")
