"""Streams that we open: which further domains of ours one of them may carry."""

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.router.rig import Rig
from headrace.session.dialback import Keys
from headrace.session.domains import Contexts, Home, S2SConfig
from headrace.session.outbound import DIALBACK, EXTERNAL, MOST_SHARING, Call, DialError, Outbound
from support.federated import Authority

OURS, ROOMS, THEIRS, HALL = "a.example", "rooms.a.example", "b.example", "hall.b.example"
SHARING = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
ROOT = ("<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'"
        " id='x' version='1.0'>")


class Log:
    def warning(self, event: str, **values: Any) -> None:
        """Nobody reads it."""

    info = exception = warning


class Stream:
    """One that is proven, and what it is told."""

    def __init__(self, folder: Path, how: str, names: tuple[str, ...] = (OURS,), *,
                 dialback: tuple[str, ...] = ()) -> None:
        certificate = ssl.PEM_cert_to_DER_cert(Authority(folder / "x").issue("x", names)[0].read_text())
        tls: Any = None
        home = Home(S2SConfig(dialback=frozenset(dialback)), Keys(b"x"), {OURS: Contexts(tls, tls, certificate)}, Log())
        self.rig = Rig()
        deaf: Any = object()     # until the one below is there, which needs the stream
        self.peer = self.rig.federate(deaf, S2SConfig())
        self.outbound = Outbound(self.peer, home, Call(OURS, THEIRS), gone=lambda *_: None)
        self.peer.start(self.outbound)
        self.outbound._takes_errors = True
        self.outbound._prove(how)
        self.rig.feed(self.peer, ROOT.encode())

    def says(self, text: str) -> None:
        self.rig.feed(self.peer, text.encode())
        self.rig.turn()


@pytest.mark.parametrize(("how", "names", "may"), [
    (EXTERNAL, (OURS,), False), (EXTERNAL, (OURS, ROOMS), True), (EXTERNAL, ("*.a.example",), True),
    (DIALBACK, (OURS,), True)])
async def test_what_may_be_claimed(tmp_path: Path, how: str, names: tuple[str, ...], may: bool) -> None:
    """By a certificate only what stands in it: the peer has no other reason to believe us."""
    stream = Stream(tmp_path, how, names).outbound
    assert stream.may_carry(ROOMS, THEIRS) == may
    stream._takes_errors = False        # an old server would end it
    assert not stream.may_carry(ROOMS, THEIRS)


@pytest.mark.parametrize(("names", "pinned", "dialback", "may"), [
    ((THEIRS, HALL), False, (), True), ((THEIRS,), False, (), False), ((THEIRS,), False, (HALL,), True),
    ((THEIRS, HALL), True, (), False), ((THEIRS,), False, (THEIRS,), False)])
async def test_which_domains_of_theirs(tmp_path: Path, names: tuple[str, ...], pinned: bool, dialback: tuple[str, ...],
                                       may: bool) -> None:
    """By a certificate that authorities know (not one that DNS knows as one domain's), or where DNS is enough."""
    stream = Stream(tmp_path, EXTERNAL, dialback=dialback).outbound
    certificate = ssl.PEM_cert_to_DER_cert(Authority(tmp_path / "y").issue("y", names)[0].read_text())
    peer: Any = SimpleNamespace(ended=False, channel=SimpleNamespace(certificate=certificate, pinned=pinned))
    stream.peer = peer
    assert stream.may_carry(OURS, HALL) == may
    assert stream.may_carry(OURS, THEIRS)


async def test_so_many_and_no_more(tmp_path: Path) -> None:
    stream = Stream(tmp_path, DIALBACK).outbound
    stream.sharing = {(f"{number}.example", THEIRS) for number in range(MOST_SHARING)}
    assert not stream.may_carry(ROOMS, THEIRS)


@pytest.mark.parametrize("answer", [
    f"<db:result from='{THEIRS}' to='c.example' type='valid'/>",
    f"<db:result from='c.example' to='{ROOMS}' type='valid'/>",
    f"<db:result from='{HALL}' to='{ROOMS}' type='valid'/>",
    f"<db:result from='{THEIRS}' to='{ROOMS}'>key</db:result>",
    f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>",
    f"<db:verify from='{THEIRS}' to='{ROOMS}' type='valid' id='x'/>"])
async def test_answers_to_what_was_not_asked(tmp_path: Path, answer: str) -> None:
    """XEP-0220, "Unsolicited Dialback"."""
    stream = Stream(tmp_path, DIALBACK)
    claim = asyncio.ensure_future(stream.outbound.claim(ROOMS, THEIRS))
    await asyncio.sleep(0)
    stream.says(answer)
    assert stream.peer.ended
    assert stream.outbound.sharing == set()
    with pytest.raises(DialError):
        await claim


async def test_an_answer_that_nobody_has_asked_for(tmp_path: Path) -> None:
    stream = Stream(tmp_path, DIALBACK)
    stream.says(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
    assert stream.peer.ended
