"""One client's stream from its header to a bound resource (RFC 6120 4 to 7): a state machine, no socket.

    HEADER --header--> LOGIN --<starttls/>--> HEADER, now inside TLS
                       LOGIN --<auth/>--> EXCHANGE --proof--> HEADER, now as an account
                             <--failure-- EXCHANGE
           --header--> BIND --bind request, or <resume/>--> OVER: the router's session has the connection

and by XEP-0388, where proof leads on without a restart, past upgrade tasks (XEP-0480) if need be:

                       LOGIN --<authenticate/>--> EXCHANGE2 --proof--> (TASK) --> BIND, or OVER with a resource
                             <--failure-- EXCHANGE2 or TASK

An error in any state ends the stream: OVER. All that moves the state is in this file; _ROUTES says what may
come when.
"""

from collections.abc import Callable, Coroutine
from enum import IntEnum, auto
from functools import partial
from os import urandom
from typing import Any
from xml.etree.ElementTree import fromstring

from headrace.core import ns, reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.stanza import Stanza
from headrace.core.writer import escape
from headrace.net.limits import network
from headrace.router.session import Session
from headrace.sasl import profile, profile2
from headrace.sasl.failures import SaslFailure
from headrace.session.binding import TooManySessions
from headrace.session.config import C2SConfig
from headrace.session.entry import Entry
from headrace.session.exchanges import Exchange, Peer, Work, begin
from headrace.session.fast import TokenExchange
from headrace.session.inline import Login
from headrace.session.offers import Greeting, Offers
from headrace.session.ports import Entering, Proven, Wire
from headrace.session.resumption import Found, attach
from headrace.session.services import Services
from headrace.session.upgrades import Upgrades
from headrace.storage.ports import StorageError
from headrace.stream.errors import StreamError, stream_error
from headrace.stream.header import END, Header, default_language, judge_client, stream_header
from headrace.xep.management import failed

_RESOURCE = f"{{{ns.BIND}}}resource"

# What takes time, not begun yet: headrace.session.exchanges.Work says why.
_Later = Callable[[], Coroutine[Any, Any, None]]


class State(IntEnum):   # hashed by C: each element looks its route up
    HEADER = auto()     # a stream header has to come
    LOGIN = auto()      # features sent, nobody logged in
    EXCHANGE = auto()   # a SASL challenge is out
    EXCHANGE2 = auto()  # one of XEP-0388
    TASK = auto()       # XEP-0388's <continue/> is out
    BIND = auto()       # logged in, no resource yet
    OVER = auto()       # ended, or bound: nothing more is ours


