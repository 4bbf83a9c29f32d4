"""The state machine of a client's stream, without a socket: every state against every input, each error."""

import dataclasses
from base64 import b64decode, b64encode

import pytest
import scramp

from headrace.session.config import C2SConfig
from headrace.session.negotiation import State
from support.negotiating import PENCIL, PLAIN, UPGRADE, Channel, auth, authenticate, bind, response, response2, staged

SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
ABORT = f"<abort {SASL}/>"
SASL2 = "xmlns='urn:xmpp:sasl:2'"
ABORT2 = f"<abort {SASL2}/>"


@pytest.fixture
def stage():
    with staged() as stage:
        yield stage


@pytest.fixture
def plain():
    """Before TLS."""
    with staged(secure=False) as stage:
        yield stage


def b64(data):
    return b64encode(data).decode()


def failure(answer):
    """The condition of a SASL failure that is all there is."""
    assert answer.startswith(f"<failure {SASL}><")
    assert answer.endswith("</failure>")
    return answer.split("><")[1].rstrip("/>")


def stream_error(answer):
    assert "<stream:error><" in answer
    assert answer.endswith("</stream:error></stream:stream>")
    return answer.split("<stream:error><")[1].split(" ")[0]


# headers

def test_header_is_answered_with_header_and_features(stage):
    answer = stage.open(from_="alice@localhost")
    assert answer.startswith("<?xml version='1.0'?><stream:stream ")
    for part in ("from='localhost'", "to='alice@localhost'", "version='1.0'", "xml:lang='en'", " id='"):
        assert part in answer
    assert answer.endswith("</stream:features>")


def test_each_stream_has_its_own_id(stage):
    first = stage.open().split(" id='")[1].split("'")[0]
    stage.connect()
    assert first != stage.open().split(" id='")[1].split("'")[0]
    assert len(first) == 16


@pytest.mark.parametrize(("fields", "condition"), [
    ({"to": "elsewhere.example"}, "host-unknown"),
    ({"to": "@"}, "host-unknown"),
    ({"to": "alice@localhost"}, "host-unknown"),
    ({"to": None}, "improper-addressing"),
    ({"namespace": "urn:x"}, "invalid-namespace"),
    ({"content": "jabber:server"}, "invalid-namespace"),
    ({"content": ""}, "invalid-namespace"),
    ({"content": "http://etherx.jabber.org/streams"}, "bad-namespace-prefix"),
    ({"name": "river"}, "bad-format"),
    ({"version": None}, "unsupported-version"),
    ({"version": "0.9"}, "unsupported-version"),
    ({"version": "x"}, "bad-format"),
    ({"version": "9" * 5000 + ".0"}, "bad-format"),
    ({"from_": "alice@elsewhere.example"}, "invalid-from"),
])
def test_bad_header(stage, fields, condition):
    answer = stage.open(**fields)
    assert answer.startswith("<?xml version='1.0'?><stream:stream "), "our header comes before the error"
    assert stream_error(answer) == condition
    assert stage.state == "OVER"
    assert stage.wire.acts == ["finish"]


def test_a_higher_version_is_answered_with_ours(stage):
    assert "version='1.0'" in stage.open(version="2.3")
    assert stage.state == "LOGIN"


def test_the_answer_is_to_the_bare_jid(stage):
    assert "to='alice@localhost'" in stage.open(from_="Alice@LOCALHOST/phone")
    stage.connect()
    assert " to=" not in stage.open()


async def test_the_name_stays_after_login(stage):
    stage.open(from_="alice@localhost")
    await stage.give(auth("PLAIN", PLAIN))
    assert stream_error(stage.open(from_="bob@localhost")) == "invalid-from"


MOVED = C2SConfig(elsewhere={"example.org": "xmpp2.example.org:5222"})


def test_clients_of_a_moved_host_are_sent_on():
    with staged(config=MOVED) as stage:
        answer = stage.open(to="example.org")
        assert stream_error(answer) == "see-other-host"
        assert ">xmpp2.example.org:5222</see-other-host>" in answer
        assert "from='example.org'" in answer
        stage.connect()
        assert "<mechanism>" in stage.open(to="localhost")


def test_clients_of_a_moved_host_are_sent_on_inside_tls_only():
    with staged(secure=False, config=MOVED) as stage:
        assert "<starttls " in stage.open(to="example.org")


def test_host_is_prepared(stage):
    assert "from='localhost'" in stage.open(to="LocalHost")


# features

