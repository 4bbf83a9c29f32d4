"""Our side of a stream between servers, on a peer that only notes: what was asked for moves it, nothing else does."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from headrace.core.stanza import parse_stanza
from headrace.session.dialback import Keys
from headrace.session.domains import Contexts, Home, S2SConfig
from headrace.session.outbound import Call, DialError, Outbound, Question
from headrace.stream.header import Header

STREAM = (("stream", "http://etherx.jabber.org/streams"), ("db", "jabber:server:dialback"))
SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
TLS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
SM = "xmlns='urn:xmpp:sm:3'"
BIDI = "<bidi xmlns='urn:xmpp:features:bidi'/>"
DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'/>"
EXTERNAL = f"<mechanisms {SASL}><mechanism>EXTERNAL</mechanism></mechanisms>"


def features(*offers: str) -> str:
    return f"<stream:features>{''.join(offers)}</stream:features>"


def result(type: str, from_: str = "b.example", to: str = "localhost") -> str:
    return f"<db:result from='{from_}' to='{to}' type='{type}'/>"


def verdict(type: str, id: str = "s1") -> str:
    return f"<db:verify from='b.example' to='localhost' id='{id}' type='{type}'/>"


START_TLS = features(f"<starttls {TLS}/>")
PROCEED = f"<proceed {TLS}/>"
LOGINS = features(EXTERNAL, DIALBACK, BIDI)
SUCCESS = f"<success {SASL}/>"
REFUSED = f"<failure {SASL}><not-authorized/></failure>"
MANAGED = features(f"<sm {SM}/>")
ENABLED = f"<enabled {SM}/>"


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))


class FakePeer:
    """The stream's native side: notes what is written and done."""

    def __init__(self) -> None:
        self.channel: Any = None
        self.ended = False
        self.most_out = 10_000
        self.sent: list[bytes] = []
        self.done: list[str] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def start_tls(self, context: object) -> None:
        self.done.append("tls")

    def restart(self, proven: bool = False) -> None:
        self.done.append("restart, proven" if proven else "restart")

    def manage(self) -> None:
        self.done.append("manage")

    def settle(self) -> None:
        self.done.append("settle")

    def admit(self, theirs: str, ours: str) -> None:
        self.done.append(f"admit {theirs} for {ours}")

    def stop(self, last: bytes) -> None:
        self.sent.append(last)
        self.abort()

    def abort(self) -> None:
        self.ended = True


def channel(certificate: bytes, problem: str | None = None, *, usage: int = -1, pinned: bool = False) -> Any:
    return SimpleNamespace(version="TLSv1.3", cipher="c", problem=problem, usage=usage, pinned=pinned,
                           presented=certificate, certificate=None if problem else certificate)


def der(domain: str) -> bytes:
    pem = trustme.CA().issue_cert(domain).cert_chain_pems[0].bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def certificate() -> bytes:
    return der("b.example")


class Dial:
    """A stream to b.example, for one pair or a question."""

    def __init__(self, certificate: bytes, question: Question | None = None, *, posh: Any = None,
                 place: str | None = None, **options: Any) -> None:
        tls: Any = None
        self.log = Log()
        self.peer = FakePeer()
        self.steps: list[str] = []
        self.keys = Keys(b"x")
        self.certificate = certificate
        home = Home(S2SConfig(**options), self.keys, {"localhost": Contexts(tls, tls)}, self.log,    # type: ignore[arg-type]
                    posh)
        call = Call("localhost", "b.example", question, self.steps.append)
        self.out = Outbound(self.peer, home, call, gone=lambda *_: None, place=place)    # type: ignore[arg-type]
        self.out.begin(direct=False)

    def open(self, id: str = "their-id") -> None:
        self.out.opened(Header(content="jabber:server", from_="b.example", id=id, version="1.0"))

    def tell(self, *elements: str) -> None:
        for element in elements:
            self.out.element(parse_stanza(element.encode(), "jabber:server", bindings=STREAM))

    def secure(self, problem: str | None = None, **pins: Any) -> None:
        self.open("in clear")
        self.tell(START_TLS, PROCEED)
        assert self.peer.done == ["tls"]
        self.peer.channel = channel(self.certificate, problem, **pins)
        self.out.secured()
        self.open()

    def last(self) -> str:
        return self.peer.sent[-1].decode()

    async def failure(self) -> DialError:
        with pytest.raises(DialError) as caught:
            await asyncio.wait_for(self.out.result, 5)
        return caught.value


