"""XEP-0388 with what is negotiated inside it: Bind 2, upgrade tasks, pipelining."""

import asyncio
import dataclasses
import hashlib
import re
from base64 import b64decode, b64encode

import pytest
import scramp

from headrace.sasl.credentials import Credentials
from headrace.session.config import C2SConfig
from headrace.session.verifiers import OwnVerifiers
from support.negotiating import (
    PENCIL,
    PLAIN,
    UPGRADE,
    BindFeatures,
    Bound,
    Channel,
    auth,
    authenticate,
    bind,
    eventually,
    response,
    response2,
    staged,
)

SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
SASL2 = "xmlns='urn:xmpp:sasl:2'"
WELCOME = f"<success {SASL2}><authorization-identifier>alice@localhost</authorization-identifier></success>"
ABORT = f"<abort {SASL2}/>"
PHONE = "d4565fa7-4d72-4749-b3d3-740edbf87770"
AGENT = f"<user-agent id='{PHONE}'><software>Awesome</software><device>Phone</device></user-agent>"


@pytest.fixture
def stage():
    with staged() as stage:
        yield stage


def b64(data):
    return b64encode(data).decode()


def failure(answer):
    """The condition of a failure that is all there is."""
    found = re.fullmatch(rf"<failure {SASL2}><([a-z-]+) {SASL}/>(<text>[^<]*</text>)?</failure>", answer)
    assert found, answer
    return found[1]


def bind2(tag=None, inside=""):
    tag = f"<tag>{tag}</tag>" if tag is not None else ""
    return f"<bind xmlns='urn:xmpp:bind:0'>{tag}{inside}</bind>"


def jid(answer):
    return re.search("<authorization-identifier>(.*)</authorization-identifier>", answer)[1]


async def scram(stage, mechanism, *inside, password="pencil"):
    """Up to what follows the proof, checked by a client that is not ours."""
    client = scramp.ScramClient([mechanism], "alice", password)
    challenge = await stage.give(authenticate(mechanism, b64(client.get_client_first().encode()), *inside))
    data = re.fullmatch(f"<challenge {SASL2}>(.*)</challenge>", challenge)[1]
    client.set_server_first(b64decode(data).decode())
    answer = await stage.give(response2(b64(client.get_client_final().encode())))
    if "<additional-data>" in answer:
        client.set_server_final(b64decode(re.search("<additional-data>(.*)</additional-data>", answer)[1]).decode())
    return answer


# what is offered

def test_offered_inside_tls(stage):
    answer = stage.open()
    found = re.search(f"<authentication {SASL2}>(.*)</authentication>", answer)[1]
    names = re.findall("<mechanism>([^<]*)</mechanism>", found.partition("<inline>")[0])
    assert names == re.findall("<mechanism>([^<]*)</mechanism>", re.search("<mechanisms .*</mechanisms>", answer)[0])
    assert "SCRAM-SHA-256-PLUS" in names
    for part in (
            "<bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:example:echo'/></inline></bind>",
            "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism>"
            "<mechanism>HT-SHA-256-ENDP</mechanism><mechanism>HT-SHA-256-NONE</mechanism></fast>",
            *(f"<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-{size}</upgrade>" for size in (512, 256, 1))):
        assert part in found
    assert ("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>"
            "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>") in answer


def test_what_tls_cannot_bind_is_not_offered(stage):
    stage.connect(channel=Channel(("tls-server-end-point",), "TLSv1.2"))
    answer = stage.open()
    assert "HT-SHA-256-EXPR" not in answer
    assert "tls-exporter" not in answer
    stage.connect(channel=Channel(()))
    answer = stage.open()
    assert "-PLUS" not in answer
    assert "sasl-channel-binding" not in answer
    assert "HT-SHA-256-NONE" in answer


async def test_not_without_tls():
    with staged(secure=False, config=C2SConfig(tls="optional")) as stage:
        answer = stage.open()
        assert "<mechanism>" in answer
        assert "urn:xmpp:sasl:2" not in answer
        assert "-PLUS" not in answer
        assert failure(await stage.give(authenticate("PLAIN", PLAIN))) == "encryption-required"


