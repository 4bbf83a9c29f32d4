"""What ends the trust in an account while somebody is about to log in to it."""

import dataclasses
from base64 import b64encode

import pytest

from support.negotiating import PENCIL, PLAIN, UPGRADE, auth, authenticate, staged

ALICE = "alice@localhost"
FIRST = b64encode(b"n,,n=alice,r=abc").decode()


@pytest.fixture
def stage():
    with staged() as stage:
        yield stage


async def claimed(stage):
    stage.open()
    await stage.give(auth("SCRAM-SHA-256", FIRST))


async def proven(stage):
    stage.open()
    await stage.give(auth("PLAIN", PLAIN))


async def logged_in(stage):
    await stage.login()


async def before_a_task(stage):
    stage.open()
    stage.accounts.change(ALICE, credentials=dataclasses.replace(PENCIL, sha512=None))
    assert "<task>" in await stage.give(authenticate("PLAIN", PLAIN, UPGRADE))


@pytest.mark.parametrize(("reach", "trusted"), [
    (claimed, False), (proven, True), (logged_in, True), (before_a_task, True)])
async def test_who_is_logged_in(stage, reach, trusted):
    await reach(stage)
    assert stage.negotiation.revoked("bob@localhost") is False
    assert stage.negotiation.revoked(ALICE) is trusted


def test_nobody_yet(stage):
    assert stage.negotiation.revoked(ALICE) is False
    stage.open()
    assert stage.negotiation.revoked(ALICE) is False


@pytest.mark.parametrize("password", ["pencil", "guess"])
async def test_what_was_read_is_out_of_date(stage, password):
    """The account changes between its being read and the verdict; only who knew the password hears of it."""
    read = stage.accounts.get

    async def read_too_early(jid):
        account = await read(jid)
        assert stage.negotiation.revoked(jid) is False
        return account

    stage.accounts.get = read_too_early
    stage.open()
    sent = auth("PLAIN", b64encode(f"\0alice\0{password}".encode()).decode())
    condition = "temporary-auth-failure" if password == "pencil" else "not-authorized"
    assert f"<{condition}/>" in await stage.give(sent)
    stage.accounts.get = read
    assert ("<success" in await stage.give(sent)) == (password == "pencil")