@pytest_asyncio.fixture
async def dial(certificate: bytes) -> Dial:
    return Dial(certificate)


# What was said, in order, before the step in question.
STEPS = {
    "in clear": [], "TLS asked for": [START_TLS],
    "secured": None, "EXTERNAL": [LOGINS], "logged in": [LOGINS, SUCCESS], "enabling": [LOGINS, SUCCESS, MANAGED],
    "dialback": [features(DIALBACK)], "dialback after EXTERNAL": [LOGINS, REFUSED],
    "proven": [LOGINS, SUCCESS, features()], "proven, managed": [LOGINS, SUCCESS, MANAGED, ENABLED],
}
ANSWERS = {
    "features": START_TLS, "proceed": PROCEED, "TLS failure": f"<failure {TLS}/>", "success": SUCCESS,
    "SASL failure": REFUSED, "enabled": ENABLED, "not enabled": f"<failed {SM}/>", "result": result("valid"),
    "verdict": verdict("valid"), "anything": "<a xmlns='urn:x'/>", "stanza": "<message/>",
}
AWAITED = {
    "in clear": {"features"}, "TLS asked for": {"proceed", "TLS failure"}, "secured": {"features"},
    "EXTERNAL": {"success", "SASL failure"}, "logged in": {"features"}, "enabling": {"enabled", "not enabled"},
    "dialback": {"result"}, "dialback after EXTERNAL": {"result"},
}


def until(dial: Dial, step: str) -> None:
    said = STEPS[step]
    if step in ("in clear", "TLS asked for"):
        dial.open()
    else:
        dial.secure()
    dial.tell(*said or [])


@pytest.mark.parametrize("step", STEPS)
async def test_only_what_was_asked_for_is_an_answer(certificate: bytes, step: str) -> None:
    for answer in ANSWERS.keys() - AWAITED.get(step, set()):
        dial = Dial(certificate)
        until(dial, step)
        done, proven = list(dial.peer.done), dial.out.result.done()
        assert proven is step.startswith("proven")
        dial.tell(ANSWERS[answer])
        assert dial.peer.ended, answer
        assert "<unsupported-stanza-type" in dial.last()
        assert dial.peer.done == done
        if not proven:
            assert "is not expected here" in (await dial.failure()).text


@pytest.mark.parametrize("step", AWAITED)
async def test_what_was_asked_for_is_taken(certificate: bytes, step: str) -> None:
    for answer in AWAITED[step]:
        dial = Dial(certificate)
        until(dial, step)
        dial.tell(ANSWERS[answer])
        assert "is not expected here" not in dial.last()
        if dial.out.result.done():
            dial.out.result.exception()


@pytest.mark.parametrize("step", STEPS)
async def test_a_stream_error_ends_it_at_any_step(certificate: bytes, step: str) -> None:
    dial = Dial(certificate)
    until(dial, step)
    proven = dial.out.result.done()
    dial.tell("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
              "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>again</text></stream:error>")
    assert dial.peer.ended
    assert dial.log.lines == [("s2s stream ended by the peer",
                               {"domain": "b.example", "condition": "conflict", "text": "again"})]
    if not proven:
        assert (await dial.failure()).text == "it ended the stream: conflict (again)"


