"""A stream that another server has opened to us (RFC 6120, XEP-0178, XEP-0220, XEP-0288): a state machine, no socket.

    header -> features -> <starttls/> -> header -> features -> <auth EXTERNAL/> -> header -> features
                                                            -> <db:result/>, also later, for more domains
                                                            -> <db:verify/>, at any time, by anybody

Which pairs of domains have been proven is the stream's to know (headrace.router.federation.Peer); stanzas pass there.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from headrace.core import ns
from headrace.core.stanza import Stanza
from headrace.net.dane import Dane
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.sasl import profile
from headrace.sasl.failures import SaslFailure
from headrace.session import dialback
from headrace.session.dialback import Dialback
from headrace.session.domains import Home
from headrace.session.trust import proves
from headrace.stream import features
from headrace.stream.errors import StreamError, stream_error
from headrace.stream.header import END, Header, judge_domain, judge_server, stream_header
from headrace.xep import management

MOST_PAIRS = 200        # of one stream: a hosting service's worth
MOST_VERIFYING = 10     # of one stream at a time: each is a connection of ours to somebody
MOST_ATTEMPTS = 5       # of SASL (RFC 6120 6.4.5)

Verify = Callable[[Dialback, str], Awaitable[str]]
"""Calls the domain back about this request on our stream of that id: "valid", "invalid", or an error's condition."""
Opened = Callable[[Peer, str, str], None]
"""A stream that may be used both ways leads from our domain to theirs now."""
Gone = Callable[[object, Peer, list[Left], list[Left]], None]
"""A stream of this negotiator has ended; what was not written, and what was not acknowledged."""


