"""An account's tables in memory while one of its sessions is bound, and the native table that finds them."""

from enum import IntEnum
from typing import final

class Subscription(IntEnum):
    """What the data plane knows of a roster item (RFC 6121 2.1.2.5): "both" is 3."""

    SUB_TO = 1
    """The account sees the contact's presence."""
    SUB_FROM = 2
    """The contact sees the account's."""
    SUB_LISTED = 4
    """It is in the roster, whatever the subscription."""

class ArchiveMode(IntEnum):
    """Whose messages an account's archive takes (XEP-0441), the exceptions aside."""

    A_ALWAYS = 0
    A_NEVER = 1
    A_ROSTER = 2

@final
class Account:
    """Who of an account is here, who may see it, whom it has blocked. Made by Router.load()."""

    jid: bytes
    """Prepared bare JID."""
    reached: int
    """The highest archive number that one of its sessions is done with: acknowledged with stream management, written
    without."""
