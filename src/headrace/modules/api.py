"""What a module is: one class in one file that says all of itself.

    class Ping(Module):
        name = "ping"
        xeps = (Xep(199, "2.0.1"),)
        features = ("urn:xmpp:ping",)

        @iq("get", "urn:xmpp:ping", "ping", Target.HOST | Target.SELF)
        def ping(self, request: Request) -> Effects:
            return Reply()

Handlers and hooks get frozen objects, return effects and never touch a socket or another session; what
belongs to an account they reach through the ports in their `Context`. A handler that need not wait is a plain
function and is answered at once; one that waits is `async def`, and stanzas of the same session that could
overtake it wait (protocol.md 2). An error condition is raised: `raise Refused("item-not-found")`. Any other
exception costs its request an `internal-server-error` and the log a line, never the session.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any, ClassVar, TypeVar
from xml.etree.ElementTree import Element

from headrace.cluster.ports import Accounts, Audience
from headrace.core.reply import ErrorType
from headrace.core.stanza import Stanza
from headrace.modules.archiving import Archiving
from headrace.modules.blocklists import Blocklists
from headrace.modules.grants import Grants
from headrace.modules.hosts import Host
from headrace.modules.lifecycle import Lifecycle
from headrace.modules.locks import Locks
from headrace.modules.marks import Marks
from headrace.modules.nesting import Nesting
from headrace.router.control import Ticket
from headrace.router.session import SessionFlag
from headrace.session.bytestreams import Proxy
from headrace.storage.ports import Storage
from headrace.xep.disco import Identity
from headrace.xep.forms import Field, Values


class Target(Flag):
    """To whom an IQ request is addressed."""

    HOST = auto()  # a hosted domain
    SELF = auto()  # the sender's own account: its bare JID, or no `to` (RFC 6120 10.3.3)
    ACCOUNT = auto()  # another local bare JID, whether such an account exists or not


@dataclass(frozen=True, slots=True)
class Xep:
    """An XEP that a module implements: README's table and the DOAP file are made from these."""

    number: int
    version: str


@dataclass(frozen=True, slots=True)
class Request:
    """A stanza for the control plane. All JIDs are prepared."""

    stanza: Stanza
    sender: str  # full JID of the session it came from, or what `from` says in a stanza of our own making
    to: str  # bare JID or domain; the sender's bare JID where the stanza has no `to`
    ticket: Ticket | None = None  # of a message from a session here, for the commit that keeps it

    @property
    def account(self) -> str:
        """The sender's bare JID."""
        return self.sender.partition("/")[0]

    @property
    def payload(self) -> Element:
        """The one child of an IQ request."""
        return self.stanza.element()[0]

    @property
    def host(self) -> str:
        """The domain it is addressed to."""
        return self.to.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Reply:
    """The IQ result to this request; payload: XML with its own xmlns, or nothing."""

    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Send:
    """A stanza of ours into the outbox of the session that this is about."""

    stanza: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """A stanza of ours, routed by RFC 6121 section 8 as if it came from its `from`."""

    stanza: bytes


@dataclass(frozen=True, slots=True)
class Interested:
    """The session belongs to this audience from now on and gets its pushes: by default that of the roster."""

    audience: Audience = Audience.INTERESTED


@dataclass(frozen=True, slots=True)
class Switch:
    """The session's flag, S_CARBONS or S_INACTIVE, is set or cleared."""

    flag: SessionFlag
    on: bool


@dataclass(frozen=True, slots=True)
class End:
    """The session ends with this stream error, behind what it has been sent."""

    condition: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Work that goes on while later stanzas need not wait for it; what comes of it is carried out then."""

    work: Coroutine[Any, Any, "Effects"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What <bound/> says of an inline request; XML."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Manage:
    """The session has stream management from now on (XEP-0198)."""

    id: bytes  # its SM-ID
    seconds: float  # so long it may be without a connection; 0: not at all


@dataclass(frozen=True, slots=True)
class Say:
    """A nonza of ours, before the session's next stanza."""

    nonza: bytes


Effect = Reply | Send | Route | Interested | Switch | End | Later | Bound | Manage | Say
Effects = Effect | Sequence[Effect] | None
Outcome = Effects | Coroutine[Any, Any, Effects]


