"""What of the outgoing spool is for components: it waits for them, for a while."""

from typing import Any

import pytest

from headrace.core.stanza import parse_stanza
from headrace.router.archive import Archive, number_at
from headrace.session.components import Components
from headrace.session.spool import LEAST_SECONDS
from support.routing import World, condition

from .test_federation import Log, left

TAKEN = number_at(1.7e9)


class Beyond:
    """Who takes what is for no component."""

    def __init__(self) -> None:
        self.given: list[tuple[str, int]] = []

    def remote(self, stanza: Any, *, wanted: bool, number: int = 0) -> None:
        self.given.append((stanza.id, number))

    def restore(self, stanza: Any, number: int) -> None:
        self.given.append((stanza.id, number))


class Bench(World):
    def __init__(self, beyond: Beyond | None = None) -> None:
        super().__init__()
        self.timers: list[tuple[float, Any]] = []
        self.rig.loop.call_later = self._call_later     # type: ignore[attr-defined]
        self.archive = self.rig.router.archive = Archive(bytes(16))
        self.components = Components(self.rig.router, {"bot.localhost": "x"}, Log(), beyond=beyond)
        self.notes.answer = lambda session, stanza, reason: self.components.remote(
            stanza, wanted=True, number=self.notes.number)
        self.romeo = self.client("romeo@localhost/r", presence="0")

    def _call_later(self, delay: float, call: Any, *args: Any) -> "Bench":
        self.timers.append((delay, call))
        return self

    def cancel(self) -> None:
        """Of a timer."""
        self.timers.clear()

    def restore(self, to: str, id: str) -> None:
        self.components.restore(parse_stanza(
            f"<message from='romeo@localhost/r' to='{to}' id='{id}' type='chat'><body/></message>".encode()), TAKEN)

    def gone(self) -> list[int]:
        return left(self.archive)

    def errors(self) -> list[tuple[str | None, str | None]]:
        self.rig.turn()
        return [(e.get("id"), condition(e)) for e in self.got(self.romeo)]


def test_one_that_does_not_come_is_given_up() -> None:
    bench = Bench()
    bench.restore("bot.localhost", "1")
    bench.restore("x@bot.localhost", "2")
    assert (bench.errors(), bench.gone()) == ([], [])
    (delay, call), = [timer for timer in bench.timers if timer[0] == LEAST_SECONDS]
    assert delay == LEAST_SECONDS
    call()
    assert bench.errors() == [("1", "service-unavailable"), ("2", "service-unavailable")]
    assert bench.gone() == [TAKEN, TAKEN]


def test_what_is_for_others_is_passed_on() -> None:
    beyond = Beyond()
    bench = Bench(beyond)
    bench.restore("x@b.example", "1")
    bench.send(bench.romeo, "<message to='x@b.example' id='2' type='chat'><body/></message>")
    assert beyond.given == [("1", TAKEN), ("2", bench.archive.last)]
    assert bench.gone() == []


@pytest.mark.parametrize(("to", "error"), [("bot.localhost", "service-unavailable"),
                                           ("b.example", "remote-server-not-found")])
def test_what_is_refused_leaves_the_spool(to: str, error: str) -> None:
    bench = Bench()
    bench.send(bench.romeo, f"<message to='{to}' id='1' type='chat'><body/></message>")
    assert bench.errors() == [("1", error)]
    assert bench.gone() == [bench.archive.last]


def test_where_no_other_servers_are_known() -> None:
    bench = Bench()
    bench.restore("x@b.example", "1")
    assert bench.errors() == [("1", "remote-server-not-found")]
    assert bench.gone() == [TAKEN]


def test_stopping_leaves_it_to_the_next_run() -> None:
    bench = Bench()
    bench.restore("bot.localhost", "1")
    bench.components.stop()
    bench.send(bench.romeo, "<message to='bot.localhost' id='2' type='chat'><body/></message>")
    assert (bench.errors(), bench.gone()) == ([], [])
