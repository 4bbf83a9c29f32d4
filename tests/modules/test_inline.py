"""Inline features of a bind request, declared by modules made for the test."""

from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from headrace.modules.api import Bound, Effects, Inline, Interested, Module, Outcome, inline
from headrace.modules.inline import InlineBind
from headrace.storage.ports import StorageUnavailable
from support.world import World


class Carbons(Module):
    name = "carbons"

    @inline("urn:xmpp:carbons:2", "enable")
    def enable(self, request: Inline) -> Effects:
        return Interested()


class State(Module):
    name = "state"

    @inline("urn:xmpp:csi:0", "active")
    @inline("urn:xmpp:csi:0", "inactive")
    def state(self, request: Inline) -> Effects:
        return Bound(f"<{request.element.tag.partition('}')[2]} of='{request.sender}'/>".encode()), Interested()

    @inline("urn:example", "fail", "urn:example#fail")
    def fail(self, request: Inline) -> Outcome:
        raise RuntimeError("broken")


@dataclass
class Recorder:
    """Session, log and what was carried out."""

    jid: str = "romeo@example.org/orchard"
    done: list[Any] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def carry_out(self, session: Any, effects: Any) -> None:
        assert session is self
        self.done += effects

    def exception(self, event: str, /, **fields: Any) -> None:
        self.failed.append(fields["feature"])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def features(world: World, recorder: Recorder) -> InlineBind:
    return InlineBind([world.module(Carbons), world.module(State)], recorder.carry_out, recorder)


def test_each_feature_is_told_once(features: InlineBind) -> None:
    assert sorted(features.inline) == ["urn:example#fail", "urn:xmpp:carbons:2", "urn:xmpp:csi:0"]


def test_nothing_is_told_without_modules(recorder: Recorder) -> None:
    assert InlineBind([], recorder.carry_out, recorder).inline == ()


def test_effects_are_carried_out_for_the_session(features: InlineBind, recorder: Any) -> None:
    assert features.bound(recorder, fromstring("<enable xmlns='urn:xmpp:carbons:2'/>")) == b""
    assert recorder.done == [Interested()]


def test_what_is_said_goes_into_the_answer(features: InlineBind, recorder: Any) -> None:
    answer = features.bound(recorder, fromstring("<inactive xmlns='urn:xmpp:csi:0'/>"))
    assert answer == b"<inactive of='romeo@example.org/orchard'/>"
    assert recorder.done == [Interested()]


def test_what_is_unknown_is_passed_over(features: InlineBind, recorder: Any) -> None:
    assert features.bound(recorder, fromstring("<enable xmlns='urn:example:other'/>")) == b""
    assert (recorder.done, recorder.failed) == ([], [])


def test_a_failure_costs_no_login(features: InlineBind, recorder: Any) -> None:
    assert features.bound(recorder, fromstring("<fail xmlns='urn:example'/>")) == b""
    assert recorder.failed == ["{urn:example}fail"]


def test_two_modules_do_not_share_an_element(world: World, recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="carbons"):
        InlineBind([world.module(Carbons), world.module(Carbons)], recorder.carry_out, recorder)


class First(Module):
    name = "first"

    async def bound(self, account: str) -> bytes:
        if account.startswith("down"):
            raise StorageUnavailable("away")
        if account.startswith("broken"):
            raise RuntimeError("broken")
        return f"<first of='{account}'/>".encode()


async def test_what_is_said_of_every_binding(world: World, recorder: Recorder) -> None:
    features = InlineBind([world.module(State), world.module(First)], recorder.carry_out, recorder)
    assert await features.before("romeo@example.org") == b"<first of='romeo@example.org'/>"
    assert await features.before("down@example.org") == b""
    assert recorder.failed == []
    assert await features.before("broken@example.org") == b""
    assert recorder.failed == ["bound"]