class Refused(Exception):
    """The request is answered with this stanza error (RFC 6120 8.3.3)."""

    def __init__(self, condition: str, text: str | None = None, *, type: ErrorType | None = None,
                 extra: bytes = b"") -> None:
        super().__init__(condition)
        self.condition = condition
        self.text = text
        self.type = type  # None: what RFC 6120 8.3.3 recommends for the condition
        self.extra = extra  # an application-specific condition, as XML


@dataclass(frozen=True, slots=True)
class IqHandler:
    """How `@iq` marks a method."""

    type: str
    namespace: str
    name: str
    target: Target
    hold_all: bool


F = TypeVar("F", bound=Callable[..., Any])


def iq(type: str, namespace: str, name: str, target: Target, *, hold_all: bool = False) -> Callable[[F], F]:
    """Mark a method as the handler of IQ requests of this type with this payload, sent to these targets.

    hold_all: it changes how later stanzas are treated, so all of the session's wait for it (protocol.md 2).
    """

    def mark(function: F) -> F:
        marks = vars(function).setdefault("iq_handlers", [])
        marks.append(IqHandler(type, namespace, name, target, hold_all))
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Nonza:
    """A top-level element of a client that is no stanza (RFC 6120 8)."""

    sender: str  # full JID of its session
    element: Element


@dataclass(frozen=True, slots=True)
class NonzaHandler:
    """How `@nonza` marks a method."""

    namespace: str
    name: str


def nonza(namespace: str, name: str) -> Callable[[F], F]:
    """Mark a method that gets this `Nonza` of bound sessions, and answers at once: no coroutine."""

    def mark(function: F) -> F:
        vars(function).setdefault("nonza_handlers", []).append(NonzaHandler(namespace, name))
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Inline:
    """A child of a bind request (XEP-0386), carried out for the session that was just bound."""

    sender: str  # its full JID
    element: Element


@dataclass(frozen=True, slots=True)
class InlineHandler:
    """How `@inline` marks a method."""

    namespace: str
    name: str
    feature: str


def inline(namespace: str, name: str, feature: str | None = None) -> Callable[[F], F]:
    """Mark a method that carries out this child of a bind request: no coroutine, given an `Inline`.

    It runs before the session gets anything; of its effects, `Bound` goes into the answer. feature: what is advertised,
    if it is not the namespace.
    """

    def mark(function: F) -> F:
        marks = vars(function).setdefault("inline_handlers", [])
        marks.append(InlineHandler(namespace, name, feature or namespace))
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Command:
    """How `@command` marks a method."""

    node: str
    name: str
    fields: tuple[Field, ...]  # of the form to be filled in; none: it runs at once
    instructions: str
    form_type: str


@dataclass(frozen=True, slots=True)
class Call:
    """A command that is to be executed."""

    request: Request
    values: Values  # what was filled in, by `var`; those of required fields are there


@dataclass(frozen=True, slots=True)
class Done:
    """It has been executed."""

    note: str = ""
    fields: tuple[Field, ...] = ()  # of its result
    failed: bool = False


Execute = Callable[[Call], Coroutine[Any, Any, Done]]


