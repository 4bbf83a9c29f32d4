"""What a c2s negotiation is surrounded by, in memory: accounts, a router without sessions, a wire."""

import asyncio
import dataclasses
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from headrace.core.stanza import parse_stanza
from headrace.sasl import credentials
from headrace.session.backoff import Backoff
from headrace.session.binding import Binder
from headrace.session.config import C2SConfig
from headrace.session.derive import DerivePool
from headrace.session.exchanges import Authority, Realm
from headrace.session.fast import Fast
from headrace.session.logins import Logins
from headrace.session.negotiation import Negotiation
from headrace.session.offers import Offers
from headrace.session.ports import SignedUp
from headrace.session.resumption import Resumption
from headrace.session.services import Services
from headrace.session.verifiers import OwnVerifiers
from headrace.storage.ports import Account, ClientTokens, StorageUnavailable
from headrace.stream.header import Header

PENCIL = credentials.make("pencil", iterations=4096)
PLAIN = "AGFsaWNlAHBlbmNpbA=="  # \0alice\0pencil


async def eventually(condition):
    """Wait until condition() is true; for what has no event to wait for."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


class Accounts:
    """The part of AccountStore that logins use, and AccountLoader; alice's password is pencil."""

    def __init__(self):
        self.known = {"alice@localhost": Account("alice@localhost", PENCIL, 0.0)}
        self.loaded = []
        self.down = False

    async def get(self, jid):
        if self.down:
            raise StorageUnavailable("disk full")
        return self.known.get(jid)

    async def add_verifier(self, jid, digest, verifier):
        if self.down:
            raise StorageUnavailable("disk full")
        account = self.known[jid]
        self.change(jid, credentials=dataclasses.replace(account.credentials, **{digest: verifier}))

    def change(self, jid, **fields):
        self.known[jid] = msgspec.structs.replace(self.known[jid], **fields)

    async def load(self, bare):
        if self.down:
            raise StorageUnavailable("disk full")
        self.loaded.append(bare)


class Tokens:
    """TokenStore in memory."""

    def __init__(self):
        self.held = {}
        self.down = False

    async def get(self, jid, client):
        if self.down:
            raise StorageUnavailable("disk full")
        return self.held.get((jid, client), ClientTokens())

    async def issue(self, jid, client, token, keep):
        if self.down:
            raise StorageUnavailable("disk full")
        self.held[jid, client] = ClientTokens((await self.get(jid, client)).current, token)

    async def used(self, jid, client, token):
        if (await self.get(jid, client)).fresh == token:
            self.held[jid, client] = ClientTokens(token)

    async def forget(self, jid, client=None):
        for key in [key for key in self.held if key[0] == jid and client in (None, key[1])]:
            del self.held[key]


class Sessions:
    def __init__(self, hosts=("localhost", "example.org")):
        self.hosts = frozenset(hosts)
        self.bound = {}
        self.ended = []
        self.released = []
        self.alive = {}     # (account, SM-ID) -> session
        self.gone = {}      # (account, SM-ID) -> h

    def find(self, full):
        return self.bound.get(full)

    def sessions(self, bare):
        return [session for full, session in self.bound.items() if full.partition("/")[0] == bare]

    def resumable(self, bare, id):
        return self.alive.get((bare, id))

    def last_h(self, bare, id):
        return self.gone.get((bare, id))

    def release(self, bare):
        self.released.append(bare)

    def end(self, session, condition, text=""):
        self.ended.append((session, condition))


class Log:
    def __init__(self):
        self.lines = []

    def info(self, event, /, **fields):
        self.lines.append((event, fields))

    warning = exception = info

    def named(self, event):
        return [fields for name, fields in self.lines if name == event]


@dataclass
class Channel:
    """TLS that is up; each type's binding is the same bytes again and again."""

    kinds: tuple[str, ...] = ("tls-exporter", "tls-server-end-point")
    version: str = "TLSv1.3"
    certificate: bytes | None = None

    def bindings(self):
        return self.kinds

    def binding(self, kind):
        return kind.encode() * 2 if kind in self.kinds else None


class BindFeatures:
    """One inline feature of a bind request, which repeats what it was asked."""

    inline = ("urn:example:echo",)

    async def before(self, account):
        return b""

    def bound(self, session, request):
        if request.tag != "{urn:example:echo}echo":
            return b""
        return f"<echoed xmlns='urn:example:echo' to='{session.jid}'>{request.text}</echoed>".encode()