def test_features_before_tls(plain):
    answer = plain.open()
    assert "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" in answer
    assert "mechanism" not in answer


def test_features_inside_tls(stage):
    answer = stage.open()
    assert "starttls" not in answer
    names = ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS",
             "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
    assert "".join(f"<mechanism>{name}</mechanism>" for name in names) in answer
    assert "<max-bytes>16384</max-bytes>" in answer
    assert "xmpp-bind" not in answer


def test_features_where_tls_is_optional():
    with staged(secure=False, config=C2SConfig(tls="optional")) as stage:
        answer = stage.open()
        assert "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><optional/></starttls>" in answer
        assert "<mechanism>PLAIN</mechanism>" in answer


async def test_features_after_login():
    with staged(config=C2SConfig(features=(b"<ver xmlns='urn:xmpp:features:rosterver'/>",))) as stage:
        answer = await stage.login()
        assert "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" in answer
        assert "<ver xmlns='urn:xmpp:features:rosterver'/>" in answer
        assert "<max-bytes>262144</max-bytes><idle-seconds>3600</idle-seconds>" in answer
        assert "mechanism" not in answer


# every state against every input

INPUTS = {
    "starttls": STARTTLS, "auth": auth("SCRAM-SHA-256"), "response": response(), "abort": ABORT,
    "message": "<message/>", "iq": "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    "bind": bind(), "nonza": "<enable xmlns='urn:xmpp:sm:3'/>",
    "proceed": "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "authenticate": authenticate("SCRAM-SHA-256"), "response2": response2(), "abort2": ABORT2,
    "next": f"<next {SASL2} task='UPGR-SCRAM-SHA-512'/>", "task-data": f"<task-data {SASL2}/>",
}
ENDS = "OVER"
UNSUPPORTED = (ENDS, "<unsupported-stanza-type ")
NOT_AUTHORIZED = (ENDS, "<not-authorized ")
TABLE = {  # state -> input -> (state after it, what the answer holds)
    "LOGIN": {
        "starttls": (ENDS, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"),
        "auth": ("EXCHANGE", f"<challenge {SASL}></challenge>"),
        "response": ("LOGIN", "<malformed-request/>"), "abort": ("LOGIN", "<aborted/>"),
        "message": NOT_AUTHORIZED, "iq": NOT_AUTHORIZED,
        "bind": NOT_AUTHORIZED, "nonza": ("LOGIN", "<unexpected-request "),
        "proceed": UNSUPPORTED,
        "authenticate": ("EXCHANGE2", f"<challenge {SASL2}></challenge>"),
        "response2": UNSUPPORTED, "abort2": UNSUPPORTED, "next": UNSUPPORTED, "task-data": UNSUPPORTED,
    },
    "EXCHANGE": {
        "starttls": UNSUPPORTED, "auth": ("LOGIN", "<malformed-request/>"),
        "response": ("LOGIN", "<malformed-request/>"), "abort": ("LOGIN", "<aborted/>"),
        "message": NOT_AUTHORIZED, "iq": NOT_AUTHORIZED,
        "bind": NOT_AUTHORIZED, "nonza": UNSUPPORTED,
        "proceed": UNSUPPORTED,
        "authenticate": UNSUPPORTED, "response2": UNSUPPORTED, "abort2": UNSUPPORTED, "next": UNSUPPORTED,
        "task-data": UNSUPPORTED,
    },
    "BIND": {
        "starttls": UNSUPPORTED, "auth": UNSUPPORTED,
        "response": UNSUPPORTED, "abort": UNSUPPORTED,
        "message": NOT_AUTHORIZED, "iq": NOT_AUTHORIZED,
        "bind": (ENDS, "<jid>alice@localhost/"), "nonza": ("BIND", "<unexpected-request "),
        "proceed": UNSUPPORTED,
        "authenticate": UNSUPPORTED, "response2": UNSUPPORTED, "abort2": UNSUPPORTED, "next": UNSUPPORTED,
        "task-data": UNSUPPORTED,
    },
    "EXCHANGE2": {
        **dict.fromkeys(("starttls", "auth", "response", "abort", "nonza", "proceed", "authenticate", "next",
                         "task-data"), UNSUPPORTED),
        **dict.fromkeys(("message", "iq", "bind"), NOT_AUTHORIZED),
        "response2": ("LOGIN", f"<malformed-request {SASL}/>"), "abort2": ("LOGIN", f"<aborted {SASL}/>"),
    },
    "TASK": {
        **dict.fromkeys(("starttls", "auth", "response", "abort", "nonza", "proceed", "authenticate", "response2"),
                        UNSUPPORTED),
        **dict.fromkeys(("message", "iq", "bind"), NOT_AUTHORIZED),
        "next": ("TASK", f"<task-data {SASL2}><salt "), "task-data": ("LOGIN", f"<malformed-request {SASL}/>"),
        "abort2": ("LOGIN", f"<aborted {SASL}/>"),
    },
}


async def reach(stage, state):
    if state == "BIND":
        await stage.login()
    else:
        stage.open()
        match state:
            case "EXCHANGE":
                await stage.give(auth("SCRAM-SHA-256"))
            case "EXCHANGE2":
                await stage.give(authenticate("SCRAM-SHA-256"))
            case "TASK":
                stage.accounts.change("alice@localhost", credentials=dataclasses.replace(PENCIL, sha512=None))
                await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))
    assert stage.state == state


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("state", TABLE)
async def test_every_state_against_every_input(stage, state, given):
    await reach(stage, state)
    after, answer = TABLE[state][given]
    assert answer in await stage.give(INPUTS[given])
    assert stage.state == after


