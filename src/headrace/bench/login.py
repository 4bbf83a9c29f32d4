"""From an account to a bound resource (RFC 6120 5 to 7; XEP-0388, XEP-0386, XEP-0484)."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element

from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.options import Options
from headrace.bench.users import Account
from headrace.bench.wire import Wire, stanza_error
from headrace.core import ns
from headrace.core.stanza import Stanza
from headrace.core.writer import escape
from headrace.net.tls import TlsContext
from headrace.sasl.credentials import Digest
from headrace.sasl.initiating import Salted, ScramInitiator, ServerUntrue, TokenInitiator, plain
from headrace.stream.header import stream_header

SCRAMS: dict[str, Digest] = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
PREFERRED = (*SCRAMS, "PLAIN")      # the first of them that is offered
TOKEN = "HT-SHA-256-NONE"
ADVICE = {"not-authorized": "wrong password, or no such user (--register makes users)",
          "encryption-required": "use --tls starttls",
          "account-disabled": "the account is disabled",
          "temporary-auth-failure": "the server is overloaded, or slows down after failures"}


@dataclass(slots=True)
class Memory:
    """What a client keeps between its logins."""

    salted: Salted = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)   # by account and resource: the user agent


@dataclass(slots=True)
class Bound:
    """What a login has brought."""

    jid: str
    features: Element           # of the stream that it ended in


class Login:
    """One login over one wire."""

    def __init__(self, wire: Wire, account: Account, resource: str, *, options: Options, memory: Memory,
                 tls: TlsContext) -> None:
        self.wire = wire
        self.account = account
        self.options = options
        self.memory = memory
        self.tls = tls
        self.resource = resource
        self.bound_by_sasl2: str | None = None
        self.resumption: str | None = None      # XML of a <resume/>, instead of binding
        self.resumed = False

    async def run(self) -> Bound:
        """Raises BenchError."""
        features = await self.authenticate()
        if self.bound_by_sasl2 is not None:
            return Bound(self.bound_by_sasl2, features)
        if self.resumption is not None:
            return Bound(await self._resume(), features)
        return Bound(await self._bind(), features)

    async def before(self) -> Element:
        """Features of a stream that can be authenticated: over TLS, if that is asked for."""
        features = await self.features()
        return await self._start_tls(features) if self.options.tls == "starttls" else features

    async def authenticate(self) -> Element:
        """Features behind it."""
        features = await self.before()
        if self.options.sasl2:
            return await self._sasl2(features)
        await self._sasl(features)
        self.wire.client.restart()
        return await self.features()

    async def features(self) -> Element:
        """Opens a stream."""
        self.wire.client.send(stream_header(from_=None, id=None, to=self.options.domain))
        found = await self.wire.next()
        if found.name != "features":
            raise BenchError(f"{self.wire.who}: the server sends <{found.name}/> where its features should come")
        return found.element()

    async def _start_tls(self, features: Element) -> Element:
        if features.find(f"{{{ns.TLS}}}starttls") is None:
            raise NotOffered("the server does not offer STARTTLS")
        self.wire.client.send(f"<starttls xmlns='{ns.TLS}'/>".encode())
        answer = await self.wire.next()
        if answer.name != "proceed":
            raise BenchError(f"{self.wire.who}: the server refuses TLS")
        self.wire.client.start_tls(self.tls)
        await self.wire.secure()
        return await self.features()

    def _mechanism(self, offered: list[str], how: str) -> str:
        wanted = self.options.mechanism
        if wanted == "auto":
            wanted = next((name for name in PREFERRED if name in offered), "")
        if not offered or wanted not in offered:
            raise NotOffered(f"the server does not offer {wanted or 'a login that we know'} by {how}: "
                             f"{', '.join(offered) or 'no mechanism at all'}{self._tls_first()}")
        return wanted

    def _tls_first(self) -> str:
        return "" if self.options.tls != "no" else "; many servers want TLS first (--tls starttls)"

    async def _sasl(self, features: Element) -> None:
        names = [each.text or "" for each in features.iterfind(f"{{{ns.SASL}}}mechanisms/{{{ns.SASL}}}mechanism")]
        name = self._mechanism(names, "SASL")
        scram = self._scram(name)
        first = b64encode(scram.first() if scram else plain(self.account.name, self.account.password))
        self.wire.client.send(f"<auth xmlns='{ns.SASL}' mechanism='{name}'>".encode() + first + b"</auth>")
        answer = await self._exchange(scram, ns.SASL)
        if scram and answer.element().text:
            self._check(scram, b64decode(answer.element().text or ""))

    def _scram(self, name: str) -> ScramInitiator | None:
        if name not in SCRAMS:
            return None
        return ScramInitiator(SCRAMS[name], self.account.name, self.account.password, self.memory.salted)

    async def _exchange(self, scram: ScramInitiator | None, namespace: str) -> Stanza:
        """The <success/>. Answers a challenge before it; some servers send their last word as one, too (RFC 6120)."""
        answer = await self.wire.next()
        proven = False
        while answer.name == "challenge" and scram is not None:
            words = b64decode(answer.element().text or "")
            reply = b""
            if proven:
                self._check(scram, words)
            else:
                try:
                    reply = b64encode(scram.final(words))
                except ServerUntrue as error:
                    raise BenchError(f"{self.wire.who}: {error}") from None
            proven = True
            self.wire.client.send(f"<response xmlns='{namespace}'>".encode() + reply + b"</response>")
            answer = await self.wire.next()
        if answer.name != "success":
            raise self._refused(answer)
        return answer

    def _check(self, exchange: ScramInitiator | TokenInitiator, words: bytes) -> None:
        try:
            exchange.check(words)
        except ServerUntrue as error:
            raise BenchError(f"{self.wire.who}: {error}") from None

    def _refused(self, answer: Stanza) -> BenchError:
        conditions = [child.tag.rpartition("}")[2] for child in answer.element()]
        texts = [child.text for child in answer.element() if child.tag.endswith("}text") and child.text]
        condition = next((name for name in conditions if name != "text"), answer.name)
        advice = [ADVICE[condition]] if condition in ADVICE else []
        return BenchError(f"{self.wire.who}: the server refuses the login: "
                          + ": ".join([condition, *(texts or advice)]))

    async def _sasl2(self, features: Element) -> Element:
        offer = features.find(f"{{{ns.SASL2}}}authentication")
        if offer is None:
            raise NotOffered(f"the server does not offer SASL2 (XEP-0388){self._tls_first()}")
        names = [each.text or "" for each in offer.iterfind(f"{{{ns.SASL2}}}mechanism")]
        agent = self.account.name, self.resource
        token = self.memory.tokens.get(agent) if self.options.fast else None
        name = TOKEN if token else self._mechanism(names, "SASL2")
        scram = None if token else self._scram(name)
        started = TokenInitiator(self.account.name, token) if token else scram
        first = started.first() if started else plain(self.account.name, self.account.password)
        self.wire.client.send(self._authenticate(name, first, self._inline(offer, token is not None)))
        try:
            answer = await self._exchange(scram, ns.SASL2)
        except BenchError:
            self.memory.tokens.pop(agent, None)
            raise
        self._succeeded(answer.element(), started)
        found = await self.wire.next()
        return found.element()

    def _authenticate(self, name: str, first: bytes, inside: str) -> bytes:
        """The user agent's id is the same each time for the same client (XEP-0388 2.3); it has to be a UUID v4."""
        client = uuid5(NAMESPACE_URL, f"{self.account.name}/{self.resource}").hex
        number = f"{client[:8]}-{client[8:12]}-4{client[13:16]}-a{client[17:20]}-{client[20:]}"
        agent = f"<user-agent id='{number}'><software>headrace bench</software></user-agent>"
        return (f"<authenticate xmlns='{ns.SASL2}' mechanism='{name}'><initial-response>".encode() + b64encode(first)
                + f"</initial-response>{agent}{inside}</authenticate>".encode())

    def _inline(self, offer: Element, by_token: bool) -> str:
        inline = offer.find(f"{{{ns.SASL2}}}inline")
        parts = []
        if self.resumption is not None:
            parts.append(self.resumption)
        if inline is not None and inline.find(f"{{{ns.BIND2}}}bind") is not None:
            parts.append(f"<bind xmlns='{ns.BIND2}'><tag>{escape(self.resource)}</tag></bind>")
        if self.options.fast:
            offered = [] if inline is None else [
                each.text for each in inline.iterfind(f"{{{ns.FAST}}}fast/{{{ns.FAST}}}mechanism")]
            if TOKEN not in offered:
                raise NotOffered(f"the server does not offer tokens of {TOKEN} (XEP-0484)")
            parts.append(f"<fast xmlns='{ns.FAST}'/>" if by_token
                         else f"<request-token xmlns='{ns.FAST}' mechanism='{TOKEN}'/>")
        return "".join(parts)

    def _succeeded(self, success: Element, exchange: ScramInitiator | TokenInitiator | None) -> None:
        words = success.findtext(f"{{{ns.SASL2}}}additional-data")
        if exchange is not None and words:
            self._check(exchange, b64decode(words))
        jid = success.findtext(f"{{{ns.SASL2}}}authorization-identifier", "")
        token = success.find(f"{{{ns.FAST}}}token")
        if token is not None:
            self.memory.tokens[self.account.name, self.resource] = token.get("token", "")
        if success.find(f"{{{ns.SM}}}resumed") is not None:
            self.resumed = True
            self.bound_by_sasl2 = jid
        elif success.find(f"{{{ns.BIND2}}}bound") is not None:
            self.bound_by_sasl2 = jid

    async def _bind(self) -> str:
        resource = f"<resource>{escape(self.resource)}</resource>"
        self.wire.client.send(f"<iq type='set' id='bind'><bind xmlns='{ns.BIND}'>{resource}</bind></iq>".encode())
        answer = await self.wire.next()
        jid = answer.element().findtext(f"{{{ns.BIND}}}bind/{{{ns.BIND}}}jid")
        if answer.type != "result" or not jid:
            raise BenchError(f"{self.wire.who}: no resource is bound: {stanza_error(answer)}")
        return jid

    async def _resume(self) -> str:
        assert self.resumption is not None
        self.wire.client.send(self.resumption.encode())
        answer = await self.wire.next()
        if answer.name != "resumed":
            conditions = [child.tag.rpartition("}")[2] for child in answer.element()]
            raise BenchError(f"{self.wire.who}: the session is not resumed: {' '.join(conditions) or answer.name}")
        self.resumed = True
        handled = answer.element().get("h", "")
        if handled != str(self.wire.client.said):
            raise BenchError(f"{self.wire.who}: of {self.wire.client.said} stanzas that the server had handled before "
                             f"the link broke it knows {handled} after the resumption")
        self.wire.client.acked = self.wire.client.said
        return ""