async def test_proven_by_certificate_and_used_both_ways(dial: Dial) -> None:
    dial.secure()
    dial.tell(LOGINS)
    assert dial.peer.sent[-2:] == [
        b"<bidi xmlns='urn:xmpp:bidi'/>", f"<auth {SASL} mechanism='EXTERNAL'>bG9jYWxob3N0</auth>".encode()]
    dial.tell(SUCCESS)
    assert dial.last().startswith("<?xml") or "<stream:stream" in dial.last()
    dial.tell(MANAGED)
    assert dial.last() == f"<enable {SM}/>"
    assert not dial.out.result.done()       # nothing goes out before the peer counts it
    dial.tell(ENABLED)
    assert await dial.out.result == "certificate (SASL EXTERNAL)"
    admitted = "admit b.example for localhost"
    assert dial.peer.done == ["tls", admitted, "settle", "restart, proven", "manage", "settle", admitted]


async def test_the_peer_refuses_our_certificate_and_takes_dialback(dial: Dial) -> None:
    dial.secure()
    dial.tell(LOGINS, REFUSED)
    assert dial.keys.key("b.example", "localhost", "their-id") in dial.last()
    dial.tell(result("valid"))
    assert await dial.out.result == "dialback"
    assert "login: it refuses our certificate (not-authorized)" in dial.steps


@pytest.mark.parametrize(("answer", "text"), [
    (result("invalid"), "it does not believe that we are localhost: the key is invalid"),
    (result("valid", from_="c.example"), "its stream: that is no answer to us"),
    (result("valid", to="c.example"), "its stream: that is no answer to us"),
    ("<db:result from='b.example' to='localhost'>key</db:result>", "its stream: that is no answer to us"),
])
async def test_no_proof_by_dialback(dial: Dial, answer: str, text: str) -> None:
    dial.secure()
    dial.tell(features(DIALBACK), answer)
    assert (await dial.failure()).text == text
    assert dial.peer.ended
    assert "settle" not in dial.peer.done


@pytest.mark.parametrize(("verdict_", "said"), [
    (verdict("valid"), "valid"), (verdict("invalid"), "invalid"),
    (verdict("error"), "remote-server-not-found"),
])
async def test_a_question_is_answered_on_a_secured_stream(certificate: bytes, verdict_: str, said: str) -> None:
    dial = Dial(certificate, Question("s1", "the-key"))
    dial.secure()
    dial.tell(LOGINS)
    assert "the-key" in dial.last()
    assert "<auth" not in b"".join(dial.peer.sent).decode()
    dial.tell(verdict_)
    assert await dial.out.result == said
    assert dial.peer.ended


@pytest.mark.parametrize("early", [[], [START_TLS]])
async def test_no_answer_in_clear(certificate: bytes, early: list[str]) -> None:
    """Before TLS anybody on the way could say that a key is good."""
    dial = Dial(certificate, Question("s1", "the-key"))
    dial.open()
    dial.tell(*early, verdict("valid"))
    assert dial.peer.ended
    assert "is not expected here" in (await dial.failure()).text


async def test_an_answer_about_another_stream_is_none(certificate: bytes) -> None:
    dial = Dial(certificate, Question("s1", "the-key"))
    dial.secure()
    dial.tell(LOGINS, verdict("valid", id="s2"))
    assert (await dial.failure()).text == "its stream: that is no answer to us"


@pytest.mark.parametrize(("options", "goes_on"), [
    ({}, False), ({"dialback": frozenset({"c.example"})}, False),
    ({"dialback": frozenset({"b.example"})}, True), ({"dialback": frozenset({"*"})}, True),
])
@pytest.mark.parametrize("why", ["names", "chain"])
async def test_who_answers_has_to_be_who_was_called(certificate: bytes, options: dict[str, Any], goes_on: bool,
                                                    why: str) -> None:
    names, problem = ("c.example", None) if why == "names" else ("b.example", "it has expired")
    dial = Dial(der(names), **options)
    dial.secure(problem)
    dial.tell(LOGINS)
    assert dial.peer.ended is not goes_on
    assert not dial.out.both_ways       # who is not proven may not send on it
    if goes_on:
        assert "<auth" in dial.last()
    else:
        error = await dial.failure()
        assert (error.condition, error.final) == ("remote-server-not-found", True)
        assert error.text == f"its certificate: {problem or 'it is for other names'}"


