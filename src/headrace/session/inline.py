"""What a client may ask for in the same breath as its login: the ports of inline features (XEP-0388, XEP-0386).

Nothing is advertised that nobody has registered.
"""

from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element

from headrace.core.jid import JID
from headrace.router.session import Session
from headrace.sasl.channel import Channel
from headrace.sasl.profile2 import Authenticate
from headrace.session.exchanges import Exchange, Realm


@dataclass(frozen=True, slots=True)
class Login:
    """A login that has succeeded, all tasks included."""

    account: JID
    request: Authenticate
    exchange: Exchange


class LoginFeature(Protocol):
    """Asked for inside <authenticate/>. Those of a server run in their order, before a resource is bound."""

    def feature(self, realm: Realm, channel: Channel) -> bytes:
        """Its child of <inline/>, as XML; nothing where it is not to be had."""

    async def run(self, login: Login) -> bytes:
        """What <success/> says of it, as XML; nothing if nobody asked. Raises StorageError."""


class BindFeatures(Protocol):
    """Asked for inside <bind/>, and switched on before the session gets anything
    (headrace.modules.loader.Dispatcher)."""

    @property
    def inline(self) -> tuple[str, ...]:
        """The `var` of each."""

    async def before(self, account: str) -> bytes:
        """What <bound/> says of the account before all else, as XML, asked just before the resource is bound."""

    def bound(self, session: Session, request: Element) -> bytes:
        """Carries out one child of <bind/>; what <bound/> says of it, as XML."""
