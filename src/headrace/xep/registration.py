"""XEP-0077 (version 2.4): <query/> of in-band registration, both ways."""

from typing import NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.ns import REGISTER
from headrace.core.writer import escape


class Asked(NamedTuple):
    """What an IQ set wants; None where an element is missing or empty."""

    username: str | None
    password: str | None
    remove: bool
    alone: bool  # <remove/> is the only child


def parse(query: Element) -> Asked:
    username, password = (query.findtext(f"{{{REGISTER}}}{name}") or None for name in ("username", "password"))
    return Asked(username, password, query.find(f"{{{REGISTER}}}remove") is not None, len(query) == 1)


def form(instructions: str) -> bytes:
    """What is to be filled in."""
    return (f"<query xmlns='{REGISTER}'><instructions>{escape(instructions)}</instructions>"
            "<username/><password/></query>").encode()


def registered(username: str) -> bytes:
    """What is on file for who has an account."""
    return f"<query xmlns='{REGISTER}'><registered/><username>{escape(username)}</username><password/></query>".encode()
