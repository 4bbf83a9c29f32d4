"""XEP-0157 (version 1.1.1): contact addresses of a service, as a form of XEP-0128."""

from collections.abc import Mapping, Sequence
from typing import Final

from headrace.xep.forms import Field, form

FORM_TYPE: Final = "http://jabber.org/network/serverinfo"
PURPOSES: Final = ("abuse", "admin", "feedback", "sales", "security", "status", "support")


def contacts(addresses: Mapping[str, Sequence[str]]) -> bytes:
    """The form, with the URIs of each purpose."""
    fields = [Field(f"{purpose}-addresses", "list-multi", values=tuple(addresses[purpose]))
              for purpose in PURPOSES if purpose in addresses]
    return form("result", FORM_TYPE, fields)