@pytest.mark.parametrize(("told", "text"), [
    ([features()], "it does not offer TLS"), ([START_TLS, f"<failure {TLS}/>"], "it does not start TLS"),
])
async def test_nothing_without_tls(dial: Dial, told: list[str], text: str) -> None:
    dial.open()
    dial.tell(*told)
    error = await dial.failure()
    assert (error.text, error.final, dial.peer.ended) == (text, True, True)


async def test_it_offers_no_way_to_log_in(dial: Dial) -> None:
    dial.secure()
    dial.tell(features())
    assert (await dial.failure()).text == "it offers no way to log in"


async def test_a_strangers_bound_never_lowers_ours(dial: Dial) -> None:
    """Before login it may be anybody's; after it, it is theirs to say."""
    def limits(n: int) -> str:
        return f"<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>{n}</max-bytes></limits>"

    dial.open()
    dial.tell(features(f"<starttls {TLS}/>", limits(5_000)))
    assert dial.peer.most_out == 10_000
    dial.peer.channel = channel(dial.certificate)
    dial.out.secured()
    dial.open()
    dial.tell(features(EXTERNAL, limits(20_000)))
    assert dial.peer.most_out == 20_000
    dial.tell(SUCCESS, features(limits(5_000)))
    assert dial.peer.most_out == 5_000


# What else says whose a certificate is: secure DNS (RFC 7673), a web server (RFC 7711).

@pytest.mark.parametrize(("domain", "pins", "place", "good"), [
    ("b.example", {"usage": 1, "pinned": True}, None, True), ("c.example", {"usage": 3, "pinned": True}, None, True),
    ("c.example", {"usage": 2, "pinned": True}, None, False), ("c.example", {}, None, False),
    ("c.example", {"usage": 2, "pinned": True}, "c.example", True)])
async def test_names_and_pins(domain: str, pins: dict[str, Any], place: str | None, good: bool) -> None:
    """Usage 3 needs no names; the others take also that of the place, which DNS has told of."""
    dial = Dial(der(domain), place=place)
    dial.secure(**pins)
    dial.tell(LOGINS)
    assert dial.peer.ended is not good


@pytest.mark.parametrize("pinned", [True, False])
async def test_pins_count_more_than_dialback_and_web_servers(certificate: bytes, pinned: bool) -> None:
    web = Web(good=True)
    dial = Dial(certificate, posh=web, dialback=frozenset("*"))
    dial.secure("no matching record", pinned=pinned)
    dial.tell(LOGINS)
    await asyncio.sleep(0)
    assert dial.peer.ended is pinned
    assert web.asked == ([] if pinned else [("b.example", certificate)])


class Web:
    """A Posh that knows one answer."""

    def __init__(self, *, good: bool) -> None:
        self.good = good
        self.asked: list[tuple[str, bytes | None]] = []

    async def vouches(self, domain: str, certificate: bytes | None) -> bool:
        self.asked.append((domain, certificate))
        return self.good


@pytest.mark.parametrize("good", [True, False])
async def test_what_authorities_do_not_know_is_asked_of_the_web(certificate: bytes, good: bool) -> None:
    dial = Dial(certificate, posh=Web(good=good))
    dial.secure("self-signed certificate")
    dial.tell(LOGINS)
    assert not dial.peer.ended
    await asyncio.sleep(0)
    assert dial.peer.ended is not good
    if not good:
        assert "self-signed" in (await dial.failure()).text


async def test_nothing_may_come_while_the_web_is_asked(certificate: bytes) -> None:
    dial = Dial(certificate, posh=Web(good=True))
    dial.secure("self-signed certificate")
    dial.tell(LOGINS, SUCCESS)
    assert dial.peer.ended
    await asyncio.sleep(0)
    assert dial.peer.done == ["tls"]
