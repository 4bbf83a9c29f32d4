"""XEP-0030 (version 2.5.0): service discovery answers, as bytes of the <query/>."""

from collections.abc import Iterable
from typing import NamedTuple

from headrace.core.ns import DISCO_INFO, DISCO_ITEMS
from headrace.core.writer import escape


class Identity(NamedTuple):
    """What an entity is: category and type of the registrar's list, such as ("server", "im")."""

    category: str
    type: str
    name: str | None = None
    lang: str | None = None


class Item(NamedTuple):
    """What an entity has beside or below it."""

    jid: str
    name: str | None = None
    node: str | None = None


def _attributes(**values: str | None) -> str:
    written = ((key.replace("lang", "xml:lang"), value) for key, value in values.items() if value is not None)
    return "".join(f" {key}='{escape(value)}'" for key, value in written)


def info(identities: Iterable[Identity], features: Iterable[str], *, node: str | None = None,
         forms: Iterable[bytes] = ()) -> bytes:
    """disco#info. Features come sorted and each once; `forms` are XEP-0128 extensions, already XML."""
    parts = [f"<identity{_attributes(**identity._asdict())}/>" for identity in identities]
    parts += [f"<feature{_attributes(var=var)}/>" for var in sorted(set(features))]
    head = f"<query xmlns='{DISCO_INFO}'{_attributes(node=node)}>"
    return (head + "".join(parts)).encode() + b"".join(forms) + b"</query>"


def items(entries: Iterable[Item], *, node: str | None = None) -> bytes:
    """disco#items."""
    inside = "".join(f"<item{_attributes(**entry._asdict())}/>" for entry in entries)
    return f"<query xmlns='{DISCO_ITEMS}'{_attributes(node=node)}>{inside}</query>".encode()
