"""Exchanges beside passwords; and that nobody learns from one who exists."""

import re
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
import scramp
from tests.session.test_identities import certificate, xmpp

from headrace.session.backoff import BackoffPolicy
from support.negotiating import PENCIL, PLAIN, UPGRADE, Channel, auth, authenticate, bind, response, staged

SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
ROMEO, ALICE, BOB = xmpp("romeo@localhost"), xmpp("alice@localhost"), xmpp("bob@localhost")


def b64(text):
    return b64encode(text.encode()).decode()


def failure(answer):
    assert answer.startswith(f"<failure {SASL}><"), answer
    return answer.split("><")[1].rstrip("/>")


# EXTERNAL (XEP-0178)

@pytest.fixture
def stage():
    """Where certificates count; connect() with one."""
    with staged(realm={"certificates": True}) as stage:
        stage.accounts.known["bob@localhost"] = stage.accounts.known["alice@localhost"]
        yield stage


def come(stage, *names, **header):
    stage.connect(channel=Channel(certificate=certificate(*names)))
    return stage.open(**header)


def test_external_is_offered_to_who_can_use_it(stage):
    assert "<mechanism>EXTERNAL</mechanism>" not in stage.open()
    assert "<mechanism>EXTERNAL</mechanism>" not in come(stage, xmpp("alice@elsewhere"))
    answer = come(stage, ALICE)
    assert re.findall("<mechanism>([^<]*)</mechanism>", answer)[0] == "EXTERNAL"


def test_external_is_not_offered_where_it_is_not_configured():
    with staged() as stage:
        assert "EXTERNAL" not in come(stage, ALICE)


@pytest.mark.parametrize(("names", "authzid", "logged_in"), [
    ([ALICE], "=", "alice@localhost"),
    ([ALICE], b64("alice@localhost"), "alice@localhost"),
    ([ALICE], b64("ALICE@localhost"), "alice@localhost"),
    ([ALICE, BOB], b64("bob@localhost"), "bob@localhost"),
    ([ALICE, BOB], "=", "invalid-authzid"),
    ([ALICE], b64("bob@localhost"), "invalid-authzid"),
    ([ALICE], b64("@"), "invalid-authzid"),
    ([ROMEO], "=", "not-authorized"),       # no such account
    ([ALICE], b64("alice\0x"), "malformed-request"),
])
async def test_external(stage, names, authzid, logged_in):
    come(stage, *names)
    answer = await stage.give(auth("EXTERNAL", authzid))
    if "@" in logged_in:
        assert answer == f"<success {SASL}></success>"
        assert stage.negotiation.account.bare == logged_in
    else:
        assert failure(answer) == logged_in


async def test_external_without_initial_response(stage):
    come(stage, ALICE)
    assert await stage.give(auth("EXTERNAL")) == f"<challenge {SASL}></challenge>"
    assert await stage.give(response()) == f"<success {SASL}></success>"


async def test_external_over_sasl2(stage):
    come(stage, ALICE, BOB, from_="bob@localhost")
    assert "<invalid-authzid " in await stage.give(authenticate("EXTERNAL", b64("alice@localhost")))
    answer = await stage.give(authenticate("EXTERNAL", b64("bob@localhost")))
    assert "<authorization-identifier>bob@localhost</authorization-identifier>" in answer


async def test_external_with_storage_down(stage):
    come(stage, ALICE)
    stage.accounts.down = True
    assert failure(await stage.give(auth("EXTERNAL", "="))) == "temporary-auth-failure"


async def test_a_certificate_brings_no_verifier(stage):
    """It proves whose account it is, not that the password is known (XEP-0480)."""
    stage.accounts.change("alice@localhost", credentials=replace(PENCIL, sha512=None))
    come(stage, ALICE)
    answer = await stage.give(authenticate("EXTERNAL", b64("alice@localhost"), UPGRADE))
    assert answer.startswith("<success ")


# ANONYMOUS (XEP-0175)

@pytest.fixture
def nameless():
    with staged(realm={"anonymous": True}) as stage:
        yield stage


async def test_anonymous(nameless):
    answer = nameless.open()
    assert set(re.findall("<mechanism>([^<]*)</mechanism>", answer)) == {"ANONYMOUS"}
    assert "upgrade" not in answer
    assert "fast" not in answer
    assert await nameless.give(auth("ANONYMOUS")) == f"<success {SASL}></success>"
    account = nameless.negotiation.account.bare
    assert re.fullmatch(r"[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}@localhost", account)
    nameless.open()
    assert f"<jid>{account}/x</jid>" in await nameless.give(bind("x"))