def test_an_account_is_offered_what_nobody_is_offered(stage):
    answers = []
    for name in ("alice", "nobody"):
        stage.connect()
        answer = stage.open(from_=f"{name}@localhost")
        answers.append(answer.partition("<stream:features>")[2])
    assert answers[0] == answers[1]


# logging in

async def test_plain(stage):
    stage.open()
    answer = await stage.give(authenticate("PLAIN", PLAIN))
    assert answer.startswith(WELCOME + "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
    assert stage.wire.acts == ["authenticated"], "no stream restart"
    assert stage.state == "BIND"
    assert "<jid>alice@localhost/x</jid>" in await stage.give(bind("x"))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"])
async def test_scram(stage, mechanism):
    stage.open()
    answer = await scram(stage, mechanism)
    assert answer.startswith(f"<success {SASL2}><additional-data>dj")
    assert jid(answer) == "alice@localhost"


async def test_without_initial_response(stage):
    stage.open()
    assert await stage.give(authenticate("PLAIN")) == f"<challenge {SASL2}></challenge>"
    assert (await stage.give(response2(PLAIN))).startswith(WELCOME)


@pytest.mark.parametrize(("xml", "condition"), [
    (authenticate("X-NONE"), "invalid-mechanism"), (f"<authenticate {SASL2}/>", "invalid-mechanism"),
    (authenticate("PLAIN", "="), "incorrect-encoding"), (authenticate("PLAIN", "a b"), "incorrect-encoding"),
    (authenticate("PLAIN", ""), "malformed-request"), (authenticate("PLAIN", b64(b"\0alice\0wrong")), "not-authorized"),
    (authenticate("PLAIN", b64(b"bob\0alice\0pencil")), "invalid-authzid"),
    (authenticate("HT-SHA-256-NONE", "AA=="), "invalid-mechanism"),
])
async def test_failures(stage, xml, condition):
    stage.open()
    assert failure(await stage.give(xml)) == condition
    assert stage.state == "LOGIN"
    assert (await stage.give(authenticate("PLAIN", PLAIN))).startswith(WELCOME)


async def test_a_failure_processes_no_inline_feature(stage):
    stage.open()
    wish = f"<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>{AGENT}"
    assert failure(await stage.give(authenticate("PLAIN", b64(b"\0alice\0wrong"), bind2("x"), wish)))
    assert stage.accounts.loaded == []
    assert stage.tokens.held == {}


async def test_abort(stage):
    stage.open()
    await stage.give(authenticate("SCRAM-SHA-256"))
    assert failure(await stage.give(ABORT)) == "aborted"


@pytest.mark.parametrize(("claimed", "condition"), [
    ("alice@localhost", None), ("ALICE@localhost/x", None), ("bob@localhost", "invalid-authzid"),
])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_the_headers_from_binds(stage, claimed, condition, mechanism):
    stage.open(from_=claimed)
    first = PLAIN if mechanism == "PLAIN" else b64(b"n,,n=alice,r=abc")
    answer = await stage.give(authenticate(mechanism, first))
    if condition:
        assert failure(answer) == condition
    else:
        assert answer.startswith((WELCOME, "<challenge"))


async def test_both_profiles_on_one_stream_answer_each_in_its_own_words(stage):
    stage.open()
    assert failure(await stage.give(authenticate("X-NONE"))) == "invalid-mechanism"
    assert await stage.give(auth("X-NONE")) == (
        f"<failure {SASL}><invalid-mechanism/><text xml:lang='en'>not one of the mechanisms offered</text></failure>")
    assert failure(await stage.give(authenticate("X-NONE"))) == "invalid-mechanism"
    await stage.give(auth("PLAIN"))
    assert (await stage.give(response(PLAIN))).startswith(f"<success {SASL}>")


async def test_attempts_are_counted(stage):
    stage.open()
    for _ in range(4):
        assert failure(await stage.give(authenticate("X-NONE"))) == "invalid-mechanism"
    assert "<policy-violation " in await stage.give(authenticate("X-NONE"))
    assert stage.state == "OVER"


async def test_a_second_login_ends_the_stream(stage):
    stage.open()
    await stage.give(authenticate("PLAIN", PLAIN))
    assert "<unsupported-stanza-type " in await stage.give(authenticate("PLAIN", PLAIN))


async def test_storage_down(stage):
    stage.open()
    stage.accounts.down = True
    assert failure(await stage.give(authenticate("PLAIN", PLAIN, bind2()))) == "temporary-auth-failure"


# Bind 2 (XEP-0386)

async def test_bind_in_the_same_breath(stage):
    stage.open(lang="de")
    answer = await stage.give(authenticate("PLAIN", PLAIN, bind2("Awesome")))
    full = jid(answer)
    assert re.fullmatch(r"alice@localhost/Awesome/[\w-]{12}", full)
    assert answer == (
        f"<success {SASL2}><authorization-identifier>{full}</authorization-identifier>"
        "<bound xmlns='urn:xmpp:bind:0'></bound></success>"
        "<stream:features><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes>"
        "<idle-seconds>3600</idle-seconds></limits></stream:features>")
    assert stage.wire.acts == ["authenticated", ("bind", full, "de")]
    assert stage.accounts.loaded == ["alice@localhost"]
    assert stage.state == "OVER"
    logged, = stage.log.named("logged in")
    assert (logged["account"], logged["tls"]) == ("alice@localhost", True)


async def resource(stage, *inside, tag=None):
    stage.connect()
    stage.open()
    return jid(await stage.give(authenticate("PLAIN", PLAIN, bind2(tag), *inside))).partition("/")[2]


async def test_a_client_keeps_its_resource_and_does_not_give_its_id_away(stage):
    first = await resource(stage, AGENT, tag="Awesome")
    assert first == await resource(stage, AGENT, tag="Awesome")
    assert PHONE not in first
    other = await resource(stage, AGENT.replace(PHONE, "00000000-0000-4000-8000-000000000000"), tag="Awesome")
    assert other.rpartition("/")[2] != first.rpartition("/")[2]
    assert await resource(stage, tag="Awesome") != await resource(stage, tag="Awesome"), "no id: a new one each time"


@pytest.mark.parametrize(("tag", "expected"), [
    (None, r"[\w-]{12}"), ("", r"[\w-]{12}"), ("a/b", r"a/b/[\w-]{12}"), ("&lt;'", r"&lt;&apos;/[\w-]{12}"),
    ("x" * 5000, r"x{100}/[\w-]{12}"), ("\ue000", r"[\w-]{12}"),
])
async def test_tags(stage, tag, expected):
    found = (await resource(stage, tag=tag)).replace("&#39;", "&apos;")
    assert re.fullmatch(expected, found), found


async def test_earlier_sessions_of_the_same_client_end(stage):
    own = (await resource(stage, AGENT, tag="new")).rpartition("/")[2]
    for name in (f"new/{own}", f"old/{own}", "old/elsewhere"):
        stage.sessions.bound[f"alice@localhost/{name}"] = Bound(f"alice@localhost/{name}")
    await resource(stage, AGENT, tag="new")
    assert {(session.jid, why) for session, why in stage.sessions.ended} == {
        (f"alice@localhost/new/{own}", "conflict"), (f"alice@localhost/old/{own}", "conflict")}


async def test_inline_features_of_the_session(stage):
    stage.open()
    wish = "<echo xmlns='urn:example:echo'>hello</echo><unknown xmlns='urn:example:other'/>"
    answer = await stage.give(authenticate("PLAIN", PLAIN, bind2("x", wish)))
    echoed = f"<echoed xmlns='urn:example:echo' to='{jid(answer)}'>hello</echoed>"
    assert f"<bound xmlns='urn:xmpp:bind:0'>{echoed}</bound>" in answer


def test_nothing_is_advertised_that_is_not_there(monkeypatch):
    monkeypatch.setattr(BindFeatures, "inline", ())
    with staged() as stage:
        assert "<inline><bind xmlns='urn:xmpp:bind:0'/><sm xmlns='urn:xmpp:sm:3'/><fast " in stage.open()


async def test_a_failing_router_leaves_no_tables(stage):
    stage.open()
    stage.wire.bind = lambda jid, lang, greet: stage.accounts.missing
    with pytest.raises(AttributeError):
        await stage.give(authenticate("PLAIN", PLAIN, bind2()))
    assert stage.sessions.released == ["alice@localhost"]


async def test_who_goes_before_the_binding_leaves_no_tables(stage):
    """While they are read, which is the last thing that is waited for."""
    reading = []

    async def read(bare):
        reading.append(bare)
        await asyncio.Event().wait()

    stage.accounts.load = read
    stage.open()
    login = asyncio.ensure_future(stage.give(authenticate("PLAIN", PLAIN, bind2())))
    await eventually(lambda: reading)
    login.cancel()
    with pytest.raises(asyncio.CancelledError):
        await login
    assert stage.sessions.released == ["alice@localhost"]


async def test_tables_cannot_be_read(stage):
    stage.open()
    load, stage.accounts.load = stage.accounts.load, lambda bare: fail(stage)
    assert failure(await stage.give(authenticate("PLAIN", PLAIN, bind2()))) == "temporary-auth-failure"
    assert stage.wire.acts == []
    stage.accounts.load, stage.accounts.down = load, False
    assert "<bound " in await stage.give(authenticate("PLAIN", PLAIN, bind2()))


async def fail(stage):
    stage.accounts.down = True
    await stage.accounts.get("alice@localhost")


# upgrades (XEP-0480)

def lacking(stage, **missing):
    stage.accounts.change("alice@localhost", credentials=dataclasses.replace(PENCIL, **missing))


def next_(task):
    return f"<next {SASL2} task='{task}'/>"


def task_data(salted):
    inside = f"<hash xmlns='urn:xmpp:scram-upgrade:0'>{b64(salted)}</hash>"
    return f"<task-data {SASL2}>{inside}</task-data>"


async def upgrade(stage, digest):
    """One task, as a client does it. What the server says then."""
    answer = await stage.give(next_(f"UPGR-SCRAM-SHA-{digest[3:]}"))
    count, salt = re.fullmatch(
        f"<task-data {SASL2}><salt xmlns='urn:xmpp:scram-upgrade:0' iterations='(\\d+)'>(.*)</salt></task-data>",
        answer).groups()
    salted = hashlib.pbkdf2_hmac(digest, b"pencil", b64decode(salt), int(count))
    return await stage.give(task_data(salted))


async def test_a_client_brings_what_the_account_lacks(stage):
    lacking(stage, sha512=None)
    stage.open()
    answer = await scram(stage, "SCRAM-SHA-256", UPGRADE, bind2("x"))
    assert re.fullmatch(f"<continue {SASL2}><additional-data>dj.*</additional-data>"
                        "<tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>", answer)
    assert stage.accounts.loaded == [], "nothing inline before the tasks are done"
    answer = await upgrade(stage, "sha512")
    assert jid(answer).startswith("alice@localhost/x/")
    assert "additional-data" not in answer, "said with <continue/>"
    assert stage.accounts.known["alice@localhost"].credentials.matches("pencil")
    stage.connect()
    stage.open()
    assert "<success" in await scram(stage, "SCRAM-SHA-512")


async def test_several_tasks_one_after_the_other(stage):
    lacking(stage, sha512=None, sha1=None)
    stage.open()
    both = UPGRADE + UPGRADE.replace("512", "1") + UPGRADE.replace("512", "256")
    answer = await stage.give(authenticate("PLAIN", PLAIN, both))
    assert answer == f"<continue {SASL2}><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>"
    answer = await upgrade(stage, "sha512")
    assert answer == f"<continue {SASL2}><tasks><task>UPGR-SCRAM-SHA-1</task></tasks></continue>"
    assert (await upgrade(stage, "sha1")).startswith(WELCOME)


async def test_what_is_there_is_not_asked_for(stage):
    stage.open()
    before = stage.accounts.known["alice@localhost"]
    assert (await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))).startswith(WELCOME)
    assert stage.accounts.known["alice@localhost"] is before


