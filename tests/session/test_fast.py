"""Login tokens (XEP-0484): asked for, used, rotated, ended."""

import hashlib
import hmac
import re
from base64 import b64encode

import pytest
from tests.session.test_sasl2 import WELCOME, bind2, failure, jid

from headrace.sasl.ht import MECHANISMS
from headrace.session.fast import DAY, Fast
from headrace.xep.datetimes import parse_datetime
from support.negotiating import PLAIN, Channel, Tokens, authenticate, staged

PHONE = "d4565fa7-4d72-4749-b3d3-740edbf87770"
LAPTOP = "00000000-0000-4000-8000-000000000000"


def agent(client=PHONE):
    return f"<user-agent id='{client}'/>"


def wish(mechanism="HT-SHA-256-NONE"):
    return f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{mechanism}'/>"


def message(token, mechanism="HT-SHA-256-NONE", name="alice"):
    data = (MECHANISMS[mechanism] or "").encode() * 2    # as support.negotiating.Channel has it
    proof = hmac.new(token.encode(), b"Initiator" + data, hashlib.sha256).digest()
    return b64encode(name.encode() + b"\0" + proof).decode()


def token_in(answer):
    found = re.search("<token xmlns='urn:xmpp:fast:0' expiry='([^']*)' token='([^']*)'/>", answer)
    return found[2] if found else None


@pytest.fixture
def stage():
    with staged() as stage:
        yield stage


async def begin(stage, *inside, client=PHONE):
    """Logs in by password on a new connection."""
    stage.connect()
    stage.open()
    return await stage.give(authenticate("PLAIN", PLAIN, agent(client), *inside))


async def by_token(stage, token, *inside, mechanism="HT-SHA-256-NONE", client=PHONE, name="alice", fast=""):
    stage.connect()
    stage.open()
    return await stage.give(authenticate(
        mechanism, message(token, mechanism, name), agent(client), f"<fast xmlns='urn:xmpp:fast:0' {fast}/>", *inside))


async def test_no_token_unless_asked_for(stage):
    assert token_in(await begin(stage)) is None
    assert token_in(await begin(stage, wish("HT-SHA-256-UNIQ"))) is None
    stage.connect()
    stage.open()
    answer = await stage.give(authenticate("PLAIN", PLAIN, wish()))
    assert token_in(answer) is None, "without a client's id it would be nobody's"


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_token_logs_in(stage, mechanism):
    answer = await begin(stage, wish(mechanism))
    assert answer.startswith(WELCOME.removesuffix("</success>"))
    expiry = re.search("expiry='([^']*)'", answer)[1]
    assert parse_datetime(expiry) == stage.time.now + 21 * DAY
    token = token_in(answer)
    answer = await by_token(stage, token, bind2("x"), mechanism=mechanism)
    assert jid(answer).startswith("alice@localhost/x/")
    data = (MECHANISMS[mechanism] or "").encode() * 2
    proof = hmac.new(token.encode(), b"Responder" + data, hashlib.sha256).digest()
    assert f"<additional-data>{b64encode(proof).decode()}</additional-data>" in answer
    assert token_in(answer) is None, "a young token stays"
    assert "<success" in await by_token(stage, token, mechanism=mechanism)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("other", MECHANISMS)
async def test_a_token_is_for_one_mechanism(stage, mechanism, other):
    token = token_in(await begin(stage, wish(mechanism)))
    answer = await by_token(stage, token, mechanism=other)
    assert ("<success" in answer) == (mechanism == other)


@pytest.mark.parametrize("change", [{"client": LAPTOP}, {"name": "bob"}, {"name": "nobody"}])
async def test_a_token_is_one_clients_of_one_account(stage, change):
    token = token_in(await begin(stage, wish()))
    await begin(stage, wish(), client=LAPTOP)
    assert failure(await by_token(stage, token, **change)) == "not-authorized"
    assert "<success" in await by_token(stage, token)


