"""A stream that we open to another server (RFC 6120, XEP-0178, XEP-0220, XEP-0288): a state machine, no socket.

Its task is one pair of domains, and more domains of ours that talk to the same; or one question, whether a dialback
key is theirs.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.stanza import Stanza
from headrace.net.posh import Posh
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.session import dialback
from headrace.session.dialback import Dialback
from headrace.session.domains import Home
from headrace.session.inbound import Gone
from headrace.session.trust import proves
from headrace.stream.errors import StreamError, stream_error
from headrace.stream.header import END, Header, judge_namespaces, judge_version, stream_header

FEATURES = {"starttls": f"{{{ns.TLS}}}starttls", "bidi": f"{{{ns.BIDI_FEATURE}}}bidi",
            "dialback": f"{{{ns.DIALBACK_FEATURE}}}dialback",
            "errors": f"{{{ns.DIALBACK_FEATURE}}}dialback/{{{ns.DIALBACK_FEATURE}}}errors",
            "management": f"{{{ns.SM}}}sm"}
EXTERNAL = "certificate (SASL EXTERNAL)"
DIALBACK = "dialback"
DANE_EE = 3             # usage of a TLSA record: this very certificate, whatever else it says (RFC 7671 5.1)
MOST_SHARING = 200      # domains of ours on one stream: as many as we take of others (inbound.MOST_PAIRS)

Name = tuple[str, str]
"""Of an element: its namespace and its local name."""

OFFER: Name = (ns.STREAM, "features")
ERROR: Name = (ns.STREAM, "error")
RESULT: Name = (ns.DIALBACK, "result")


class DialError(Exception):
    """A domain could not be reached, or would not talk to us, or did not prove who it is.

    condition: of the stanza errors for what waits (RFC 6120 8.3.3). final: another address would not help."""

    def __init__(self, text: str, condition: str = "remote-server-timeout", *, final: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.condition = condition
        self.final = final


@dataclass(frozen=True, slots=True)
class Question:
    """Is this the key of your stream of that id?"""

    id: str
    key: str


Step = Callable[[str], None]
"""Is told each step and what came of it, in English."""


def _quiet(text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """What a stream is dialled for."""

    ours: str
    theirs: str
    question: Question | None = None
    step: Step = _quiet


class Outbound:
    """headrace.router.federation.Negotiator of a stream that we have dialled.

    result: how the pair was proven, or what the question is answered; or a DialError. place: where it leads to, if
    DNSSEC says that the domain's server is there: a name that its certificate may have as well (RFC 7673 4.1)."""

    def __init__(self, peer: Peer, home: Home, call: Call, *, gone: Gone, place: str | None = None) -> None:
        self.ours = call.ours
        self.theirs = call.theirs
        self.both_ways = False
        self.result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.how = ""
        self.sharing: set[tuple[str, str]] = set()  # further pairs that it carries, (ours, theirs)
        self.peer = peer
        self._home = home
        self._place = place
        self._question = call.question
        self._step = call.step
        self._gone = gone
        self._id = ""
        self._open = False              # our header is sent
        self._logged_in = False
        self._offers_dialback = False
        self._asking: asyncio.Task[None] | None = None
        self._takes_errors = False      # a domain that it does not believe ends no stream
        self._claims: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._trusted = False           # its certificate proves that it is theirs
        self._awaited: tuple[Name, ...] = ()    # the answers to what we asked last: nothing else moves this stream

    # what the dialler asks for

    def begin(self, *, direct: bool) -> None:
        """The link is there. direct: TLS comes first."""
        if not direct:
            self._header()

    @property
    def takes_more(self) -> bool:
        """May further pairs be claimed on it?"""
        return bool(self.how and not self.peer.ended and self._takes_errors
                    and len(self.sharing) + len(self._claims) < MOST_SHARING)

    def may_carry(self, ours: str, theirs: str) -> bool:
        """May this pair be, with some hope? Whether it leads to where their domain's server is, others know."""
        if not self.takes_more or (ours, theirs) in self._claims:
            return False
        if theirs != self.theirs and not self._is_of(theirs) and not self._home.config.may_dial_back(theirs):
            return False
        return self.how == DIALBACK or proves(self._home.contexts[self.ours].certificate, ours)

    def _is_of(self, theirs: str) -> bool:
        """Does the peer's certificate prove that it is this domain's, too? Not if DNS has vouched for it, to one."""
        channel = self.peer.channel
        return channel is not None and not channel.pinned and proves(channel.certificate, theirs)

    async def claim(self, ours: str, theirs: str) -> None:
        """One more pair, by dialback (XEP-0220 2.6). Raises DialError; the stream goes on."""
        answer = self._claims[ours, theirs] = asyncio.get_running_loop().create_future()
        key = self._home.keys.key(theirs, ours, self._id)
        self.peer.send(dialback.request("result", from_=ours, to=theirs, key=key))
        self._awaited = (RESULT,)
        await answer

    # what the stream tells

    def secured(self) -> None:
        channel = self.peer.channel
        assert channel is not None
        self._step(f"TLS: {channel.version}, {channel.cipher}")
        self._header()

    def opened(self, header: Header) -> None:
        try:
            judge_namespaces(header, ns.SERVER)
            judge_version(header.version)
        except StreamError as error:
            self._end(DialError(f"its stream header: {error}", final=True), stream_error(error.condition, error.text))
            return
        self._id = header.id or ""

    def element(self, stanza: Stanza) -> None:
        name = (stanza.namespace, stanza.name)
        if name == ERROR or name in self._awaited:
            _ROUTES[name](self, stanza)
        else:
            self.failed("unsupported-stanza-type", f"<{stanza.name}/> is not expected here")

    def closed(self) -> None:
        self._end(DialError("it closed the stream"))

    def failed(self, condition: str, text: str) -> None:
        if not self.peer.ended:
            self._home.log.warning("s2s stream error", domain=self.theirs, condition=condition, text=text)
        self._end(DialError(f"its stream: {text}"), stream_error(condition, text))

    def expired(self) -> None:
        self._end(DialError("it took too long to answer"))

    def stopped(self) -> None:
        """The server stops."""
        self._end(DialError("the server stops"), stream_error("system-shutdown"))

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        ended = DialError(error or "it closed the connection")
        self._settle(ended)
        if self._asking is not None:
            self._asking.cancel()
        for answer in self._claims.values():
            if not answer.done():
                answer.set_exception(ended)
        self._gone(self, self.peer, unsent, unsure)

    # steps

    def _header(self) -> None:
        self.peer.send(stream_header(from_=self.ours, to=self.theirs, id=None, content=ns.SERVER,
                                     extra=f" xmlns:db='{ns.DIALBACK}'"))
        self._open = True
        self._awaited = (OFFER,)

    def _features(self, stanza: Stanza) -> None:
        offered = stanza.element()
        self._note_limits(offered)
        self._takes_errors = offered.find(FEATURES["errors"]) is not None
        if self.peer.channel is None:
            self._start_tls(offered)
        elif self._logged_in and offered.find(FEATURES["management"]) is not None:
            self.peer.send(f"<enable xmlns='{ns.SM}'/>".encode())      # nothing is sent until it has answered
            self._awaited = ((ns.SM, "enabled"), (ns.SM, "failed"))
        elif self._logged_in:
            self._prove(EXTERNAL)
        else:
            self._judge(offered)

    def _note_limits(self, offered: Element) -> None:
        most = offered.findtext(f"{{{ns.STREAM_LIMITS}}}limits/{{{ns.STREAM_LIMITS}}}max-bytes", "")
        if not (most.isascii() and most.isdigit() and len(most) < 10):
            return
        if self._logged_in or int(most) > self.peer.most_out:  # before login it is a stranger's bound
            self.peer.most_out = int(most)

    def _start_tls(self, offered: Element) -> None:
        if offered.find(FEATURES["starttls"]) is None:
            self._end(DialError("it does not offer TLS", final=True))
            return
        self.peer.send(f"<starttls xmlns='{ns.TLS}'/>".encode())
        self._awaited = ((ns.TLS, "proceed"), (ns.TLS, "failure"))

    def _proceed(self, stanza: Stanza) -> None:
        self._open = False
        self.peer.start_tls(self._home.contexts[self.ours].starttls)

    def _no_tls(self, stanza: Stanza) -> None:
        self._end(DialError("it does not start TLS", final=True))

    def _judge(self, offered: Element) -> None:
        """Who answers has to be who we called (protocol.md 14)."""
        channel, posh = self.peer.channel, self._home.posh
        assert channel is not None
        problem = channel.problem
        if problem is None and channel.usage != DANE_EE and not self._names(channel.certificate):
            problem = "it is for other names"
        if problem is None or channel.pinned or posh is None:
            self._decide(offered, problem)
        else:
            self._awaited = ()
            self._asking = asyncio.ensure_future(self._ask_posh(offered, posh, channel.presented, problem))

    async def _ask_posh(self, offered: Element, posh: Posh, certificate: bytes | None, problem: str) -> None:
        good = await posh.vouches(self.theirs, certificate)
        self._step(f"POSH: {'it is' if good else 'nothing about'} its certificate")
        if not self.peer.ended:
            self._decide(offered, None if good else problem)

    def _decide(self, offered: Element, problem: str | None) -> None:
        pinned = self.peer.channel is not None and self.peer.channel.pinned
        self._trusted = problem is None
        self._step("certificate: " + (problem or "good"))
        if problem is None or (not pinned and self._home.config.may_dial_back(self.theirs)):
            self._log_in(offered)
        else:
            self._end(DialError(f"its certificate: {problem}", "remote-server-not-found", final=True))

    def _names(self, certificate: bytes | None) -> bool:
        return proves(certificate, self.theirs) or (self._place is not None and proves(certificate, self._place))

    def _log_in(self, offered: Element) -> None:
        self._offers_dialback = offered.find(FEATURES["dialback"]) is not None
        if self._question is not None:
            self.peer.send(dialback.request("verify", from_=self.ours, to=self.theirs, id=self._question.id,
                                            key=self._question.key))
            self._awaited = ((ns.DIALBACK, "verify"),)
            return
        if self._trusted and offered.find(FEATURES["bidi"]) is not None:
            self.peer.send(f"<bidi xmlns='{ns.BIDI}'/>".encode())
            self.both_ways = True
        mechanisms = {e.text for e in offered.iterfind(f"{{{ns.SASL}}}mechanisms/{{{ns.SASL}}}mechanism")}
        if "EXTERNAL" in mechanisms:
            self._step("login: SASL EXTERNAL")
            name = b64encode(self.ours.encode()).decode()
            self.peer.send(f"<auth xmlns='{ns.SASL}' mechanism='EXTERNAL'>{name}</auth>".encode())
            self._awaited = ((ns.SASL, "success"), (ns.SASL, "failure"))
        else:
            self._dial_back()

    def _dial_back(self) -> None:
        if not self._offers_dialback:
            self._end(DialError("it offers no way to log in", final=True))
            return
        self._step("login: dialback")
        key = self._home.keys.key(self.theirs, self.ours, self._id)
        self.peer.send(dialback.request("result", from_=self.ours, to=self.theirs, key=key))
        self._awaited = (RESULT,)

    def _success(self, stanza: Stanza) -> None:
        self._logged_in = True
        if self.both_ways:      # at once: XEP-0288
            self.peer.admit(self.theirs, self.ours)
            self.peer.settle()
        self.peer.restart(self.both_ways)
        self._header()

    def _failure(self, stanza: Stanza) -> None:
        why = next((child.tag.rpartition("}")[2] for child in stanza.element()), "no reason given")
        self._step(f"login: it refuses our certificate ({why})")
        self._dial_back()

    def _enabled(self, stanza: Stanza) -> None:
        self.peer.manage()
        self._prove(EXTERNAL)

    def _not_enabled(self, stanza: Stanza) -> None:
        self._prove(EXTERNAL)

    def _result(self, stanza: Stanza) -> None:
        answer = dialback.read(stanza)
        waited_for = self._claims if self.how else ((self.ours, self.theirs),)
        if answer is None or (answer.to, answer.from_) not in waited_for or answer.type is None:
            self.failed("improper-addressing", "that is no answer to us")
        elif self.how:
            self._claimed(answer)
        elif answer.type == "valid":
            self._prove(DIALBACK)
        else:
            why = answer.error or "the key is invalid"
            self._end(DialError(f"it does not believe that we are {self.ours}: {why}", "remote-server-not-found",
                                final=True))

    def _claimed(self, answer: Dialback) -> None:
        ours, theirs = answer.to, answer.from_
        waiting = self._claims.pop((ours, theirs))
        if not self._claims:
            self._awaited = ()
        if answer.type == "valid":
            self.sharing.add((ours, theirs))
            if self.both_ways and (theirs == self.theirs or self._is_of(theirs)):   # at once: stanzas may follow
                self.peer.admit(theirs, ours)
        if waiting.done():      # it took too long
            return
        if answer.type == "valid":
            waiting.set_result(None)
        else:
            waiting.set_exception(DialError(answer.error or "the key is invalid"))

    def _verified(self, stanza: Stanza) -> None:
        answer = dialback.read(stanza)
        question = self._question
        if question is None or answer is None or (answer.from_, answer.to, answer.id) != (
                self.theirs, self.ours, question.id):
            self.failed("improper-addressing", "that is no answer to us")
            return
        verdict = answer.type if answer.type in ("valid", "invalid") else answer.error or "remote-server-not-found"
        self._settle(verdict)
        self._end(DialError("done"))

    def _error(self, stanza: Stanza) -> None:
        condition = next((child.tag.rpartition("}")[2] for child in stanza.element()), "no reason given")
        text = stanza.element().findtext(f"{{{ns.STREAM_ERRORS}}}text", "")
        self._home.log.warning("s2s stream ended by the peer", domain=self.theirs, condition=condition, text=text)
        self._end(DialError(f"it ended the stream: {condition}" + (f" ({text})" if text else "")))

    # ends

    def _prove(self, how: str) -> None:
        if self.result.done():
            return
        self.how = how
        self._awaited = ()
        self.peer.settle()
        if self.both_ways:
            self.peer.admit(self.theirs, self.ours)
        self._settle(how)

    def _settle(self, outcome: str | DialError) -> None:
        if self.result.done():
            return
        if isinstance(outcome, DialError):
            self.result.set_exception(outcome)
        else:
            self.result.set_result(outcome)

    def _end(self, error: DialError, last: bytes = b"") -> None:
        self._settle(error)
        if self._open:
            self.peer.stop(last + END)
        else:
            self.peer.abort()


_ROUTES: dict[Name, Callable[[Outbound, Stanza], None]] = {
    OFFER: Outbound._features,
    ERROR: Outbound._error,
    (ns.TLS, "proceed"): Outbound._proceed,
    (ns.TLS, "failure"): Outbound._no_tls,
    (ns.SM, "enabled"): Outbound._enabled,
    (ns.SM, "failed"): Outbound._not_enabled,
    (ns.SASL, "success"): Outbound._success,
    (ns.SASL, "failure"): Outbound._failure,
    RESULT: Outbound._result,
    (ns.DIALBACK, "verify"): Outbound._verified,
}