def command(node: str, name: str, *fields: Field, instructions: str = "", form_type: str) -> Callable[[F], F]:
    """Mark a method (an `Execute`) as an ad-hoc command of our domains, for their administrators (XEP-0050)."""

    def mark(function: F) -> F:
        vars(function)["command"] = Command(node, name, fields, instructions, form_type)
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Context:
    """What every module is given: the ports, never a back end."""

    hosts: Mapping[str, Host]  # domains we serve
    storage: Storage
    accounts: Accounts
    locks: Locks  # an account's changes one at a time
    blocklists: Blocklists
    marks: Marks  # up to where accounts have what was sent to them
    archiving: Archiving
    life: Lifecycle  # accounts come and go through it
    now: Callable[[], float]  # Unix time
    components: Sequence[str] = ()  # domains of programs beside us (XEP-0114)
    grants: Grants = field(default_factory=dict)  # what components may do for users (XEP-0356)
    nesting: Nesting = field(default_factory=Nesting)  # what components answer for us (XEP-0355)
    proxies: Mapping[str, Proxy] = field(default_factory=dict)  # of bytestreams, by domain (XEP-0065)
    shared: Callable[[str], bool] = lambda address: False  # it stands for many strangers (a proxy): not one to count by
    at_home: Callable[[str], bool] = lambda account: True  # this worker is the home of this account of ours

    def keeps(self, account: str) -> bool:
        """Is this (a bare JID) an account of ours whose home is here? One with another home keeps its own side of what
        it has with others, as one on another server does."""
        return account.rpartition("@")[2] in self.hosts and self.at_home(account)


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Options of a module that has none."""


class Module:
    """Base of all modules. A hook is a method of this class, overridden by who wants it; any may be async.

    `absent`, `subscription`, `probe` and `watched` are asked in order of loading until one answers other than None."""

    name: ClassVar[str]
    xeps: ClassVar[tuple[Xep, ...]] = ()
    Options: ClassVar[type] = NoOptions  # a frozen dataclass: the keys of [module.<name>], with defaults
    features: ClassVar[tuple[str, ...]] = ()  # disco#info of our domains
    account_features: ClassVar[tuple[str, ...]] = ()  # disco#info of an account
    identities: ClassVar[tuple[Identity, ...]] = ()
    account_identities: ClassVar[tuple[Identity, ...]] = ()
    stream_features: ClassVar[tuple[bytes, ...]] = ()  # announced to who has logged in, beside bind: XML

    def __init__(self, context: Context, options: Any) -> None:
        self.context = context
        self.options = options

    def loaded(self, modules: Sequence["Module"]) -> None:
        """All modules are there, this one among them."""

    def forms(self, host: str) -> Sequence[bytes]:
        """XEP-0128 forms in disco#info of this domain of ours, as XML."""
        return ()

    def node_info(self, request: Request, node: str) -> bytes | None:
        """disco#info of a node of our domains: the <query/>. None: not a node of this module."""
        return None

    def node_items(self, request: Request, node: str) -> bytes | None:
        """disco#items of a node of our domains, likewise."""
        return None

    def services(self) -> Mapping[str, Callable[[Request], Outcome]]:
        """Domains of ours that are no hosts and have no accounts, each with what answers the IQ requests to it."""
        return {}

    def available(self, sender: str, priority: int) -> Outcome:
        """The resource (full JID) has sent the first presence with which it became available."""
        return None

    def rose(self, sender: str) -> Outcome:
        """The available resource's priority was negative and is not any more."""
        return None

    def gone(self, sender: str) -> Outcome:
        """The session of this full JID has ended; contacts have been told. Replies have nowhere to go."""
        return None

    async def bound(self, account: str) -> bytes:
        """What <bound/> says of the account whenever a resource of it is bound with XEP-0386, as XML."""
        return b""

    async def deleting(self, account: str) -> None:
        """The account is about to go, with all that is stored for it. Nobody can log in to it any more."""

    def absent(self, request: Request) -> Outcome:
        """A message to a local bare JID that no session can take (RFC 6121 8.5.2.2, 8.5.3.2.1)."""
        return None

    def missed(self, request: Request, resource: str | None) -> Outcome:
        """A message has come that nobody sees now: for an account that nobody is here for (it has been taken care of
        by `absent`), or for the session of this full JID, which has no link at present. Of that, the first with a body
        or a call alone."""
        return None

    def answered(self, request: Request) -> Outcome:
        """An IQ result or error to one of our domains."""
        return None

    def message(self, request: Request) -> Outcome:
        """One to a domain of ours. Asked in order of loading until one answers other than None."""
        return None

    def divert(self, request: Request) -> Callable[[Request], Outcome] | None:
        """Who answers this IQ request to a domain or an account of ours, instead of its handler; None: no change."""
        return None

    def connected(self, component: str) -> Outcome:
        """A component (its domain) has connected."""
        return None

    def disconnected(self, component: str) -> Outcome:
        """It has gone, with what it has not answered."""
        return None

    def screen(self, request: Request) -> bool | Coroutine[Any, Any, bool]:
        """Is this to be kept from the account that it is for? Asked before any handler gets what another account
        sends to a local bare JID; if so, it is answered as if there were no such account."""
        return False

    def subscription(self, request: Request) -> Outcome:
        """Presence subscribe, subscribed, unsubscribe or unsubscribed from a local account to a bare JID."""
        return None

    def probe(self, request: Request) -> Outcome:
        """A presence probe to a local bare JID (RFC 6121 4.3)."""
        return None

    def watched(self, request: Request) -> Outcome:
        """Available or unavailable presence from elsewhere to an account of a host for whose users components are told
        of it (headrace.modules.grants.told_of_contacts)."""
        return None