def test_the_table_is_complete():
    assert set(TABLE) == {state.name for state in State} - {"HEADER", "OVER"}
    assert all(set(row) == set(INPUTS) for row in TABLE.values())


@pytest.mark.parametrize("state", TABLE)
async def test_the_end_is_answered_in_every_state(stage, state):
    await reach(stage, state)
    stage.negotiation.closed()
    assert stage.take() == "</stream:stream>"
    assert stage.wire.acts[-1] == "finish"
    assert stage.state == "OVER"


@pytest.mark.parametrize("state", TABLE)
async def test_time_out_in_every_state(stage, state):
    await reach(stage, state)
    stage.negotiation.failed("connection-timeout", "")
    assert stream_error(stage.take()) == "connection-timeout"
    assert stage.wire.acts[-1] == "finish"


def test_time_out_before_any_header(stage):
    stage.negotiation.failed("connection-timeout", "")
    answer = stage.take()
    assert answer.startswith("<?xml")
    assert stream_error(answer) == "connection-timeout"


def test_what_the_tokenizer_refuses_ends_the_stream(stage):
    stage.open()
    stage.negotiation.failed("not-well-formed", "a tag that was not opened")
    assert stream_error(stage.take()) == "not-well-formed"


def test_nothing_is_said_after_the_end(stage):
    stage.open()
    stage.negotiation.closed()
    stage.take()
    stage.negotiation.failed("not-well-formed", "")
    stage.negotiation.closed()
    assert stage.take() == ""
    assert stage.wire.acts == ["finish"]


def test_a_crash_is_logged_and_told_without_detail(stage):
    stage.open()
    stage.negotiation.crashed(RuntimeError("secret detail"))
    answer = stage.take()
    assert stream_error(answer) == "internal-server-error"
    assert "detail" not in answer
    assert stage.log.named("negotiation failed")


# TLS

async def test_starttls(plain):
    plain.open()
    assert await plain.give(STARTTLS) == "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    assert plain.wire.acts == [("start_tls", "localhost")]
    assert plain.state == "HEADER"
    plain.wire.channel = Channel()
    assert "<mechanism>" in plain.open()


async def test_no_login_before_tls(plain):
    plain.open()
    assert failure(await plain.give(auth("PLAIN", PLAIN))) == "encryption-required"
    assert plain.state == "LOGIN"


async def test_login_without_tls_where_it_is_optional():
    with staged(secure=False, config=C2SConfig(tls="optional")) as stage:
        await stage.login()
        assert stage.state == "BIND"


# login

async def scram(stage, mechanism, username="alice", password="pencil"):
    client = scramp.ScramClient([mechanism], username, password)
    challenge = await stage.give(auth(mechanism, b64(client.get_client_first().encode())))
    if not challenge.startswith("<challenge"):
        return challenge
    client.set_server_first(b64decode(challenge.split(">")[1].split("<")[0]).decode())
    answer = await stage.give(response(b64(client.get_client_final().encode())))
    if answer.startswith("<success"):
        client.set_server_final(b64decode(answer.split(">")[1].split("<")[0]).decode())
    return answer


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
async def test_scram(stage, mechanism):
    stage.open()
    assert (await scram(stage, mechanism)).startswith(f"<success {SASL}>dj")  # "v=..."
    assert stage.negotiation.account.bare == "alice@localhost"
    assert stage.wire.acts == ["authenticated", "restart"]
    assert stage.state == "HEADER"
    assert "bind" in stage.open()


