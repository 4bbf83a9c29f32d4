"""One client's stream from its header to a bound resource (RFC 6120 4 to 7): a state machine, no socket.

    HEADER --header--> LOGIN --<starttls/>--> HEADER, now inside TLS
                       LOGIN --<auth/>--> EXCHANGE --proof--> HEADER, now as an account
                             <--failure-- EXCHANGE
           --header--> BIND --bind request--> OVER: the router's session has the connection

An error in any state ends the stream: OVER. All that moves the state is in this file; _ROUTES says what may
come when.
"""

import math
import secrets
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from xml.etree.ElementTree import Element

from headrace.core import ns, reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.stanza import Stanza
from headrace.core.writer import escape
from headrace.sasl.failures import SaslFailure
from headrace.session.config import C2SConfig
from headrace.session.login import MECHANISMS, Authority, Exchange, mechanism
from headrace.session.ports import AccountLoader, Log, Sessions, Wire
from headrace.storage.ports import StorageError
from headrace.stream import features
from headrace.stream.errors import StreamError, stream_error
from headrace.stream.header import Header, default_language, judge_client, stream_header

END = b"</stream:stream>"


class State(Enum):
    HEADER = auto()     # a stream header has to come
    LOGIN = auto()      # features sent, nobody logged in
    EXCHANGE = auto()   # a SASL challenge is out
    BIND = auto()       # logged in, no resource yet
    OVER = auto()       # ended, or bound: nothing more is ours


@dataclass(frozen=True, slots=True)
class Services:
    """What all negotiations of a server share."""

    authority: Authority
    accounts: AccountLoader
    sessions: Sessions
    log: Log


