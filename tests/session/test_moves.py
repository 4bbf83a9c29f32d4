"""Logins at a worker that is not the account's home (protocol.md 19): proven there, gone on with at home."""

import re
from dataclasses import replace

import pytest

from headrace.session.ports import Entering, Proven
from headrace.storage.ports import StorageUnavailable
from support.negotiating import PLAIN, auth, authenticate, bind, staged

BIND2 = "<bind xmlns='urn:xmpp:bind:0'><tag>phone</tag></bind>"
AGENT = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"


class Homes:
    """headrace.session.ports.Homes: nobody is at home here."""

    def __init__(self):
        self.moved = []
        self.home = False

    def is_home(self, account):
        return self.home

    def move(self, wire, proven):
        self.moved.append(proven)


def away(stage) -> Homes:
    homes = Homes()
    stage.services = replace(stage.services, homes=homes)
    stage.connect()
    return homes


@pytest.fixture
def stage():
    with staged() as stage:
        yield stage


async def test_behind_success(stage):
    """RFC 6120 6.4.6: the next stream is its home's; nothing more is said here."""
    homes = away(stage)
    stage.open()
    answer = await stage.give(auth("PLAIN", PLAIN))
    assert answer == "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>"
    assert homes.moved == [Proven("alice@localhost", "localhost", None, None)]
    assert (stage.state, stage.wire.acts) == ("OVER", ["authenticated", "restart"])


async def test_before_success(stage):
    """XEP-0388: its home says it, and what a resource brings. Nobody else learns the password."""
    homes = away(stage)
    stage.open(lang="de")
    assert await stage.give(authenticate("PLAIN", PLAIN, AGENT, BIND2)) == ""
    [proven] = homes.moved
    assert (proven.account, proven.lang, proven.entry.last_words, proven.entry.granted) == (
        "alice@localhost", "de", None, b"")
    assert PLAIN.encode() not in proven.entry.request
    assert stage.state == "OVER"
    with staged() as home:
        await home.negotiation.adopt(proven)
        sent = home.take()
        assert sent.startswith("<success xmlns='urn:xmpp:sasl:2'>")
        [(act, jid, lang)] = [act for act in home.wire.acts if isinstance(act, tuple)]
        assert (act, lang, home.state) == ("bind", "de", "OVER")
        assert re.fullmatch("alice@localhost/phone/[A-Za-z0-9_-]{12}", jid)


async def test_tokens_are_given_where_the_proof_was(stage):
    """They hang on its TLS; the home passes them on."""
    homes = away(stage)
    stage.open()
    wish = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
    await stage.give(authenticate("PLAIN", PLAIN, AGENT, wish))
    [proven] = homes.moved
    assert proven.entry.granted.startswith(b"<token xmlns='urn:xmpp:fast:0'")
    with staged() as home:
        await home.negotiation.adopt(proven)
        assert proven.entry.granted.decode() in home.take()
        assert home.state == "BIND"
        assert "<jid>alice@localhost/r</jid>" in await home.give(bind("r"))


async def test_a_new_stream_at_home(stage):
    assert stage.negotiation.adopt(Proven("alice@localhost", "localhost", None, None)) is None
    assert "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" in stage.open()
    assert "<jid>alice@localhost/r</jid>" in await stage.give(bind("r"))
    assert stage.negotiation.revoked("alice@localhost")


async def test_a_home_that_cannot(stage, monkeypatch):
    """A second attempt would have to begin where the first did."""
    async def load(account):
        raise StorageUnavailable("no")

    monkeypatch.setattr(stage.services.binder, "load", load)
    request = authenticate("PLAIN", None, BIND2).encode()
    await stage.negotiation.adopt(Proven("alice@localhost", "localhost", None, Entering(request, None, b"")))
    sent = stage.take()
    assert "temporary-auth-failure" in sent
    assert sent.endswith("</stream:stream>")
    assert stage.state == "OVER"


async def test_a_home_of_its_own(stage):
    away(stage).home = True
    await stage.login()
    assert stage.state == "BIND"