async def test_what_is_stored_is_not_the_token(stage):
    token = token_in(await begin(stage, wish()))
    assert token not in repr(stage.tokens.held)
    held = stage.tokens.held["alice@localhost", PHONE].fresh
    for guess in (held.seed.hex(), hmac.digest(held.seed, b"", "sha256").hex()):
        assert failure(await by_token(stage, guess)) == "not-authorized"
    other = Fast(stage.tokens, b"o" * 32, now=stage.time)
    assert other.secret("alice@localhost", PHONE, held) != token


# rotation

async def test_an_old_token_is_replaced_and_stays_good_until_the_new_one_is_used(stage):
    first = token_in(await begin(stage, wish()))
    stage.time.now += DAY
    second = token_in(await by_token(stage, first))
    assert second not in (None, first)
    third = token_in(await by_token(stage, first))
    assert third not in (None, first, second), "nobody knows whether the second arrived"
    assert failure(await by_token(stage, second)) == "not-authorized"
    assert "<success" in await by_token(stage, third)
    assert failure(await by_token(stage, first)) == "not-authorized"
    assert "<success" in await by_token(stage, third)


async def test_a_token_ends(stage):
    token = token_in(await begin(stage, wish()))
    stage.time.now += 21 * DAY - 1
    assert "<success" in await by_token(stage, token)
    stage.time.now += 1
    assert failure(await by_token(stage, token)) == "credentials-expired"
    assert failure(await by_token(stage, "guess")) == "not-authorized"


@pytest.mark.parametrize("word", ["1", "true"])
async def test_a_client_ends_its_token(stage, word):
    token = token_in(await begin(stage, wish()))
    stage.time.now += 2 * DAY
    answer = await by_token(stage, token, fast=f"invalidate='{word}'")
    assert "<success" in answer
    assert token_in(answer) is None, "though it was due for another"
    assert failure(await by_token(stage, token)) == "not-authorized"


async def test_a_client_ends_its_token_and_asks_for_another(stage):
    token = token_in(await begin(stage, wish()))
    again = token_in(await by_token(stage, token, wish("HT-SHA-256-EXPR"), fast="invalidate='true'"))
    assert failure(await by_token(stage, token)) == "not-authorized"
    assert "<success" in await by_token(stage, again, mechanism="HT-SHA-256-EXPR")


# failures

async def test_guesses_are_slowed_like_passwords(stage):
    answers = [failure(await by_token(stage, "guess")) for _ in range(4)]
    assert answers == ["not-authorized"] * 3 + ["temporary-auth-failure"]


@pytest.mark.parametrize("kinds", [(), ("tls-server-end-point",)])
async def test_what_tls_cannot_bind_is_no_mechanism(stage, kinds):
    stage.connect(channel=Channel(kinds))
    stage.open()
    answer = await stage.give(authenticate("HT-SHA-256-EXPR", message("x"), "<fast xmlns='urn:xmpp:fast:0'/>"))
    assert failure(answer) == "invalid-mechanism"


async def test_passwords_do_not_pass_as_tokens(stage):
    stage.open()
    answer = await stage.give(authenticate("PLAIN", PLAIN, "<fast xmlns='urn:xmpp:fast:0'/>"))
    assert failure(answer) == "invalid-mechanism"


async def test_storage_down(stage):
    token = token_in(await begin(stage, wish()))
    stage.tokens.down = True
    assert failure(await by_token(stage, token)) == "temporary-auth-failure"
    assert failure(await begin(stage, wish())) == "temporary-auth-failure"
    stage.tokens.down = False
    assert "<success" in await by_token(stage, token)


async def test_who_has_no_account_brings_no_verifier(stage):
    """A token proves the account's owner, not that he knows the password."""
    token = token_in(await begin(stage, wish()))
    stage.accounts.change("alice@localhost", credentials=type(stage.accounts.known["alice@localhost"].credentials)())
    upgrade = "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>"
    answer = await by_token(stage, token, upgrade)
    assert "<continue" not in answer
    assert "<success" in answer


def test_the_key_has_a_length():
    with pytest.raises(ValueError, match="32 bytes"):
        Fast(Tokens(), b"short", now=float)