async def test_the_user_name_is_prepared(stage):
    stage.open()
    assert (await scram(stage, "SCRAM-SHA-256", username="ALICE")).startswith("<success")
    assert stage.negotiation.account.bare == "alice@localhost"


async def test_plain_without_initial_response(stage):
    stage.open()
    assert await stage.give(auth("PLAIN")) == f"<challenge {SASL}></challenge>"
    assert (await stage.give(response(PLAIN))).startswith("<success")


@pytest.mark.parametrize("username", ["alice", "nobody"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
async def test_wrong_password_and_unknown_user_are_alike(stage, mechanism, username):
    stage.open()
    answer = await scram(stage, mechanism, username=username, password="wrong")
    assert answer == f"<failure {SASL}><not-authorized/></failure>"
    assert stage.state == "LOGIN"


@pytest.mark.parametrize("message", [b"\0alice\0wrong", b"\0nobody\0pencil", b"\0al@ice\0pencil"])
async def test_plain_refused(stage, message):
    stage.open()
    answer = await stage.give(auth("PLAIN", b64(message)))
    assert answer == f"<failure {SASL}><not-authorized/></failure>"


@pytest.mark.parametrize(("xml", "condition"), [
    (auth("PLAIN", "AGFsaWNlAHBlbmNpbA"), "incorrect-encoding"),
    (auth("PLAIN", " AGFsaWNlAHBlbmNpbA=="), "incorrect-encoding"),
    (auth("PLAIN", "é"), "incorrect-encoding"),
    (auth("PLAIN", "="), "malformed-request"),
    (auth("PLAIN", "aaaa"), "malformed-request"),
    (auth("SCRAM-SHA-1", "aaaa"), "malformed-request"),
    (auth("X-NONE"), "invalid-mechanism"),
    (auth("plain"), "invalid-mechanism"),
    (auth("EXTERNAL"), "invalid-mechanism"),
    (auth("ANONYMOUS"), "invalid-mechanism"),
    (auth("HT-SHA-256-NONE"), "invalid-mechanism"),
    (f"<auth {SASL}/>", "invalid-mechanism"),
    (auth("PLAIN", b64(b"bob\0alice\0pencil")), "invalid-authzid"),
    (auth("PLAIN", b64(b"bob@localhost\0alice\0pencil")), "invalid-authzid"),
    (auth("PLAIN", b64(b"@\0alice\0pencil")), "invalid-authzid"),
])
async def test_failures(stage, xml, condition):
    stage.open()
    assert failure(await stage.give(xml)) == condition
    assert stage.state == "LOGIN"


async def test_an_authzid_may_repeat_the_account(stage):
    stage.open()
    answer = await stage.give(auth("PLAIN", b64(b"Alice@localhost\0alice\0pencil")))
    assert answer.startswith("<success")


async def test_retries_are_counted(stage):
    stage.open()
    for _ in range(4):
        assert failure(await stage.give(auth("X-NONE"))) == "invalid-mechanism"
    answer = await stage.give(auth("X-NONE"))
    assert answer.startswith("<failure")
    assert stream_error(answer) == "policy-violation"


async def test_a_retry_succeeds(stage):
    stage.open()
    await scram(stage, "SCRAM-SHA-256", password="wrong")
    assert (await scram(stage, "SCRAM-SHA-1")).startswith("<success")


async def test_an_account_of_another_host_is_another_account(stage):
    stage.open(to="example.org")
    assert failure(await stage.give(auth("PLAIN", PLAIN))) == "not-authorized"


async def test_the_host_stays_after_login(stage):
    stage.open()
    await stage.give(auth("PLAIN", PLAIN))
    assert stream_error(stage.open(to="example.org")) == "not-authorized"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
async def test_storage_down_while_logging_in(stage, mechanism):
    stage.open()
    stage.accounts.down = True
    first = b64(b"n,,n=alice,r=abc") if mechanism != "PLAIN" else PLAIN
    assert failure(await stage.give(auth(mechanism, first))) == "temporary-auth-failure"


async def test_no_secret_in_the_log(stage):
    await stage.login()
    stage.connect()
    stage.open()
    await stage.give(auth("PLAIN", b64(b"\0alice\0hunter2")))
    lines = repr(stage.log.lines)
    assert stage.log.named("logged in")[0]["account"] == "alice@localhost"
    assert stage.log.named("login failed")[0]["account"] == "alice@localhost"
    for secret in ("pencil", PLAIN, "hunter2"):
        assert secret not in lines


# back-off

async def guess(stage, mechanism):
    """One wrong password on a new connection."""
    stage.connect()
    stage.open()
    if mechanism == "PLAIN":
        return failure(await stage.give(auth("PLAIN", b64(b"\0alice\0wrong"))))
    return failure(await scram(stage, mechanism, password="wrong"))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
async def test_guessing_is_slowed_for_that_address_alone(stage, mechanism):
    answers = [await guess(stage, mechanism) for _ in range(4)]
    assert answers == ["not-authorized"] * 3 + ["temporary-auth-failure"]
    stage.connect()
    stage.open()
    assert "wait 2 s" in await scram(stage, "SCRAM-SHA-256")  # the right password, too early
    stage.connect()
    stage.wire.address = "192.0.2.2"
    stage.open()
    assert (await scram(stage, "SCRAM-SHA-256")).startswith("<success"), "its owner, elsewhere"
    stage.time.now += 2
    stage.connect()
    stage.open()
    assert (await scram(stage, "SCRAM-SHA-256")).startswith("<success"), "after the wait"


# binding

async def bound(stage, xml):
    await stage.login()
    answer = await stage.give(xml)
    assert stage.state == "OVER"
    return answer, stage.wire.acts[-1]


async def test_bind_what_the_client_asks_for(stage):
    answer, act = await bound(stage, bind("Balcony é"))
    payload = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/Balcony é</jid></bind>"
    assert answer == f"<iq id='b' type='result'>{payload}</iq>"
    assert act == ("bind", "alice@localhost/Balcony é", None)
    assert stage.accounts.loaded == ["alice@localhost"]


async def test_bind_what_the_server_chooses(stage):
    _, first = await bound(stage, bind())
    stage.connect()
    _, second = await bound(stage, bind())
    assert first[1].startswith("alice@localhost/")
    assert len(first[1].partition("/")[2]) == 16
    assert first != second


async def test_bind_prepares_the_resource_and_escapes_it(stage):
    answer, act = await bound(stage, bind("a\u00ad&lt;b"))
    assert act[1] == "alice@localhost/a<b"
    assert "<jid>alice@localhost/a&lt;b</jid>" in answer


async def test_bind_hands_over_the_streams_language(stage):
    stage.open()
    await stage.give(auth("PLAIN", PLAIN))
    stage.open(lang="de")
    await stage.give(bind("x"))
    assert stage.wire.acts[-1] == ("bind", "alice@localhost/x", "de")


async def test_a_language_that_is_none_is_ignored(stage):
    stage.open()
    await stage.give(auth("PLAIN", PLAIN))
    stage.open(lang="de-" * 2000)
    await stage.give(bind("x"))
    assert stage.wire.acts[-1] == ("bind", "alice@localhost/x", None)


@pytest.mark.parametrize("xml", [bind(""), bind("a\ue000b"), bind("x" * 1024), bind("x", id="")])
async def test_bad_resource(stage, xml):
    await stage.login()
    answer = await stage.give(xml)
    assert answer.startswith("<iq ")
    assert "<error type='modify'><bad-request " in answer
    assert stage.state == "BIND"
    assert "<jid>alice@localhost/ok</jid>" in await stage.give(bind("ok"))


async def test_the_newer_session_replaces_the_older(stage):
    older = object()
    stage.sessions.bound["alice@localhost/x"] = older
    _, act = await bound(stage, bind("x"))
    assert stage.sessions.ended == [(older, "conflict")]
    assert act == ("bind", "alice@localhost/x", None)


async def test_storage_down_while_binding(stage):
    await stage.login()
    stage.accounts.down = True
    assert "<error type='wait'><resource-constraint " in await stage.give(bind("x"))
    assert stage.state == "BIND"
    stage.accounts.down = False
    assert "<jid>" in await stage.give(bind("x"))


async def test_a_failing_router_leaves_nobody_waiting(stage):
    await stage.login()
    stage.wire.bind = lambda jid, lang, greet: stage.accounts.missing
    with pytest.raises(AttributeError) as raised:
        await stage.give(bind("x"))
    stage.negotiation.crashed(raised.value)
    assert stream_error(stage.take()) == "internal-server-error"
    assert stage.wire.acts[-1] == "finish"


async def test_given_up_while_loading(stage):
    await stage.login()

    async def load(bare):
        raise GeneratorExit

    stage.accounts.load = load
    with pytest.raises(GeneratorExit):
        await stage.give(bind("x"))
    assert stage.sessions.released == ["alice@localhost"]
