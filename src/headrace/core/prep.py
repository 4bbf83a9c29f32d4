"""Preparation of JIDs by the book: RFC 7622 lengths and separators, RFC 6122 profiles of stringprep.

The whole rule, for any text. The native fast path (jid.pyx) answers for plain ASCII by itself and is tested
against this; everything else comes here once and is then cached.
"""

import stringprep as tables
from collections.abc import Callable, Iterable
from encodings import idna
from ipaddress import IPv6Address
from unicodedata import ucd_3_2_0 as unicode_3_2

from headrace.core.errors import JIDError

PART_BYTES = 1023  # RFC 7622 3.1
ROUNDS = 4  # of a profile until it changes nothing; real addresses need one, and a key has to be its own key

Table = Callable[[str], bool]

_PROHIBITED: tuple[Table, ...] = (  # RFC 6122 A.5, B.5
    tables.in_table_c12, tables.in_table_c21_c22, tables.in_table_c3, tables.in_table_c4, tables.in_table_c5,
    tables.in_table_c6, tables.in_table_c7, tables.in_table_c8, tables.in_table_c9)
_LOCAL_SEPARATORS = frozenset("\"&'/:<>@")  # RFC 6122 A.5
_DOMAIN_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")  # `_` is no host name, but deployed
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")  # RFC 3490 3.1


def prepare(text: str, assigned: bool = False) -> str:
    """The prepared form of a JID. Raises JIDError.

    assigned: refuse code points that Unicode 3.2 doesn't know.
    """
    bare, slash, resource = text.partition("/")
    local, at, domain = bare.partition("@")
    prepared = prepare_domain(domain if at else bare, assigned)
    if at:
        prepared = f"{prepare_local(local, assigned)}@{prepared}"
    if slash:
        prepared = f"{prepared}/{prepare_resource(resource, assigned)}"
    return prepared


def prepare_local(text: str, assigned: bool = False) -> str:
    """nodeprep (RFC 6122 appendix A). Raises JIDError."""
    prepared = _apply(_fold, text, "localpart")
    if not _LOCAL_SEPARATORS.isdisjoint(prepared):
        raise JIDError(f"the localpart has one of \" & ' / : < > @: {text!r}")
    return _checked(prepared, "localpart", (tables.in_table_c11, *_PROHIBITED), assigned)


def prepare_resource(text: str, assigned: bool = False) -> str:
    """resourceprep (RFC 6122 appendix B). Raises JIDError."""
    return _checked(_apply(_compose, text, "resourcepart"), "resourcepart", _PROHIBITED, assigned)


def prepare_domain(text: str, assigned: bool = False) -> str:
    """An IP literal in its shortest form, or labels by nameprep (RFC 3490) as U-labels. Raises JIDError."""
    if text.startswith("["):
        return _ip_literal(text)
    _bounded(text, "domainpart")
    labels = text.translate(_DOTS).removesuffix(".").split(".")
    prepared = ".".join(_label(label, assigned) for label in labels)
    return _sized(prepared, "domainpart")


def _ip_literal(text: str) -> str:
    try:
        if not text.endswith("]") or "%" in text:  # RFC 6874 zones mean nothing beyond one machine
            raise ValueError
        return f"[{IPv6Address(text[1:-1]).compressed}]"
    except ValueError:
        raise JIDError(f"the domainpart is no IPv6 literal: {text!r}") from None


def _label(text: str, assigned: bool) -> str:
    folded = _apply(_nameprep, text, "domainpart")
    if assigned:
        _refuse_unassigned(folded, "domainpart")
    if folded.startswith("xn--"):
        folded = _unicode_label(folded)
    try:
        ascii_form = idna.ToASCII(folded).decode("ascii")
    except UnicodeError:
        raise JIDError(f"the domainpart has a label that is empty or too long: {text!r}") from None
    bad = {char for char in folded if char.isascii()} - _DOMAIN_LABEL
    if bad or ascii_form[0] == "-" or folded[-1] == "-":
        raise JIDError(f"the domainpart has a label that is no host name: {text!r}")
    return folded


def _unicode_label(label: str) -> str:
    """RFC 3490 4.2: ToUnicode never fails; a label that doesn't survive the round trip stays as it is."""
    try:
        return idna.ToUnicode(label)
    except UnicodeError:
        return label


def _nameprep(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.nameprep(text)
    except UnicodeError:
        raise JIDError(f"the domainpart has a character that host names can't have: {text!r}") from None


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    kept = (tables.map_table_b2(char) for char in text if not tables.in_table_b1(char))
    return unicode_3_2.normalize("NFKC", "".join(kept))


def _compose(text: str) -> str:
    if text.isascii():
        return text
    return unicode_3_2.normalize("NFKC", "".join(char for char in text if not tables.in_table_b1(char)))


def _apply(profile: Callable[[str], str], text: str, part: str) -> str:
    """The profile until it changes nothing: some sequences fold once more after they were composed."""
    _bounded(text, part)
    for _ in range(ROUNDS):
        before, text = text, profile(text)
        if before == text:
            return text
    raise JIDError(f"the {part} has no stable prepared form")


def _bounded(text: str, part: str) -> None:
    """Before any work. (What preparation would shorten to a legal length is nobody's address.)"""
    if len(text) > PART_BYTES:
        raise JIDError(f"the {part} is longer than {PART_BYTES} bytes")


def _checked(prepared: str, part: str, prohibited: Iterable[Table], assigned: bool) -> str:
    suspects = {char for char in prepared if not "!" <= char <= "~"}  # graphic ASCII is in none of the tables
    if any(table(char) for char in suspects for table in prohibited):
        raise JIDError(f"the {part} has a prohibited character: {prepared!r}")
    if any(map(tables.in_table_d1, suspects)) and not _bidi(prepared):
        raise JIDError(f"the {part} mixes writing directions: {prepared!r}")
    if assigned:
        _refuse_unassigned(prepared, part)
    return _sized(prepared, part)


def _bidi(text: str) -> bool:
    """RFC 3454 6, for a text with at least one right-to-left character."""
    ends = tables.in_table_d1(text[0]) and tables.in_table_d1(text[-1])
    return ends and not any(map(tables.in_table_d2, text))


def _refuse_unassigned(text: str, part: str) -> None:
    if any(map(tables.in_table_a1, text)):
        raise JIDError(f"the {part} has a character that Unicode 3.2 doesn't know: {text!r}")


def _sized(prepared: str, part: str) -> str:
    if not prepared:
        raise JIDError(f"the {part} is empty")
    try:
        size = len(prepared.encode())
    except UnicodeEncodeError:
        raise JIDError(f"the {part} has a lone surrogate") from None
    if size > PART_BYTES:
        raise JIDError(f"the {part} is longer than {PART_BYTES} bytes")
    return prepared
