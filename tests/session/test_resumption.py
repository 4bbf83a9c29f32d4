"""Resuming a stream while it is negotiated (XEP-0198 5, 10): by the classic profile and inline in SASL2."""

import asyncio
import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import fromstring

import pytest

from headrace.session import resumption
from headrace.session.resumption import Resumption
from headrace.storage.ports import StorageUnavailable
from headrace.xep.management import written
from support.negotiating import PLAIN, auth, authenticate, bind, staged

ID = bytes(range(16))
OTHER = bytes(16)
FAILED = "<failed xmlns='urn:xmpp:sm:3'><{} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
NOT_FOUND = FAILED.format("item-not-found")
BIND2 = "<bind xmlns='urn:xmpp:bind:0'/>"


def resume(id=ID, h=0):
    return f"<resume xmlns='urn:xmpp:sm:3' previd='{written(id)}' h='{h}'/>"


@dataclass
class Resumable:
    jid: str = "alice@localhost/x"
    done: asyncio.Future = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def handled(self):
        return self.done


@dataclass
class Past:
    rows: dict = field(default_factory=dict)
    down: bool = False

    async def last_h(self, owner, sm_key):
        if self.down:
            raise StorageUnavailable("disk full")
        return self.rows.get((owner, sm_key))


@pytest.fixture
async def stage():
    with staged() as stage:
        stage.session = Resumable()
        stage.session.done.set_result(None)
        stage.sessions.alive["alice@localhost", ID] = stage.session
        stage.sessions.gone["alice@localhost", OTHER] = 3
        yield stage


async def test_offered(stage):
    assert "<sm xmlns='urn:xmpp:sm:3'/>" in re.search("<inline>(.*)</inline>", stage.open())[1]


async def test_resumed(stage):
    await stage.login()
    assert await stage.give(resume(h=5)) == (
        f"<resumed xmlns='urn:xmpp:sm:3' previd='{written(ID)}' h='42'/>")
    assert (stage.wire.acts[-1], stage.state) == (("resume", stage.session, 5, None), "OVER")


@pytest.mark.parametrize(("asked", "answer"), [
    (resume(bytes(15) + b"x"), NOT_FOUND), ("<resume xmlns='urn:xmpp:sm:3' previd='nonsense' h='0'/>", NOT_FOUND),
    ("<resume xmlns='urn:xmpp:sm:3' h='0'/>", FAILED.format("bad-request")),
    (resume(OTHER), NOT_FOUND.replace("sm:3'>", "sm:3' h='3'>")),
    ("<enable xmlns='urn:xmpp:sm:3'/>", FAILED.format("unexpected-request"))], ids=range(5))
async def test_a_failure_leaves_the_client_to_bind(stage, asked, answer):
    await stage.login()
    assert await stage.give(asked) == answer
    assert "<jid>alice@localhost/r</jid>" in await stage.give(bind("r"))


async def test_nobody_resumes_before_login(stage):
    stage.open()
    assert await stage.give(resume()) == FAILED.format("unexpected-request")
    assert "<success " in await stage.give(auth("PLAIN", PLAIN))


async def test_a_session_of_somebody_else_is_like_none(stage):
    stage.sessions.alive["bob@localhost", ID] = stage.sessions.alive.pop(("alice@localhost", ID))
    await stage.login()
    assert await stage.give(resume()) == NOT_FOUND


async def test_it_waits_for_what_the_old_stream_brought(stage):
    await stage.login()
    stage.session.done = asyncio.get_running_loop().create_future()
    answer = asyncio.ensure_future(stage.give(resume()))
    await asyncio.sleep(0.01)
    assert not answer.done()
    stage.session.done.set_result(None)
    assert "<resumed " in await answer


async def test_but_not_for_ever(stage, monkeypatch):
    monkeypatch.setattr(resumption, "LONGEST_WAIT", 0.01)
    await stage.login()
    stage.session.done = asyncio.get_running_loop().create_future()
    assert "<resumed " in await stage.give(resume())


async def test_a_session_that_ends_meanwhile(stage):
    await stage.login()
    stage.session.done = asyncio.get_running_loop().create_future()
    answer = asyncio.ensure_future(stage.give(resume()))
    await asyncio.sleep(0.01)
    stage.sessions.alive.clear()
    stage.sessions.gone["alice@localhost", ID] = 8
    stage.session.done.set_result(None)
    assert await answer == NOT_FOUND.replace("sm:3'>", "sm:3' h='8'>")


async def test_too_high_a_count_ends_the_new_stream(stage):
    await stage.login()
    stage.wire.most = 4
    answer = await stage.give(resume(h=5))
    assert answer.startswith("<stream:error><undefined-condition ")
    assert "<too-high/></stream:error></stream:stream>" in answer
    assert stage.state == "OVER"


async def test_what_a_crash_has_left(stage):
    past = Past({("alice@localhost", 0x0001020304050607): 9})
    stage.sessions.alive.clear()
    find = Resumption(stage.sessions, past).find
    await stage.login()
    request = fromstring(resume())
    assert (await find(stage.negotiation.account, request)).decode() == NOT_FOUND.replace("sm:3'>", "sm:3' h='9'>")
    past.down = True
    assert (await find(stage.negotiation.account, request)).decode() == NOT_FOUND


# inline

async def test_inline_there_is_no_bind_and_there_are_no_features(stage):
    stage.open()
    answer = await stage.give(authenticate("PLAIN", PLAIN, resume(h=1), BIND2))
    assert answer == (
        "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>alice@localhost/x</authorization-identifier>"
        f"<resumed xmlns='urn:xmpp:sm:3' previd='{written(ID)}' h='42'/></success>")
    assert stage.wire.acts == ["authenticated", ("resume", stage.session, 1, None)]
    assert (stage.accounts.loaded, stage.state) == ([], "OVER")


@pytest.mark.parametrize("bound", [True, False])
async def test_inline_a_failure_goes_on_to_bind(stage, bound):
    stage.open()
    answer = await stage.give(authenticate("PLAIN", PLAIN, resume(OTHER), BIND2 if bound else ""))
    assert NOT_FOUND.replace("sm:3'>", "sm:3' h='3'>") in re.search("<success .*</success>", answer)[0]
    assert ("<bound xmlns='urn:xmpp:bind:0'></bound>" in answer) is bound
    assert answer.endswith("</stream:features>")
    assert stage.state == ("OVER" if bound else "BIND")


async def test_inline_too_high_a_count(stage):
    stage.open()
    stage.wire.most = 4
    answer = await stage.give(authenticate("PLAIN", PLAIN, resume(h=5), BIND2))
    assert answer.startswith("<stream:error><undefined-condition ")
    assert stage.wire.acts[-1] == "finish"


async def test_without_login_there_is_nothing_inline(stage):
    stage.open()
    answer = await stage.give(authenticate("PLAIN", "AGFsaWNlAHg=", resume(), BIND2))
    assert answer.startswith("<failure ")
    assert stage.wire.acts == []