@pytest.mark.parametrize(("given", "condition"), [
    ([next_("UPGR-SCRAM-SHA-1")], "malformed-request"), ([f"<next {SASL2}/>"], "malformed-request"),
    ([next_("UPGR-SCRAM-SHA-512")] * 2, "malformed-request"),
    ([task_data(bytes(64))], "malformed-request"),
    ([next_("UPGR-SCRAM-SHA-512"), task_data(bytes(32))], "malformed-request"),
    ([next_("UPGR-SCRAM-SHA-512"), f"<task-data {SASL2}/>"], "malformed-request"),
    ([next_("UPGR-SCRAM-SHA-512"), task_data(bytes(64)).replace("AAAA", "A A ", 1)], "incorrect-encoding"),
    ([ABORT], "aborted"),
])
async def test_a_task_that_fails_is_no_login(stage, given, condition):
    lacking(stage, sha512=None)
    stage.open()
    await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))
    answers = [await stage.give(xml) for xml in given]
    assert failure(answers[-1]) == condition
    assert stage.state == "LOGIN"
    assert stage.negotiation.account is None
    assert stage.accounts.known["alice@localhost"].credentials.sha512 is None


async def test_storage_down_during_a_task(stage):
    lacking(stage, sha512=None)
    stage.open()
    await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))
    await stage.give(next_("UPGR-SCRAM-SHA-512"))
    stage.accounts.down = True
    assert failure(await stage.give(task_data(bytes(64)))) == "temporary-auth-failure"


