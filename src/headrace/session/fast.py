"""Login tokens (XEP-0484): given to a client that has logged in, good for its next logins in one round trip.

The mechanism's proof is made with the token itself, so a stored hash of it would be as good as the token. Stored is
therefore only a random seed: the token follows from it, the account, the client and a key that is not in the database.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import urandom

from headrace.core import ns
from headrace.core.jid import JID
from headrace.sasl import ht
from headrace.sasl.channel import Channel
from headrace.sasl.failures import SaslFailure
from headrace.sasl.mac import mac
from headrace.session.exchanges import AnonymousExchange, Authority, Exchange, Peer, Realm, Work
from headrace.session.inline import Login
from headrace.storage.ports import StorageError, Token, TokenStore
from headrace.stream import features
from headrace.xep.datetimes import format_datetime

DAY = 86_400.0
SEED_BYTES = 16
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class FastPolicy:
    """Numbers of protocol.md 11."""

    lifetime: float = 21 * DAY  # s; who is away for longer types a password again
    rotation: float = DAY       # s; a stolen token is noticed or useless soon after its owner's next login
    clients: int = 50           # per account that hold tokens; who logged in least lately loses its own


class Fast:
    """Gives and checks tokens; a headrace.session.inline.LoginFeature."""

    def __init__(self, tokens: TokenStore, key: bytes, *, now: Callable[[], float],
                 policy: FastPolicy | None = None) -> None:
        """key: KEY_BYTES, the same for all time and for all servers of these accounts. now: unix seconds."""
        if len(key) < KEY_BYTES:
            raise ValueError(f"the token key needs at least {KEY_BYTES} bytes")
        self.tokens = tokens
        self.now = now
        self.policy = policy or FastPolicy()
        self._key = key

    def secret(self, account: str, client: str, token: Token) -> str:
        """The token as its client knows it."""
        of = "\0".join((account, client, token.mechanism)).encode() + b"\0" + token.seed
        return urlsafe_b64encode(mac("sha256", self._key, of)).rstrip(b"=").decode()

    def feature(self, realm: Realm, channel: Channel) -> bytes:
        return b"" if realm.anonymous else features.inline_fast(offered(channel))

    async def run(self, login: Login) -> bytes:
        """A token that was asked for, or that takes the place of an old one."""
        used = login.exchange.token if isinstance(login.exchange, TokenExchange) else None
        client, account = login.request.client, login.account.bare
        if client is None or isinstance(login.exchange, AnonymousExchange):
            return b""
        fast, wish = login.request.child(ns.FAST, "fast"), login.request.child(ns.FAST, "request-token")
        mechanism = None if wish is None else wish.get("mechanism")
        if used is not None and fast is not None and fast.get("invalidate") in ("1", "true"):
            await self.tokens.forget(account, client)
        elif used is not None and mechanism is None and self._old(used):
            mechanism = used.mechanism
        if mechanism is None or mechanism not in ht.MECHANISMS:
            return b""
        now = self.now()
        token = Token(mechanism, urandom(SEED_BYTES), now, now + self.policy.lifetime)
        await self.tokens.issue(account, client, token, self.policy.clients)
        return (f"<token xmlns='{ns.FAST}' expiry='{format_datetime(token.expires)}'"
                f" token='{self.secret(account, client, token)}'/>").encode()

    def _old(self, token: Token) -> bool:
        return self.now() - token.issued >= self.policy.rotation


def offered(channel: Channel) -> tuple[str, ...]:
    """The mechanisms that can be had over it."""
    bindings = channel.bindings()
    return tuple(name for name, kind in ht.MECHANISMS.items() if kind is None or kind in bindings)


class TokenExchange(Exchange):
    """A login by token."""

    def __init__(self, name: str, authority: Authority, peer: Peer, fast: Fast, client: str | None) -> None:
        """SaslFailure: invalid-mechanism, for one that is not offered."""
        super().__init__(name, authority, peer)
        if peer.channel is None or name not in offered(peer.channel):
            raise SaslFailure("invalid-mechanism", "not one of the mechanisms offered")
        self.token: Token | None = None     # the one that was used
        self._hashed = ht.HashedToken(name, peer.channel)
        self._fast = fast
        self._client = client or ""

    def step(self, message: bytes) -> Work:
        self._hashed.identify(message)
        return partial(self._check, self._claim(self._hashed.username, ""))

    async def _check(self, account: JID) -> None:
        self.account = account
        self._refuse_early(account)
        tokens = self._fast.tokens
        try:
            held = await tokens.get(account.bare, self._client)
            for token in (held.fresh, held.current):
                if self._matches(account, token):
                    self.token = token
                    break
            self._conclude(account, right=self.token is not None)
            if self.token is held.fresh and self.token is not None:
                await tokens.used(account.bare, self._client, self.token)
        except StorageError:
            self.done = False
            raise SaslFailure("temporary-auth-failure", "tokens cannot be read now") from None

    def _matches(self, account: JID, token: Token | None) -> bool:
        """SaslFailure: credentials-expired, of a token that would be right."""
        nothing = Token(self.name, b"", 0.0, 0.0)     # who holds no token takes the same road
        secret = self._fast.secret(account.bare, self._client, token or nothing)
        answer = self._hashed.finish(secret)
        if token is None or answer is None or token.mechanism != self.name:
            return False
        if token.expires <= self._fast.now():
            raise SaslFailure("credentials-expired", "log in with the password")
        self.last_words = answer
        return True