class Negotiation:
    """headrace.session.ports.Negotiator for one connection."""

    def __init__(self, config: C2SConfig, services: Services, offers: Offers, wire: Wire) -> None:
        self.state = State.HEADER
        self.account: JID | None = None     # bare, once logged in
        self._config = config
        self._services = services
        self._offers = offers
        self._wire = wire
        self._greeting: Greeting | None = None
        self._exchange: Exchange | None = None
        self._request: profile2.Authenticate | None = None      # where the exchange is one of XEP-0388
        self._upgrades: Upgrades | None = None
        self._attempts = 0
        self._host: str | None = None
        self._claimed: str | None = None    # the bare JID of the header's `from`
        self._lang: str | None = None
        self._opened = False    # our header of this stream is sent

    # what the connection tells

    def opened(self, header: Header) -> None:
        """RFC 6120 4.2, 4.7: our header answers the peer's, and the features follow."""
        try:
            self._host, self._claimed = self._judge(header)
        except StreamError as error:
            self._fail(error.condition, error.text, content=error.content)
            return
        self._lang = default_language(header.lang)
        self._open(to=self._claimed)
        if self.account is None:
            self._greeting = self._offers.greeting(self._host, self._wire.channel)
            self._wire.send(self._greeting.features)
            self.state = State.LOGIN
        else:
            self._wire.send(self._offers.unbound)
            self.state = State.BIND

    def element(self, stanza: Stanza) -> Coroutine[Any, Any, None] | None:
        """One top-level element, by the table below."""
        handler = _ROUTES.get((self.state, stanza.namespace, stanza.name))
        if handler is not None:
            return self._handle(handler, stanza)
        if stanza.namespace == ns.CLIENT and stanza.name in ("message", "presence", "iq"):
            self._too_early()
        else:
            self._fail("unsupported-stanza-type", f"<{stanza.name}/> is not expected here")
        return None

    def closed(self) -> None:
        """RFC 6120 4.4: the answer to a closing tag is a closing tag."""
        self._end(END)

    def failed(self, condition: str, text: str) -> None:
        self._fail(condition, text)

    def revoked(self, account: str) -> bool:
        exchange = self._exchange
        claimed = self.account or (exchange and exchange.account)
        if not claimed or claimed.bare != account:
            return False
        if exchange is not None:
            exchange.revoked = True
        return exchange is None or exchange.done

    def crashed(self, error: BaseException) -> None:
        self._services.log.exception("negotiation failed", exc_info=error, address=self._wire.address)
        self._fail("internal-server-error", "")

    def _too_early(self) -> None:
        self._fail("not-authorized", "stanzas can be sent once a resource is bound")

    def _handle(self, handler: "_Handler", stanza: Stanza) -> Coroutine[Any, Any, None] | None:
        """A handler may raise a SaslFailure, now or while it is awaited."""
        try:
            outcome = handler(self, stanza)
        except SaslFailure as failure:
            self._refuse(failure, stanza.namespace)
            return None
        return None if outcome is None else self._finish(outcome, stanza.namespace)

    async def _finish(self, work: _Later, namespace: str) -> None:
        try:
            await work()
        except SaslFailure as failure:
            self._refuse(failure, namespace)
        except StreamError as error:
            self._fail(error.condition, error.text, extra=error.extra)

    # stream

    def _judge(self, header: Header) -> tuple[str, str | None]:
        """The prepared host and the bare JID that the client claims. Raises StreamError."""
        elsewhere, account = self._config.elsewhere, self.account
        host, claimed = judge_client(header, self._offers.hosts)
        if account is not None and host != account.domain:
            raise StreamError("not-authorized", "you are logged in at another host")
        if account is not None and claimed not in (None, account.bare):
            raise StreamError("invalid-from", "you are logged in by another name")
        if host in elsewhere and (self._wire.channel is not None or self._config.tls == "optional"):
            self._host = host       # inside TLS: who says so has proven to be this host
            raise StreamError("see-other-host", content=elsewhere[host])
        return host, claimed

    def _open(self, to: str | None = None) -> None:
        origin = self._host or next(iter(sorted(self._services.sessions.hosts)), None)
        self._wire.send(stream_header(from_=origin, to=to, id=urandom(8).hex()))
        self._opened = True

    def _fail(self, condition: str, text: str, *, content: str = "", extra: bytes = b"") -> None:
        """A stream error; our header goes before it if it has not yet (RFC 6120 4.9.1.2)."""
        if self.state is State.OVER:
            return
        self._services.log.info("stream error", address=self._wire.address, condition=condition, text=text,
                                account=self.account and self.account.bare)
        if not self._opened:
            self._open()
        self._end(stream_error(condition, text, content=content, extra=extra) + END)

    def _end(self, last: bytes) -> None:
        if self.state is not State.OVER:
            self.state = State.OVER
            self._wire.send(last)
            self._wire.finish()

    def _restart(self) -> None:
        self._opened = False
        self.state = State.HEADER

    # TLS (RFC 6120 5.4)

    def _start_tls(self, stanza: Stanza) -> None:
        if self._wire.channel is not None or self._config.tls == "direct":
            self._end(f"<failure xmlns='{ns.TLS}'/>".encode() + END)
            return
        self._wire.send(f"<proceed xmlns='{ns.TLS}'/>".encode())
        assert self._host is not None
        self._wire.start_tls(self._host)
        self._restart()

    # sign-up (XEP-0077 3.1.1)

    def _register(self, stanza: Stanza) -> _Later | None:
        assert self._greeting is not None
        wanted = stanza.child_namespace == ns.REGISTER and stanza.type in ("get", "set")
        if not (wanted and self._greeting.registration):
            self._too_early()
            return None
        return partial(self._sign_up, stanza)

    async def _sign_up(self, stanza: Stanza) -> None:
        assert self._host is not None
        done = await self._services.sign_up.answer(stanza, self._host, self._wire.address)
        if done.account is not None:
            self._services.log.info("signed up", account=done.account, address=self._wire.address)
        self._wire.send(done.answer)

    # SASL (RFC 6120 6.4)

    def _auth(self, stanza: Stanza) -> _Later | None:
        element = stanza.element()
        self._exchange = begin(element.get("mechanism", ""), self._services.authority, self._peer(None))
        return self._start(profile.data(element))

    def _response(self, stanza: Stanza) -> _Later | None:
        return self._step(profile.data(stanza.element()) or b"")

    def _abort(self, stanza: Stanza) -> None:
        raise SaslFailure("aborted")

    def _stray(self, stanza: Stanza) -> None:
        raise SaslFailure("malformed-request", f"<{stanza.name}/> is not expected here")

    # SASL2 (XEP-0388 2)

    def _authenticate(self, stanza: Stanza) -> _Later | None:
        assert self._greeting is not None
        request = self._request = profile2.authenticate(stanza.element())
        if not self._greeting.sasl2:
            raise SaslFailure("encryption-required", "TLS first")
        if request.version not in (None, self._greeting.version):
            self._mismatch()
            return None
        self._exchange = self._begin2(request)
        return self._start(request.initial)

    def _begin2(self, request: profile2.Authenticate) -> Exchange:
        services, peer = self._services, self._peer(self._claimed)
        if request.child(ns.FAST, "fast") is not None:
            return TokenExchange(request.mechanism, services.authority, peer, services.fast, request.client)
        return begin(request.mechanism, services.authority, peer)

    def _response2(self, stanza: Stanza) -> _Later | None:
        return self._step(profile2.data(stanza.element()))

    def _mismatch(self) -> None:
        """A login was sent before our features were seen, and they are not what it expects (XEP-0509): no failure that
        counts."""
        extra = f"<config-version-mismatch xmlns='{ns.PIPELINING}'/>".encode()
        self._wire.send(profile2.failure(SaslFailure("aborted", "these are other features than you know", extra)))
        self._request = None

    # what both have in common

    def _peer(self, claimed: str | None) -> Peer:
        assert self._host is not None
        assert self._greeting is not None
        return Peer(self._host, network(self._wire.address), self._wire.channel, self._greeting.offer, claimed)

    def _start(self, initial: bytes | None) -> _Later | None:
        assert self._exchange is not None
        if initial is not None or not self._exchange.needs_message:
            return self._step(initial or b"")
        self._challenge(b"")    # the client speaks first in all our mechanisms: ask for it
        return None

    def _step(self, message: bytes) -> _Later | None:
        assert self._exchange is not None
        answer = self._exchange.step(message)
        if callable(answer):
            return partial(self._wait, answer)
        return self._stepped(answer)

    async def _wait(self, answer: Work) -> None:
        after = self._stepped(await answer())
        if after is not None:
            await after()

    def _stepped(self, challenge: bytes | None) -> _Later | None:
        exchange = self._exchange
        assert exchange is not None
        if not exchange.done:
            self._challenge(challenge or b"")
            return None
        if self._request is None:
            self._welcome(exchange)
            return None
        authority = self._services.authority
        verifiers = authority.realms[self._host or ""].verifiers
        self._upgrades = Upgrades(verifiers, authority.decoys.iterations, self._request, exchange)
        return self._go_on(exchange.last_words)

    def _challenge(self, message: bytes) -> None:
        if self._request is None:
            self._wire.send(profile.challenge(message))
            self.state = State.EXCHANGE
        else:
            self._wire.send(profile2.challenge(message))
            self.state = State.EXCHANGE2

    def _refuse(self, failure: SaslFailure, namespace: str) -> None:
        """A failed login, told in the profile that the client used; a few may follow on the same stream
        (RFC 6120 6.4.5)."""
        exchange = self._exchange
        self._exchange = self._request = self._upgrades = None
        claimed = exchange.account.bare if exchange and exchange.account else None
        self._services.log.warning("login failed", account=claimed, condition=failure.condition,
                                   text=failure.text, address=self._wire.address)
        self._wire.send(profile2.failure(failure) if namespace == ns.SASL2 else profile.failure(failure))
        self.state = State.LOGIN
        self._attempts += 1
        if self._attempts >= self._config.negotiation.sasl_attempts:
            self._fail("policy-violation", "too many failed logins")

    # after the proof

    def _welcome(self, exchange: Exchange) -> None:
        """Logged in; the client restarts the stream (RFC 6120 6.4.6)."""
        self.account, self._exchange = exchange.account, None
        self._note(exchange, secure=self._wire.channel is not None)
        self._wire.authenticated()
        self._wire.send(profile.success(exchange.last_words))
        self._wire.restart()
        self._restart()
        if self._is_away(exchange.account):
            self._move_home(None)

    def _is_away(self, account: JID | None) -> bool:
        """Is the account's home another worker?"""
        homes = self._services.homes
        return homes is not None and account is not None and not homes.is_home(account.bare)

    def _move_home(self, entry: Entering | None) -> None:
        """The account's home goes on."""
        assert self._services.homes is not None
        assert self.account is not None
        assert self._host is not None
        self.state = State.OVER
        self._services.homes.move(self._wire, Proven(self.account.bare, self._host, self._lang, entry))

    def adopt(self, proven: Proven) -> Coroutine[Any, Any, None] | None:
        """A login that another worker has checked; before anything is told of its connection."""
        self.account, self._host, self._lang = JID.parse(proven.account), proven.host, proven.lang
        if proven.entry is None:
            return None
        self._opened = True
        return self._enter_here(self.account, proven.entry)

    async def _enter_here(self, account: JID, entering: Entering) -> None:
        request = profile2.authenticate(fromstring(entering.request))
        entry = Entry(self._services, self._offers, self._wire, account, request)
        try:
            bound = await entry.run(entering.last_words, entering.granted, self._lang)
        except SaslFailure as failure:      # another attempt would begin where the connection was accepted
            self._wire.send(profile2.failure(failure))
            self._fail("resource-constraint", failure.text)
        except StreamError as error:
            self._fail(error.condition, error.text, extra=error.extra)
        else:
            self.state = State.OVER if bound else State.BIND

    def _go_on(self, last_words: bytes | None) -> _Later | None:
        """To the next task, or in."""
        assert self._upgrades is not None
        if self._upgrades.task is None:
            return partial(self._enter, last_words)
        self._wire.send(profile2.go_on(self._upgrades.task, last_words))
        self.state = State.TASK
        return None

    def _next(self, stanza: Stanza) -> None:
        assert self._upgrades is not None
        self._wire.send(self._upgrades.begin(stanza.element().get("task")))

    def _task_data(self, stanza: Stanza) -> _Later:
        return partial(self._upgrade, stanza)

    async def _upgrade(self, stanza: Stanza) -> None:
        assert self._upgrades is not None
        await self._upgrades.finish(stanza.element())
        after = self._go_on(None)
        if after is not None:
            await after()

    async def _enter(self, last_words: bytes | None) -> None:
        exchange, request = self._exchange, self._request
        assert exchange is not None
        assert request is not None
        assert exchange.account is not None
        entry = Entry(self._services, self._offers, self._wire, exchange.account, request)
        secure = self._wire.channel is not None     # a session takes the link away
        granted = await entry.grant(Login(exchange.account, request, exchange))
        away = self._is_away(exchange.account)
        bound = away or await entry.run(last_words, granted, self._lang)
        self.account, self._exchange, self._upgrades = exchange.account, None, None
        self._note(exchange, secure=secure)
        self.state = State.OVER if bound else State.BIND
        if away:
            self._move_home(Entering(profile2.wishes(request), last_words, granted))

    def _note(self, exchange: Exchange, *, secure: bool) -> None:
        self._services.log.info("logged in", account=exchange.account and exchange.account.bare,
                                mechanism=exchange.name, tls=secure, address=self._wire.address)

    # resource binding (RFC 6120 7)

    def _iq(self, stanza: Stanza) -> _Later | None:
        if stanza.type != "set" or (stanza.child_namespace, stanza.child_name) != (ns.BIND, "bind"):
            self._fail("not-authorized", "bind a resource first")
            return None
        assert self.account is not None
        asked = stanza.element()[0].find(_RESOURCE)
        resource = urandom(8).hex() if asked is None else asked.text or ""
        try:
            if not stanza.id or not resource:
                raise JIDError("empty")
            jid = JID.parse(f"{self.account.bare}/{resource}")
        except JIDError:
            self._reject(stanza, "bad-request")
            return None
        return partial(self._bind, stanza, jid)

    async def _bind(self, stanza: Stanza, jid: JID) -> None:
        binder = self._services.binder
        try:
            await binder.load(jid)
        except StorageError:
            self._reject(stanza, "resource-constraint")
            return
        try:
            binder.replace(jid)
        except TooManySessions as error:
            binder.release(jid)
            self._reject(stanza, "resource-constraint", str(error))
            return
        payload = f"<bind xmlns='{ns.BIND}'><jid>{escape(jid.full)}</jid></bind>".encode()

        def greet(session: Session) -> bytes:
            return reply.iq_result(stanza, payload)

        self._wire.bind(jid.full, self._lang, greet)
        self.state = State.OVER

    # stream management (XEP-0198 5)

    def _resume(self, stanza: Stanza) -> _Later:
        return partial(self._find, stanza)

    async def _find(self, stanza: Stanza) -> None:
        assert self.account is not None
        found = await self._services.resumption.find(self.account, stanza.element())
        if isinstance(found, Found):
            attach(self._wire, self._lang, found)
            self.state = State.OVER
        else:
            self._wire.send(found)

    def _early(self, stanza: Stanza) -> None:
        """Nobody has logged in, or no resource is bound."""
        self._wire.send(failed("unexpected-request"))

    def _reject(self, stanza: Stanza, condition: str, text: str = "") -> None:
        self._wire.send(reply.error_reply(stanza, condition, text) or b"")