async def test_who_lacks_a_verifier_fails_like_one_who_mistypes(stage):
    lacking(stage, sha512=None)
    stage.open()
    assert failure(await scram(stage, "SCRAM-SHA-512")) == "not-authorized"


# pipelining (XEP-0509)

def version_of(answer):
    return re.search("<config-version xmlns='urn:xmpp:iap:0' scheme='opaque' value='([^']*)'/>", answer)[1]


def config_version(value):
    return f"<config-version xmlns='urn:xmpp:iap:0' scheme='opaque' value='{value}'/>"


async def test_a_known_version_goes_on(stage):
    known = version_of(stage.open())
    assert (await stage.give(authenticate("PLAIN", PLAIN, config_version(known)))).startswith(WELCOME)


async def test_another_version_is_refused_without_prejudice(stage):
    stage.open()
    for _ in range(10):     # more than there are attempts
        assert await stage.give(authenticate("PLAIN", PLAIN, config_version("b2xk"))) == (
            f"<failure {SASL2}><aborted {SASL}/><config-version-mismatch xmlns='urn:xmpp:iap:0'/>"
            "<text>these are other features than you know</text></failure>")
    assert (await stage.give(authenticate("PLAIN", PLAIN))).startswith(WELCOME)


def test_the_version_changes_with_what_is_offered(stage):
    known = version_of(stage.open())
    stage.connect()
    assert version_of(stage.open()) == known
    stage.connect(channel=Channel(("tls-server-end-point",)))
    assert version_of(stage.open()) != known


# sources of verifiers

class Directory(OwnVerifiers):
    """One that can only say whether a password is right."""

    digests = ()

    def __init__(self):
        self.asked = []

    async def find(self, jid):
        return None

    async def check(self, jid, password, address):
        self.asked.append((jid, password, address))
        return Account(jid) if password == "pencil" else None


class Account:
    credentials, disabled = Credentials(), False

    def __init__(self, jid):
        self.jid = jid


async def test_a_source_that_can_only_check_passwords():
    directory = Directory()
    with staged(realm={"verifiers": directory}) as stage:
        answer = stage.open()
        assert set(re.findall("<mechanism>([^<]*)</mechanism>", answer)) - {
            "HT-SHA-256-EXPR", "HT-SHA-256-ENDP", "HT-SHA-256-NONE"} == {"PLAIN"}
        assert "upgrade" not in answer
        assert "sasl-channel-binding" not in answer
        assert failure(await stage.give(authenticate("SCRAM-SHA-256"))) == "invalid-mechanism"
        assert failure(await stage.give(authenticate("PLAIN", b64(b"\0alice\0wrong")))) == "not-authorized"
        assert (await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))).startswith(WELCOME)
        assert directory.asked[-1] == ("alice@localhost", "pencil", "192.0.2.1")