class Negotiation:
    """headrace.session.ports.Negotiator for one connection."""

    def __init__(self, config: C2SConfig, services: Services, wire: Wire) -> None:
        self.state = State.HEADER
        self.account: JID | None = None     # bare, once logged in
        self._config = config
        self._services = services
        self._wire = wire
        self._exchange: Exchange | None = None
        self._attempts = 0
        self._host: str | None = None
        self._lang: str | None = None
        self._opened = False    # our header of this stream is sent

    # what the connection tells

    def opened(self, header: Header) -> None:
        """RFC 6120 4.2, 4.7: our header answers the peer's, and the features follow."""
        try:
            host, claimed = self._judge(header)
        except StreamError as error:
            self._fail(error.condition, error.text, content=error.content)
            return
        self._host, self._lang = host, default_language(header.lang)
        self._open(to=claimed)
        self._wire.send(features.features(self._features()))
        self.state = State.LOGIN if self.account is None else State.BIND

    def element(self, stanza: Stanza) -> Awaitable[None] | None:
        """One top-level element, by the table below."""
        handler = _ROUTES.get((self.state, stanza.namespace, stanza.name))
        if handler is not None:
            return handler(self, stanza)
        if stanza.namespace == ns.CLIENT and stanza.name in ("message", "presence", "iq"):
            self._fail("not-authorized", "stanzas can be sent once a resource is bound")
        else:
            self._fail("unsupported-stanza-type", f"<{stanza.name}/> is not expected here")
        return None

    def closed(self) -> None:
        """RFC 6120 4.4: the answer to a closing tag is a closing tag."""
        self._end(END)

    def failed(self, condition: str, text: str) -> None:
        self._fail(condition, text)

    def expired(self) -> None:
        self._fail("connection-timeout", "logging in took too long")

    def stopped(self) -> None:
        self._fail("system-shutdown", "")

    def crashed(self, error: BaseException) -> None:
        self._services.log.exception("negotiation failed", exc_info=error, address=self._wire.address)
        self._fail("internal-server-error", "")

    # stream

    def _judge(self, header: Header) -> tuple[str, str | None]:
        """The prepared host and the bare JID that the client claims. Raises StreamError."""
        elsewhere = self._config.elsewhere
        host, claimed = judge_client(header, self._services.sessions.hosts | elsewhere.keys())
        if self.account is not None and host != self.account.domain:
            raise StreamError("not-authorized", "you are logged in at another host")
        if self.account is not None and claimed not in (None, self.account.bare):
            raise StreamError("invalid-from", "you are logged in by another name")
        if host in elsewhere and self._may_log_in():    # inside TLS: who says so has proven to be this host
            self._host = host
            raise StreamError("see-other-host", content=elsewhere[host])
        return host, claimed

    def _open(self, to: str | None = None) -> None:
        origin = self._host or next(iter(sorted(self._services.sessions.hosts)), None)
        self._wire.send(stream_header(from_=origin, to=to, id=secrets.token_hex(8)))
        self._opened = True

    def _fail(self, condition: str, text: str, *, content: str = "") -> None:
        """A stream error; our header goes before it if it has not yet (RFC 6120 4.9.1.2)."""
        if self.state is State.OVER:
            return
        self._services.log.info("stream error", address=self._wire.address, condition=condition, text=text,
                                account=self.account and self.account.bare)
        if not self._opened:
            self._open()
        self._end(stream_error(condition, text, content=content) + END)

    def _end(self, last: bytes) -> None:
        if self.state is not State.OVER:
            self.state = State.OVER
            self._wire.send(last)
            self._wire.finish()

    def _restart(self) -> None:
        self._opened = False
        self.state = State.HEADER

    def _features(self) -> list[bytes]:
        config = self._config
        if self.account is not None:
            limit = features.limits(config.after.stanza, math.ceil(config.session.idle_seconds) or None)
            return [features.bind(), *config.features, limit]
        parts = []
        if self._may_start_tls():
            parts.append(features.starttls(required=config.tls == "starttls"))
        if self._may_log_in():
            parts.append(features.mechanisms(MECHANISMS))
        return [*parts, features.limits(config.before.stanza)]

    # TLS (RFC 6120 5.4)

    def _may_start_tls(self) -> bool:
        return not self._wire.secure and self._config.tls != "direct"

    def _start_tls(self, stanza: Stanza) -> None:
        if not self._may_start_tls():
            self._end(f"<failure xmlns='{ns.TLS}'/>".encode() + END)
            return
        self._wire.send(f"<proceed xmlns='{ns.TLS}'/>".encode())
        self._wire.start_tls()
        self._restart()

    # SASL (RFC 6120 6.4)

    def _may_log_in(self) -> bool:
        return self._wire.secure or self._config.tls == "optional"

    def _auth(self, stanza: Stanza) -> Awaitable[None] | None:
        element = stanza.element()
        try:
            if not self._may_log_in():
                raise SaslFailure("encryption-required", "TLS first")
            assert self._host is not None
            chosen = mechanism(element.get("mechanism"))
            self._exchange = Exchange(self._services.authority, chosen, self._host, self._wire.address)
            if element.text:
                return self._step(_decode(element))
        except SaslFailure as failure:
            self._refuse(failure)
        else:  # no initial response: the client speaks first in all our mechanisms, so ask for it
            self._challenge(b"")
        return None

    def _response(self, stanza: Stanza) -> Awaitable[None] | None:
        try:
            return self._step(_decode(stanza.element()))
        except SaslFailure as failure:
            self._refuse(failure)
            return None

    def _abort(self, stanza: Stanza) -> None:
        self._refuse(SaslFailure("aborted"))

    def _stray(self, stanza: Stanza) -> None:
        self._refuse(SaslFailure("malformed-request", f"<{stanza.name}/> is not expected here"))

    async def _step(self, message: bytes) -> None:
        assert self._exchange is not None
        try:
            challenge = await self._exchange.step(message)
        except SaslFailure as failure:
            self._refuse(failure)
            return
        if self._exchange.done:
            self._welcome(self._exchange)
        else:
            self._challenge(challenge or b"")

    def _challenge(self, message: bytes) -> None:
        self._wire.send(f"<challenge xmlns='{ns.SASL}'>".encode() + b64encode(message) + b"</challenge>")
        self.state = State.EXCHANGE

    def _welcome(self, exchange: Exchange) -> None:
        """Logged in; the client restarts the stream (RFC 6120 6.4.6)."""
        self.account, self._exchange = exchange.account, None
        self._services.log.info("logged in", account=self.account and self.account.bare,
                                mechanism=exchange.mechanism.name, tls=self._wire.secure,
                                address=self._wire.address)
        self._wire.authenticated()
        inside = b64encode(exchange.last_words or b"")
        self._wire.send(f"<success xmlns='{ns.SASL}'>".encode() + inside + b"</success>")
        self._wire.restart()
        self._restart()

    def _refuse(self, failure: SaslFailure) -> None:
        """A failed login; a few may follow on the same stream (RFC 6120 6.4.5)."""
        exchange, self._exchange = self._exchange, None
        claimed = exchange.account.bare if exchange and exchange.account else None
        self._services.log.warning("login failed", account=claimed, condition=failure.condition,
                                   text=failure.text, address=self._wire.address)
        text = f"<text xml:lang='en'>{escape(failure.text)}</text>" if failure.text else ""
        self._wire.send(f"<failure xmlns='{ns.SASL}'><{failure.condition}/>{text}</failure>".encode())
        self.state = State.LOGIN
        self._attempts += 1
        if self._attempts >= self._config.negotiation.sasl_attempts:
            self._fail("policy-violation", "too many failed logins")

    # resource binding (RFC 6120 7)

    def _iq(self, stanza: Stanza) -> Awaitable[None] | None:
        if stanza.type != "set" or (stanza.child_namespace, stanza.child_name) != (ns.BIND, "bind"):
            self._fail("not-authorized", "bind a resource first")
            return None
        assert self.account is not None
        asked = stanza.element().find(f"{{{ns.BIND}}}bind/{{{ns.BIND}}}resource")
        resource = secrets.token_hex(8) if asked is None else asked.text or ""
        try:
            if not stanza.id or not resource:
                raise JIDError("empty")
            jid = self.account.with_resource(resource)
        except JIDError:
            self._reject(stanza, "bad-request")
            return None
        return self._bind(stanza, jid)

    async def _bind(self, stanza: Stanza, jid: JID) -> None:
        sessions = self._services.sessions
        try:
            await self._services.accounts.load(jid.bare)
        except StorageError:
            self._reject(stanza, "internal-server-error")
            return
        except BaseException:  # given up while loading
            sessions.release(jid.bare)
            raise
        older = sessions.find(jid.full)
        if older is not None:  # most often the same client, whose old connection is dead (RFC 6120 7.7.2.2)
            sessions.end(older, "conflict", "replaced by a new connection")
        payload = f"<bind xmlns='{ns.BIND}'><jid>{escape(jid.full)}</jid></bind>".encode()
        self._wire.send(reply.iq_result(stanza, payload))
        self._wire.bind(jid.full, self._lang)
        self.state = State.OVER

    def _reject(self, stanza: Stanza, condition: str) -> None:
        self._wire.send(reply.error_reply(stanza, condition) or b"")


def _decode(element: Element) -> bytes:
    """The data of a SASL element; "=" stands for none (RFC 6120 6.4.2). SaslFailure: incorrect-encoding."""
    text = element.text or ""
    try:
        return b"" if text == "=" else b64decode(text.encode(), validate=True)
    except ValueError:
        raise SaslFailure("incorrect-encoding", "not base64") from None


_Handler = Callable[[Negotiation, Stanza], Awaitable[None] | None]

_ROUTES: dict[tuple[State, str, str], _Handler] = {
    (State.LOGIN, ns.TLS, "starttls"): Negotiation._start_tls,
    (State.LOGIN, ns.SASL, "auth"): Negotiation._auth,
    (State.LOGIN, ns.SASL, "response"): Negotiation._stray,
    (State.LOGIN, ns.SASL, "abort"): Negotiation._abort,
    (State.EXCHANGE, ns.SASL, "response"): Negotiation._response,
    (State.EXCHANGE, ns.SASL, "abort"): Negotiation._abort,
    (State.EXCHANGE, ns.SASL, "auth"): Negotiation._stray,
    (State.BIND, ns.CLIENT, "iq"): Negotiation._iq,
}