_Handler = Callable[[Negotiation, Stanza], _Later | None]

_ROUTES: dict[tuple[State, str, str], _Handler] = {
    (State.LOGIN, ns.TLS, "starttls"): Negotiation._start_tls,
    (State.LOGIN, ns.SASL, "auth"): Negotiation._auth,
    (State.LOGIN, ns.SASL, "response"): Negotiation._stray,
    (State.LOGIN, ns.SASL, "abort"): Negotiation._abort,
    (State.LOGIN, ns.SASL2, "authenticate"): Negotiation._authenticate,
    (State.LOGIN, ns.CLIENT, "iq"): Negotiation._register,
    (State.EXCHANGE, ns.SASL, "response"): Negotiation._response,
    (State.EXCHANGE, ns.SASL, "abort"): Negotiation._abort,
    (State.EXCHANGE, ns.SASL, "auth"): Negotiation._stray,
    (State.EXCHANGE2, ns.SASL2, "response"): Negotiation._response2,
    (State.EXCHANGE2, ns.SASL2, "abort"): Negotiation._abort,
    (State.TASK, ns.SASL2, "next"): Negotiation._next,
    (State.TASK, ns.SASL2, "task-data"): Negotiation._task_data,
    (State.TASK, ns.SASL2, "abort"): Negotiation._abort,
    (State.LOGIN, ns.SM, "enable"): Negotiation._early,
    (State.LOGIN, ns.SM, "resume"): Negotiation._early,
    (State.BIND, ns.SM, "enable"): Negotiation._early,
    (State.BIND, ns.SM, "resume"): Negotiation._resume,
    (State.BIND, ns.CLIENT, "iq"): Negotiation._iq,
}
