"""What a c2s negotiation is surrounded by, in memory: accounts, a router without sessions, a wire."""

import asyncio
from contextlib import contextmanager

from headrace.core.stanza import parse_stanza
from headrace.sasl import credentials
from headrace.session.backoff import Backoff
from headrace.session.config import C2SConfig
from headrace.session.derive import DerivePool
from headrace.session.login import Authority
from headrace.session.negotiation import Negotiation, Services
from headrace.storage.ports import Account, StorageUnavailable
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
    """Verifiers and AccountLoader; alice's password is pencil."""

    def __init__(self):
        self.known = {"alice@localhost": Account("alice@localhost", PENCIL, 0.0)}
        self.loaded = []
        self.down = False

    async def get(self, jid):
        if self.down:
            raise StorageUnavailable("disk full")
        return self.known.get(jid)

    async def load(self, bare):
        if self.down:
            raise StorageUnavailable("disk full")
        self.loaded.append(bare)


class Sessions:
    def __init__(self, hosts=("localhost", "example.org")):
        self.hosts = frozenset(hosts)
        self.bound = {}
        self.ended = []
        self.released = []

    def find(self, full):
        return self.bound.get(full)

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


class Wire:
    """Notes what the negotiation does: `sent` since the last take(), `acts` in order."""

    address = "192.0.2.1"

    def __init__(self, secure=True):
        self.secure = secure
        self.sent = b""
        self.acts = []

    def send(self, data):
        self.sent += data

    def restart(self):
        self.acts.append("restart")

    def start_tls(self):
        self.acts.append("start_tls")

    def authenticated(self):
        self.acts.append("authenticated")

    def bind(self, jid, lang):
        self.acts.append(("bind", jid, lang))

    def finish(self):
        self.acts.append("finish")


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Stage:
    """One negotiation and all around it."""

    def __init__(self, *, secure=True, config=None, policy=None, pool=None):
        self.accounts, self.sessions, self.log, self.time = Accounts(), Sessions(), Log(), Time()
        self.backoff = Backoff(policy)
        self.pool = pool or DerivePool(threads=1)
        self.authority = Authority(self.accounts, credentials.Decoys(b"s" * 32, iterations=4096), self.pool,
                                   self.backoff, clock=self.time)
        self.services = Services(self.authority, self.accounts, self.sessions, self.log)
        self.config = config or C2SConfig()
        self.connect(secure=secure)

    def connect(self, *, secure=True):
        """A new connection to the same server."""
        self.wire = Wire(secure)
        self.negotiation = Negotiation(self.config, self.services, self.wire)

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