class SignUp:
    """Makes no account of anything but `new`."""

    async def answer(self, stanza, host, address):
        account = f"new@{host}" if "new" in ET.tostring(stanza.element(), "unicode") else None
        return SignedUp(f"<iq id='{stanza.id}'>{address}</iq>".encode(), account)


@dataclass
class Bound:
    jid: str
    flags: int = 0

    @property
    def resource(self):
        return self.jid.partition("/")[2]


class Wire:
    """Notes what the negotiation does: `sent` since the last take(), `acts` in order."""

    address = "192.0.2.1"

    def __init__(self, channel=None):
        self.channel = channel
        self.sent = b""
        self.acts = []
        self.most = 99      # stanzas that a resumed session has sent; it got 42

    def send(self, data):
        self.sent += data

    def restart(self):
        self.acts.append("restart")

    def start_tls(self, host):
        self.acts.append(("start_tls", host))

    def authenticated(self):
        self.acts.append("authenticated")

    def bind(self, jid, lang, greet):
        self.acts.append(("bind", jid, lang))
        self.channel = None     # the session takes the link
        self.sent += greet(Bound(jid))

    def resume(self, session, h, lang, greet):
        if h > self.most:
            raise ValueError(b"<too-high/>")
        self.acts.append(("resume", session, h, lang))
        self.channel = None
        self.sent += greet(42)

    def finish(self):
        self.acts.append("finish")


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def services(accounts, sessions, *, log, fast, pool, backoff, clock, realm):
    """realm: fields of Realm that are not the defaults."""
    decoys = credentials.Decoys(b"s" * 32, iterations=4096)
    made = Realm(**{"verifiers": OwnVerifiers(accounts, decoys, pool), **realm})
    return Services(
        authority=Authority(dict.fromkeys(sessions.hosts, made), decoys, backoff, clock),
        binder=Binder(accounts, sessions, b"s" * 32), sessions=sessions, logins=Logins(), log=log,
        bind_features=BindFeatures(), sign_up=SignUp(), fast=fast, login_features=(fast,),
        resumption=Resumption(sessions))


class Stage:
    """One negotiation and all around it."""

    def __init__(self, *, secure=True, config=None, policy=None, pool=None, realm=None):
        self.accounts, self.sessions, self.log, self.time = Accounts(), Sessions(), Log(), Time()
        self.tokens = Tokens()
        self.backoff = Backoff(policy)
        self.pool = pool or DerivePool(threads=1)
        self.fast = Fast(self.tokens, b"k" * 32, now=self.time)
        self.services = services(self.accounts, self.sessions, log=self.log, fast=self.fast, pool=self.pool,
                                 backoff=self.backoff, clock=self.time, realm=realm or {})
        self.config = config or C2SConfig()
        self.offers = Offers(self.config, self.services)
        self.connect(secure=secure)

    def connect(self, *, secure=True, channel=None):
        """A new connection to the same server."""
        self.wire = Wire((channel or Channel()) if secure else None)
        self.negotiation = Negotiation(self.config, self.services, self.offers, self.wire)

    @property
    def state(self):
        return self.negotiation.state.name

    def take(self):
        """What was sent since the last call."""
        sent, self.wire.sent = self.wire.sent, b""
        return sent.decode()

    def open(self, **fields):
        self.negotiation.opened(Header(**{"to": "localhost", "version": "1.0", **fields}))
        return self.take()

    async def give(self, xml):
        outcome = self.negotiation.element(parse_stanza(xml.encode()))
        if outcome is not None:
            await outcome
        return self.take()

    async def login(self):
        """Up to the features after login."""
        self.open()
        answer = await self.give(auth("PLAIN", PLAIN))
        assert answer == "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>"
        return self.open()


def auth(mechanism, data=""):
    return f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{data}</auth>"


def response(data=""):
    return f"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{data}</response>"


def authenticate(mechanism, data=None, *inside):
    """XEP-0388's request; data: base64 of an initial response."""
    initial = "" if data is None else f"<initial-response>{data}</initial-response>"
    return f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'>{initial}{''.join(inside)}</authenticate>"


def response2(data=""):
    return f"<response xmlns='urn:xmpp:sasl:2'>{data}</response>"


UPGRADE = "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>"


def bind(resource=None, id="b"):
    inside = "" if resource is None else f"<resource>{resource}</resource>"
    return f"<iq type='set' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{inside}</bind></iq>"


@contextmanager
def staged(**options):
    stage = Stage(**options)
    try:
        yield stage
    finally:
        stage.pool.close()
