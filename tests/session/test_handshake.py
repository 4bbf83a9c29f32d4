"""Negotiation over sockets: what bytes, cuts, pauses, time and TLS do to it."""

import asyncio
import gc
import re

import pytest
import slixmpp

from headrace.core.limits import BEFORE_AUTH
from headrace.session.config import C2SConfig
from headrace.session.exchanges import Exchange
from headrace.session.handshake import Handshake
from headrace.session.negotiation import Negotiation
from headrace.stream.limits import NegotiationLimits
from support.negotiating import PLAIN, auth, bind, eventually

OPEN = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' "
        "version='1.0'>")
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
LOGIN = OPEN + auth("PLAIN", PLAIN) + OPEN
PING = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
BRIEF = NegotiationLimits(seconds=1)
OPTIONAL = C2SConfig(tls="optional")


def condition(answer):
    """The stream error that ends the answer."""
    assert answer.endswith("</stream:error></stream:stream>"), answer
    return answer.rpartition("<stream:error><")[2].split(" ")[0]


# errors: header, XML, limits

@pytest.mark.parametrize(("sent", "expected"), [
    (OPEN.replace("localhost", "elsewhere"), "host-unknown"),
    (OPEN.replace(" to='localhost'", ""), "improper-addressing"),
    (OPEN.replace("/streams'", "/rivers'"), "invalid-namespace"),
    (OPEN.replace("jabber:client", "jabber:server"), "invalid-namespace"),
    (OPEN.replace("xmlns='jabber:client' ", ""), "invalid-namespace"),
    ("<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'>", "bad-namespace-prefix"),
    (OPEN.replace("stream:stream", "stream:river"), "bad-format"),
    (OPEN.replace(" version='1.0'", ""), "unsupported-version"),
    (OPEN.replace("1.0", "0.9"), "unsupported-version"),
    (OPEN.replace("1.0", "one"), "bad-format"),
    (OPEN.replace("to=", "from='a@elsewhere' to="), "invalid-from"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?>" + OPEN, "unsupported-encoding"),
    ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"),
    ("<!DOCTYPE x>" + OPEN, "restricted-xml"),
    (OPEN + "<a><b></a>", "not-well-formed"),
    (OPEN + "<!-- x -->", "restricted-xml"),
    (OPEN + "<a x='&nbsp;'/>", "restricted-xml"),
    (OPEN + "text", "bad-format"),
    (OPEN + "<message to='bob@localhost'/>", "not-authorized"),
    (LOGIN + "<presence/>", "not-authorized"),
    (LOGIN + PING, "not-authorized"),
    (OPEN + "<a/>", "unsupported-stanza-type"),
    (OPEN.replace("to=", f"id='{'x' * 8192}' to="), "policy-violation"),
    (OPEN + f"<a>{'x' * 16384}</a>", "policy-violation"),
    (OPEN + "<a>" * 9, "policy-violation"),
    (OPEN + auth("X-NONE") * 5, "policy-violation"),
])
async def test_what_ends_a_stream(serve, connect, sent, expected):
    client = await connect(serve(OPTIONAL))
    client.send(sent)
    answer = await client.rest()
    assert re.match(r"<\?xml version='1\.0'\?><stream:stream [^>]*>", answer)
    assert condition(answer) == expected


@pytest.mark.parametrize("limits", [{"total": 2000}, {"tops": 3}])
async def test_all_together_is_bounded(serve, connect, limits):
    before = type(BEFORE_AUTH)(**{"stanza": 1500, "header": 1500, **limits})
    client = await connect(serve(C2SConfig(tls="optional", before=before)))
    client.send(OPEN, auth("X-NONE", " " * 500) * 4)
    assert condition(await client.rest()) == "policy-violation"


# order: one segment, any cut, waits

async def test_everything_in_one_segment(serve, connect):
    client = await connect(serve(OPTIONAL))
    client.send(LOGIN, bind("r"), "<presence/>", PING, "</stream:stream>")
    answer = await client.rest()
    assert answer.count("<stream:features>") == 2
    assert "<jid>alice@localhost/r</jid>" in answer
    assert answer.endswith("</stream:stream>")


async def test_a_bound_session_holds_nothing_of_its_negotiation(serve, connect):
    gc.collect()    # what other tests left; this one must leave no cycle
    await (await connect(serve(OPTIONAL))).login()
    await eventually(lambda: not left())


async def test_what_follows_bind_belongs_to_the_session(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    client.send(LOGIN, bind("r"), "<presence><priority>5</priority></presence>", PING)
    await client.until("</iq>")
    await eventually(lambda: server.control.punted)
    assert server.control.punted[0].child_namespace == "urn:xmpp:ping"
    assert server.router.find("alice@localhost/r").priority == 5


async def test_order_while_storage_is_slow(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    server.accounts.gate.clear()
    client.send(OPEN)
    await client.until("</stream:features>")
    client.send(LOGIN.removeprefix(OPEN), bind("r"), "<presence/>", PING)
    await asyncio.sleep(0.05)
    assert client.got == b"", "nothing is answered before the verifier is here"
    server.accounts.gate.set()
    await client.until("<jid>alice@localhost/r</jid>")


async def test_what_is_asked_in_one_breath_is_answered_in_one(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    server.accounts.gate.clear()
    client.send(LOGIN)
    await asyncio.sleep(0.05)
    assert client.got == b"", "the features wait with the answer to the login that came along"
    server.accounts.gate.set()
    answer = await client.until("</success>")
    assert answer.index("</stream:features>") < answer.index("<success")


async def test_cut_at_every_byte(serve, connect):
    server = serve(OPTIONAL)
    script = LOGIN + bind("r")
    plain_answer = None
    for cut in range(1, len(script)):
        client = await connect(server)
        client.writer.get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY
        client.send(script[:cut])
        for _ in range(3):
            await asyncio.sleep(0)
        client.send(script[cut:], "</stream:stream>")
        answer = re.sub(r" id='\w{16}'", "", await client.rest())
        plain_answer = plain_answer or answer
        assert answer == plain_answer
    assert plain_answer.endswith("</iq></stream:stream>")


async def test_byte_by_byte(serve, connect):
    client = await connect(serve(OPTIONAL))
    for char in LOGIN + bind("r"):
        client.send(char)
        await asyncio.sleep(0)
    assert "<jid>alice@localhost/r</jid>" in await client.until("</iq>")


async def test_white_space_between_elements_is_nothing(serve, connect):
    client = await connect(serve(OPTIONAL))
    client.send(OPEN, " \n ", auth("PLAIN", PLAIN))
    await client.until("</success>")
    client.send(OPEN, " ", bind("r"), " ")
    assert "<jid>" in await client.until("</iq>")


# ends

async def test_both_sides_close(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    await client.open()
    client.send("</stream:stream>")
    assert await client.rest() == "</stream:stream>"
    await server.links(0)


@pytest.mark.parametrize("sent", ["", OPEN, OPEN + auth("SCRAM-SHA-1"), LOGIN])
async def test_time_out(serve, connect, sent):
    client = await connect(serve(C2SConfig(tls="optional", negotiation=BRIEF)))
    client.send(sent)
    answer = await client.rest()
    assert answer.startswith("<?xml version='1.0'?><stream:stream ")
    assert condition(answer) == "connection-timeout"


async def test_time_out_while_storage_is_slow(serve, connect):
    server = serve(C2SConfig(tls="optional", negotiation=BRIEF))
    server.accounts.gate.clear()
    client = await connect(server)
    client.send(LOGIN)
    assert condition(await client.rest()) == "connection-timeout"
    server.accounts.gate.set()


async def test_a_bound_session_has_no_time_out(serve, connect):
    server = serve(C2SConfig(tls="optional", negotiation=BRIEF))
    client = await connect(server)
    await client.login()
    await asyncio.sleep(2.5)
    assert server.router.find("alice@localhost/r")


@pytest.mark.parametrize("sent", ["", OPEN, LOGIN])
async def test_the_server_stops(serve, connect, sent):
    server = serve(OPTIONAL)
    client = await connect(server)
    client.send(sent)
    if sent:
        await client.until("</success>" if sent is LOGIN else "</stream:features>")
    await eventually(lambda: server.reactor.links == 1)
    server.logins.end("system-shutdown")
    assert condition(await client.rest()) == "system-shutdown"
    server.logins.end("system-shutdown")


async def test_gone_while_loading(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    client.send(LOGIN)
    await client.until("</success>")
    server.accounts.gate.clear()
    client.send(bind("r"))
    await eventually(lambda: server.accounts.loaded)
    client.writer.transport.abort()
    server.accounts.gate.set()
    await server.links(0)
    assert server.router.sessions("alice@localhost") == []


async def test_what_fails_behind_the_binding_is_the_loops_to_report(serve, connect, monkeypatch):
    """The connection is a session by then: nobody else hears of it."""
    async def bind_and_fail(self, stanza, jid):
        await original(self, stanza, jid)
        raise ValueError("too late")

    original, reported = Negotiation._bind, []
    monkeypatch.setattr(Negotiation, "_bind", bind_and_fail)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(str(context["exception"])))
    client = await connect(serve(OPTIONAL))
    assert "type='result'" in await client.login()
    client.send("</stream:stream>")
    await client.rest()
    assert reported == ["too late"]


async def test_the_older_session_ends_with_conflict(serve, connect):
    server = serve(OPTIONAL)
    older, newer = await connect(server), await connect(server)
    await older.login()
    first = server.router.find("alice@localhost/r")
    assert "<jid>alice@localhost/r</jid>" in await newer.login()
    assert condition(await older.rest()) == "conflict"
    assert server.router.find("alice@localhost/r") is not first
    assert len(server.router.sessions("alice@localhost")) == 1


async def test_many_log_in_at_once_from_one_proxy(serve, connect):
    server = serve(OPTIONAL)
    clients = [await connect(server) for _ in range(30)]
    answers = await asyncio.gather(*(client.login(f"r{n}") for n, client in enumerate(clients)))
    assert all("<jid>" in answer for answer in answers)
    assert len(server.router.sessions("alice@localhost")) == 30


async def test_strangers_are_counted_until_they_log_in(serve, connect):
    server = serve(OPTIONAL)
    client = await connect(server)
    await client.open()
    assert server.admission.unauthenticated == 1
    client.send(auth("PLAIN", PLAIN))
    await client.until("</success>")
    assert server.admission.unauthenticated == 0
    client.writer.transport.abort()
    await server.links(0)
    assert (server.admission.unauthenticated, server.admission.open) == (0, 0)


def left():
    """What is alive of negotiations."""
    return [o for o in gc.get_objects() if isinstance(o, Handshake | Negotiation | Exchange)]


@pytest.mark.parametrize("sent", [
    LOGIN + bind("r"), OPEN + auth("X-NONE") * 5, OPEN + auth("SCRAM-SHA-1") + "</stream:stream>", "<<", OPEN + "<a/>",
])
async def test_nothing_of_a_negotiation_is_left_to_the_collector(serve, connect, sent):
    server = serve(OPTIONAL)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            client = await connect(server)
            client.send(sent)
            await client.until("</iq>" if "r</resource>" in sent else "</stream:stream>")
            client.writer.transport.abort()
        await server.links(0)
        await eventually(lambda: not server.reactor.sessions)
        assert left() == []
    finally:
        gc.enable()


# TLS

async def test_starttls(serve, connect, trusting):
    client = await connect(serve(C2SConfig()))
    assert "<required/>" in await client.open()
    client.send(STARTTLS)
    assert await client.until("/>") == "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    await client.secure(trusting)
    answer = await client.open()
    assert "<mechanism>SCRAM-SHA-256</mechanism>" in answer
    assert "starttls" not in answer
    client.send(auth("PLAIN", PLAIN), OPEN, bind("r"))
    assert "<jid>alice@localhost/r</jid>" in await client.until("</iq>")


async def test_what_was_sent_before_tls_is_dropped(serve, connect, trusting):
    """The class of CVE-2011-0411: an attacker's plain bytes must not count as said inside TLS."""
    client = await connect(serve(C2SConfig()))
    await client.open()
    client.send(STARTTLS, OPEN, auth("PLAIN", PLAIN))
    await client.until("/>")
    await client.secure(trusting)
    answer = await client.open()
    assert answer.count("<stream:stream ") == 1
    assert "success" not in answer
    client.send("</stream:stream>")
    assert await client.rest() == "</stream:stream>"


async def test_no_second_starttls(serve, connect, trusting):
    client = await connect(serve(C2SConfig()))
    await client.open()
    client.send(STARTTLS)
    await client.until("/>")
    await client.secure(trusting)
    await client.open()
    client.send(STARTTLS)
    assert await client.rest() == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"


async def test_direct_tls(serve, connect, trusting):
    server = serve(C2SConfig(tls="direct"))
    client = await connect(server, trusting)
    assert "<mechanism>PLAIN</mechanism>" in await client.open()
    client.send(auth("PLAIN", PLAIN), OPEN, bind("r"))
    assert "<jid>" in await client.until("</iq>")


@pytest.mark.parametrize("tls", ["starttls", "direct"])
async def test_time_out_inside_a_tls_handshake_says_nothing(serve, connect, tls):
    client = await connect(serve(C2SConfig(tls=tls, negotiation=BRIEF)))
    if tls == "starttls":
        await client.open()
        client.send(STARTTLS)
        await client.until("/>")
    async with asyncio.timeout(20):
        assert await client.reader.read(1) == b""


# a real client

class Slixmpp(slixmpp.ClientXMPP):
    """Logs in with one mechanism and notes how it went."""

    def __init__(self, password, mechanism, authority, folder):
        super().__init__("alice@localhost/slix", password, sasl_mech=mechanism)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        self.ca_certs = folder / "ca.pem"
        self.outcome = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: self._note(self.boundjid.full))
        self.add_event_handler("failed_all_auth", lambda _: self._note("failed"))

    def _note(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)


async def slix(server, client, tls):
    client.enable_direct_tls, client.enable_starttls = tls == "direct", tls == "starttls"
    client.enable_plaintext = False
    client.connect("127.0.0.1", server.listener.port)
    async with asyncio.timeout(20):
        outcome = await client.outcome
    client.abort()
    return outcome


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"])
async def test_slixmpp_logs_in(serve, authority, tmp_path, mechanism, tls):
    server = serve(C2SConfig(tls=tls))
    client = Slixmpp("pencil", mechanism, authority, tmp_path)
    assert await slix(server, client, tls) == "alice@localhost/slix"
    logged = server.log.named("logged in")[0]
    assert (logged["mechanism"], logged["tls"]) == (mechanism, True)


async def test_slixmpp_with_a_wrong_password(serve, authority, tmp_path):
    server = serve(C2SConfig())
    assert await slix(server, Slixmpp("wrong", "SCRAM-SHA-256", authority, tmp_path), "starttls") == "failed"