class Inbound:
    """headrace.router.federation.Negotiator of an accepted stream."""

    def __init__(self, peer: Peer, home: Home, verify: Verify, both_ways: Opened, gone: Gone) -> None:
        self.pairs: dict[tuple[str, str], str] = {}     # (theirs, ours) -> how it was proven
        self.both_ways = False
        self._peer = peer
        self._home = home
        self._verify = verify
        self._lead = both_ways
        self._gone = gone
        self._host: str | None = None
        self._claimed: str | None = None
        self._proven: str | None = None     # by SASL
        self._pinned: str | None = None     # whose certificate it has, as secure DNS says
        self._id = ""
        self._opened = False
        self._attempts = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # what the stream tells

    def secured(self) -> None:
        """The peer opens a stream now."""

    def opened(self, header: Header) -> None:
        try:
            self._judge(header)
        except StreamError as error:
            self._fail(error.condition, error.text)
            return
        self._open()
        dane, claimed = self._home.dane, self._claimed
        if (dane is not None and claimed is not None and self._peer.channel is not None and self._proven is None
                and self._problem(claimed) is not None):
            self._spawn(self._look_up(dane, claimed))
        else:
            self._offer()

    async def _look_up(self, dane: Dane, claimed: str) -> None:
        """What it is offered depends on what DNS says of its certificate."""
        if await self._is_pinned(dane, claimed):
            self._pinned = claimed
        if not self._peer.ended:
            self._offer()

    async def _is_pinned(self, dane: Dane, domain: str) -> bool:
        channel = self._peer.channel
        return channel is not None and await dane.vouches(domain, channel.presented)

    def _offer(self) -> None:
        self._peer.send(self._features())
        if self._proven is not None and self.both_ways and self._host is not None:
            self._lead(self._peer, self._host, self._proven)

    def element(self, stanza: Stanza) -> None:
        handler = _ROUTES.get((stanza.namespace, stanza.name))
        if handler is None:
            self._fail("unsupported-stanza-type", f"<{stanza.name}/> is not expected here")
        elif self._peer.channel is None and handler is not Inbound._start_tls:
            self._fail("policy-violation", "TLS first")
        else:
            handler(self, stanza)

    def closed(self) -> None:
        self._peer.stop(END)

    def failed(self, condition: str, text: str) -> None:
        self._fail(condition, text)

    def expired(self) -> None:
        self._fail("connection-timeout", "proving a domain took too long")

    def stopped(self) -> None:
        """The server stops."""
        if self._opened:
            self._peer.stop(stream_error("system-shutdown") + END)
        else:
            self._peer.abort()

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        for task in self._tasks:
            task.cancel()
        self._gone(self, self._peer, unsent, unsure)

    # stream

    def _judge(self, header: Header) -> None:
        host, claimed = judge_server(header, self._home.hosts)
        if self._proven is not None and claimed not in (None, self._proven):
            raise StreamError("invalid-from", "you have proven to be another")
        if claimed is not None and not self._home.config.may_talk(claimed):
            raise StreamError("policy-violation", "we do not talk to that domain")
        self._host, self._claimed = host, self._proven or claimed

    def _open(self) -> None:
        self._id = secrets.token_hex(16)
        self._peer.send(stream_header(from_=self._host, to=self._claimed, id=self._id, content=ns.SERVER,
                                      extra=f" xmlns:db='{ns.DIALBACK}'"))
        self._opened = True

    def _features(self) -> bytes:
        config, channel = self._home.config, self._peer.channel
        if channel is None:
            return features.features([features.starttls()])
        if self._proven is not None:
            return features.features(
                [features.dialback(), management.FEATURE, features.limits(config.after.stanza)])
        problem = channel.problem if self._claimed is None else self._problem(self._claimed)
        parts = [features.mechanisms(["EXTERNAL"])] if problem is None else []
        return features.features([*parts, features.bidi(), features.dialback(), features.limits(config.before.stanza)])

    def _fail(self, condition: str, text: str) -> None:
        if self._peer.ended:
            return
        self._home.log.warning("s2s stream error", domain=self._claimed, address=self._peer.address,
                               condition=condition, text=text)
        if not self._opened:
            self._open()
        self._peer.stop(stream_error(condition, text) + END)

    def _start_tls(self, stanza: Stanza) -> None:
        if self._peer.channel is not None:
            self._peer.stop(f"<failure xmlns='{ns.TLS}'/>".encode() + END)
            return
        self._peer.send(f"<proceed xmlns='{ns.TLS}'/>".encode())
        self._peer.start_tls(host=self._host)   # Prosody names nobody in TLS (SNI) here
        self._opened = False

    def _ask_both_ways(self, stanza: Stanza) -> None:
        self.both_ways = not self.pairs

    def _manage(self, stanza: Stanza) -> None:
        """XEP-0198; without resumption: the next stream begins with what this one may not have brought."""
        if not self.pairs:
            self._peer.send(management.failed("unexpected-request"))
            return
        self._peer.send(f"<enabled xmlns='{ns.SM}'/>".encode())
        self._peer.manage()

    # SASL EXTERNAL (XEP-0178)

    def _auth(self, stanza: Stanza) -> None:
        try:
            domain = self._external(stanza)
        except SaslFailure as failure:
            self._attempts += 1
            self._home.log.warning("s2s login failed", domain=self._claimed, address=self._peer.address,
                                   condition=failure.condition, text=failure.text)
            self._peer.send(profile.failure(failure))
            if self._attempts >= MOST_ATTEMPTS:
                self._fail("policy-violation", "too many failed logins")
            return
        assert self._host is not None
        self._proven = self._claimed = domain
        self._peer.send(profile.success(None))
        self._peer.restart()
        self._opened = False
        self._admit(domain, self._host, f"certificate (SASL EXTERNAL{', DANE' if domain == self._pinned else ''})")

    def _external(self, stanza: Stanza) -> str:
        """The domain that it has proven to be. Raises SaslFailure."""
        element = stanza.element()
        if self._proven is not None:
            raise SaslFailure("malformed-request", "you have logged in")
        if element.get("mechanism") != "EXTERNAL":
            raise SaslFailure("invalid-mechanism")
        authzid = (profile.data(element) or b"").decode(errors="replace")
        try:
            domain = judge_domain(authzid or self._claimed, self._home.hosts)
        except StreamError as error:
            raise SaslFailure("invalid-authzid", error.text) from None
        if domain is None or self._claimed not in (None, domain):
            raise SaslFailure("invalid-authzid", "the stream's header and <auth/> have to name one domain")
        if not self._home.config.may_talk(domain):
            raise SaslFailure("not-authorized", "we do not talk to that domain")
        if (problem := self._problem(domain)) is not None:
            raise SaslFailure("not-authorized", problem)
        return domain

    def _problem(self, domain: str) -> str | None:
        """Why the certificate does not prove it; None if it does."""
        channel = self._peer.channel
        assert channel is not None
        if domain == self._pinned:
            return None
        if channel.problem is not None:
            return channel.problem
        return None if proves(channel.certificate, domain) else "the certificate is for other names"

    # dialback (XEP-0220; XEP-0344 where a certificate makes the call needless)

    def _result(self, stanza: Stanza) -> None:
        asked = self._read(stanza)
        if asked is None:
            return
        if (refused := self._refusal(asked)) is not None:
            self._refuse(asked, *refused)
            return
        problem = self._problem(asked.from_)
        if problem is None:
            self._grant(asked, "certificate (dialback)")
        elif self._home.dane is not None or self._home.posh is not None:
            self._spawn(self._ask_others(asked, problem))
        else:
            self._without_certificate(asked, problem)

    async def _ask_others(self, asked: Dialback, problem: str) -> None:
        """Who may know the certificate."""
        voucher = await self._voucher(asked.from_)
        if self._peer.ended:
            return
        if voucher is not None:
            self._grant(asked, f"certificate ({voucher})")
        else:
            self._without_certificate(asked, problem)

    async def _voucher(self, domain: str) -> str | None:
        channel, dane, posh = self._peer.channel, self._home.dane, self._home.posh
        if dane is not None and await self._is_pinned(dane, domain):
            return "DANE"
        if posh is not None and channel is not None and await posh.vouches(domain, channel.presented):
            return "POSH"
        return None

    def _without_certificate(self, asked: Dialback, problem: str) -> None:
        if self._home.config.may_dial_back(asked.from_):
            self._spawn(self._call_back(asked))
        else:
            self._refuse(asked, "not-authorized", problem)

    def _refusal(self, asked: Dialback) -> tuple[str, str] | None:
        hosts = self._home.hosts
        if asked.to not in hosts:
            return "item-not-found", "that domain is not ours"
        if asked.from_ in hosts:
            return "not-allowed", "that domain is ours"
        if not self._home.config.may_talk(asked.from_):
            return "policy-violation", "we do not talk to that domain"
        if len(self._tasks) >= MOST_VERIFYING or len(self.pairs) >= MOST_PAIRS:
            return "resource-constraint", "too many domains on one stream"
        return None

    async def _call_back(self, asked: Dialback) -> None:
        verdict = await self._verify(asked, self._id)
        if self._peer.ended:
            return
        if verdict == "valid":
            self._grant(asked, "dialback")
        elif verdict == "invalid":
            self._home.log.warning("s2s dialback key is wrong", domain=asked.from_, address=self._peer.address)
            self._peer.send(dialback.answer(asked, "invalid"))
            if not self.pairs:
                self._peer.stop(END)    # XEP-0220 2.1.1
        else:
            self._refuse(asked, verdict, "it could not be called back")

    def _grant(self, asked: Dialback, how: str) -> None:
        self._peer.send(dialback.answer(asked, "valid"))
        self._admit(asked.from_, asked.to, how)
        if self.both_ways:
            self._lead(self._peer, asked.to, asked.from_)

    def _refuse(self, asked: Dialback, condition: str, text: str) -> None:
        self._home.log.warning("s2s domain refused", domain=asked.from_, to=asked.to, address=self._peer.address,
                               condition=condition, text=text)
        self._peer.send(dialback.refusal(asked, condition))

    def _asked_about_key(self, stanza: Stanza) -> None:
        """Somebody that one of our streams leads to wants to know whether it is ours."""
        asked = self._read(stanza)
        if asked is None:
            return
        if asked.to not in self._home.hosts:
            self._peer.send(dialback.refusal(asked, "item-not-found"))
            return
        good = self._home.keys.is_key(asked.key, asked.from_, asked.to, asked.id)
        self._peer.send(dialback.answer(asked, "valid" if good else "invalid"))

    def _read(self, stanza: Stanza) -> Dialback | None:
        asked = dialback.read(stanza)
        if asked is None:
            self._fail("improper-addressing", f"<db:{stanza.name}/> goes from one domain to another")
        elif asked.type is not None:
            self._fail("unsupported-stanza-type", f"nobody has asked for this <db:{stanza.name}/>")
            return None
        return asked

    # both

    def _admit(self, theirs: str, ours: str, how: str) -> None:
        self._peer.admit(theirs, ours)
        self._peer.settle()
        self.pairs[theirs, ours] = how
        channel = self._peer.channel
        self._home.log.info("s2s domain proven", domain=theirs, to=ours, how=how, address=self._peer.address,
                            tls=channel and channel.version)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_ROUTES: dict[tuple[str, str], Callable[[Inbound, Stanza], None]] = {
    (ns.TLS, "starttls"): Inbound._start_tls,
    (ns.SASL, "auth"): Inbound._auth,
    (ns.BIDI, "bidi"): Inbound._ask_both_ways,
    (ns.SM, "enable"): Inbound._manage,
    (ns.DIALBACK, "result"): Inbound._result,
    (ns.DIALBACK, "verify"): Inbound._asked_about_key,
}