async def test_each_anonymous_user_is_another(nameless):
    found = set()
    for data in ("", "=", b64("trace"), None):
        nameless.connect()
        nameless.open()
        if data is None:
            answer = await nameless.give(authenticate("ANONYMOUS"))
            found.add(re.search("<authorization-identifier>(.*)</auth", answer)[1])
        else:
            await nameless.give(auth("ANONYMOUS", data))
            found.add(nameless.negotiation.account.bare)
    assert len(found) == 4


@pytest.mark.parametrize(("data", "condition"), [("/w==", "malformed-request"), (b64("x" * 256), "malformed-request")])
async def test_bad_traces(nameless, data, condition):
    nameless.open()
    assert failure(await nameless.give(auth("ANONYMOUS", data))) == condition


async def test_nobody_gets_a_token_without_an_account(nameless):
    nameless.open()
    wish = "<user-agent id='x'/><request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
    assert "<token" not in await nameless.give(authenticate("ANONYMOUS", None, wish))
    assert nameless.tokens.held == {}


# disabled accounts

@pytest.mark.parametrize(("mechanism", "password", "condition"), [
    ("PLAIN", "pencil", "account-disabled"), ("PLAIN", "wrong", "not-authorized"),
    ("SCRAM-SHA-256", "pencil", "account-disabled"), ("SCRAM-SHA-256", "wrong", "not-authorized"),
])
async def test_only_its_owner_learns_that_an_account_is_disabled(stage, mechanism, password, condition):
    stage.accounts.change("alice@localhost", disabled=True)
    assert failure((await attempt(stage, mechanism, "alice", password))[-1]) == condition


# nobody learns who exists (protocol.md 12): byte-equal but for nonces, salts and ids

async def attempt(stage, mechanism, name, password):
    """What is said of a login, from the header on."""
    stage.connect()
    said = [stage.open()]
    if mechanism == "PLAIN":
        return [*said, await stage.give(auth("PLAIN", b64(f"\0{name}\0{password}")))]
    client = scramp.ScramClient([mechanism], name, password)
    challenge = await stage.give(auth(mechanism, b64(client.get_client_first())))
    said.append(challenge)
    if challenge.startswith("<challenge"):
        first = b64decode_text(challenge)
        said[-1] = re.sub(r"r=[^,]*,s=[\w+/]{22}==,", "r=,s=,", first)
        client.set_server_first(first)
        said.append(await stage.give(response(b64(client.get_client_final()))))
    return said


def b64decode_text(answer):
    return b64decode(answer.split(">")[1].split("<")[0]).decode()


async def wrong_password(stage, mechanism, name):
    return await attempt(stage, mechanism, name, "wrong")


async def too_early(stage, mechanism, name):
    return [line for _ in range(3) for line in await attempt(stage, mechanism, name, "wrong")]


async def other_authzid(stage, mechanism, name):
    stage.connect()
    stage.open()
    message = f"bob@localhost\0{name}\0wrong" if mechanism == "PLAIN" else f"n,a=bob@localhost,n={name},r=abc"
    return [await stage.give(auth(mechanism, b64(message)))]


async def storage_down(stage, mechanism, name):
    stage.accounts.down = True
    return await attempt(stage, mechanism, name, "wrong")


async def given_up(stage, mechanism, name):
    stage.connect()
    stage.open()
    first = [await stage.give(auth(mechanism))]
    return [*first, await stage.give(f"<abort {SASL}/>")]


MECHANISMS = ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]
VISITS = [wrong_password, too_early, other_authzid, storage_down, given_up]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("visit", VISITS)
async def test_an_account_answers_like_none(mechanism, visit):
    said = []
    for name in ("alice", "nobody"):
        with staged(policy=BackoffPolicy(free_per_account=2)) as stage:
            lines = await visit(stage, mechanism, name)
            said.append([re.sub(r" id='[^']*'", "", line) for line in lines])
    assert said[0] == said[1]


@pytest.mark.parametrize("mechanism", MECHANISMS[1:])
async def test_an_unknown_account_has_the_same_salt_each_time(mechanism):
    """A salt that changes says that there is none."""
    with staged() as stage:
        salts = []
        for name in ("nobody", "nobody", "somebody"):
            stage.connect()
            stage.open()
            challenge = await stage.give(auth(mechanism, b64(f"n,,n={name},r=abc")))
            salts.append(re.search("s=([^,]*),", b64decode_text(challenge))[1])
        assert salts[0] == salts[1] != salts[2]


async def test_work_is_the_same_for_an_unknown_account(monkeypatch):
    with staged() as stage:
        derived = []
        monkeypatch.setattr(stage.pool, "run", lambda address, work: counted(derived, work))
        for data in (PLAIN, b64("\0nobody\0pencil")):
            stage.connect()
            stage.open()
            await stage.give(auth("PLAIN", data))
        assert derived == [True, False]


async def counted(derived, work):
    derived.append(work())
    return derived[-1]
