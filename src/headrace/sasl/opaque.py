"""OpaqueString (RFC 8265 4): the form in which passwords are hashed and compared.

It gives the same octets as SASLprep (RFC 4013), which older clients compute, wherever SASLprep changes nothing: for
nearly all passwords. It also takes what SASLprep, bound to Unicode 3.2, does not know: emoji, mixed directions.
"""

from typing import Final
from unicodedata import category, combining, name, normalize

# Unicode's Default_Ignorable_Code_Point, which unicodedata does not tell; the private planes' tags included.
_IGNORABLE: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF))
_OLD_HANGUL: Final = ((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7C6), (0xD7CB, 0xD7FB))     # RFC 8264 9.9
_DISALLOWED: Final = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")  # RFC 5892 2.6
_ALLOWED: Final = frozenset((
    "Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc",       # RFC 8264 9.1
    "Lt", "Nl", "No", "Me", "Zs", "Sm", "Sc", "Sk", "So",   # 9.18, 9.14, 9.15
    "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"))      # 9.16
_ARABIC_DIGITS: Final = range(0x660, 0x66A)
_EXTENDED_ARABIC_DIGITS: Final = range(0x6F0, 0x6FA)
_VIRAMA: Final = 9      # canonical combining class


def opaque(password: str) -> str:
    """The prepared form. ValueError if RFC 8265 forbids it or it is empty."""
    if not password:
        raise ValueError("a password must not be empty")
    if password.isascii() and password.isprintable():
        return password
    prepared = normalize("NFC", "".join(" " if category(c) == "Zs" else c for c in password))
    for at, char in enumerate(prepared):
        if not _allowed(prepared, at, char):
            raise ValueError(f"U+{ord(char):04X} is not allowed here in a password (RFC 8265 4.2, RFC 8264 4.3)")
    return prepared


def _allowed(text: str, at: int, char: str) -> bool:
    """Is it in the FreeformClass at this place? In the order of RFC 8264 8."""
    code = ord(char)
    if char in _DISALLOWED:
        return False
    rule = _context(text, at, code)
    if rule is not None:
        return rule
    if char.isascii():
        return char.isprintable()
    if any(first <= code <= last for ranges in (_OLD_HANGUL, _IGNORABLE) for first, last in ranges):
        return False
    kind = category(char)
    return kind in _ALLOWED or (kind not in ("Cn", "Cc") and normalize("NFKC", char) != char)


def _context(text: str, at: int, code: int) -> bool | None:
    """The contextual rules of RFC 5892 appendix A; None for a code point that has none.

    Of A.1, for U+200C, only the first half: the joining types of the other are not in Python's tables."""
    before, after = text[at - 1:at] if at else "", text[at + 1:at + 2]
    match code:
        case 0x200C | 0x200D:
            return bool(before) and combining(before) == _VIRAMA
        case 0xB7:
            return before == after == "l"
        case 0x375:
            return name(after or " ", "").startswith("GREEK")
        case 0x5F3 | 0x5F4:
            return name(before or " ", "").startswith("HEBREW")
        case 0x30FB:
            return any(name(c, "").startswith(("HIRAGANA", "KATAKANA LETTER", "CJK")) for c in text)
    if code in _ARABIC_DIGITS:
        return not any(ord(c) in _EXTENDED_ARABIC_DIGITS for c in text)
    if code in _EXTENDED_ARABIC_DIGITS:
        return not any(ord(c) in _ARABIC_DIGITS for c in text)
    return None
