"""The dispatcher between a recorded router and modules made for the test."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from headrace.modules.api import (
    Effects,
    End,
    Interested,
    Later,
    Module,
    Outcome,
    Refused,
    Reply,
    Request,
    Route,
    Send,
    Target,
    iq,
)
from headrace.modules.loader import Dispatcher, build, iq_table
from headrace.router.control import HoldAll
from headrace.router.session import Reason, SessionFlag
from headrace.session.derive import TooBusy
from headrace.storage.ports import StorageUnavailable
from support.stanzas import condition, shape, stanza, tree
from support.world import World

ROMEO = "romeo@example.org"
SENDER = f"{ROMEO}/orchard"


@dataclass
class FakeSession:
    jid: str = SENDER
    bare: str = ROMEO
    priority: int = 3
    flags: int = SessionFlag.S_AVAILABLE
    got: list[bytes] = field(default_factory=list)
    open: list[int] = field(default_factory=list)  # tickets

    def set_flag(self, flag: int, on: bool = True) -> None:
        self.flags |= flag

    def hold(self) -> int:
        self.open.append(7)
        return 7

    def again(self, ticket: int) -> int:
        if ticket:
            self.open.append(ticket)
        return ticket

    def settle(self, ticket: int) -> int:
        self.open.remove(ticket)
        return 0


@dataclass
class FakeRouter:
    hosts: frozenset[str] = frozenset({"example.org"})
    routed: list[bytes] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    visitor: None = None  # nothing comes from another worker

    def deliver(self, session: FakeSession, raw: bytes) -> None:
        session.got.append(raw)

    def answer(self, session: FakeSession, raw: bytes) -> None:
        session.got.append(raw)

    def route(self, raw: bytes, from_: str | None = None) -> None:
        self.routed.append(raw)

    def end(self, session: FakeSession, condition: str, text: str = "") -> None:
        self.ended.append(condition)


@dataclass
class FakeLog:
    events: list[tuple[str, Any]] = field(default_factory=list)

    def exception(self, event: str, /, **fields: Any) -> None:
        self.events.append((event, fields["exc_info"]))


class Sample(Module):
    name = "sample"

    @iq("get", "urn:sample", "sync", Target.HOST | Target.SELF)
    def sync(self, request: Request) -> Effects:
        return Interested(), Reply(f"<to xmlns='urn:sample'>{request.to}</to>".encode())

    @iq("set", "urn:sample", "slow", Target.SELF, hold_all=True)
    async def slow(self, request: Request) -> Effects:
        await asyncio.sleep(0)
        return Reply(), Send(b"<message/>"), Route(b"<message to='x'/>")

    @iq("get", "urn:sample", "refused", Target.HOST)
    @iq("get", "urn:sample", "foreign", Target.ACCOUNT)
    async def refused(self, request: Request) -> Effects:
        raise Refused("not-allowed", "never", type="auth")

    @iq("get", "urn:sample", "broken", Target.HOST)
    def broken(self, request: Request) -> Effects:
        raise ZeroDivisionError

    @iq("get", "urn:sample", "busy", Target.HOST)
    def busy(self, request: Request) -> Effects:
        raise TooBusy("romeo")

    @iq("set", "urn:sample", "leave", Target.HOST)
    def leave(self, request: Request) -> Effects:
        return Reply(), End("not-authorized", "bye")

    @iq("get", "urn:sample", "later", Target.HOST)
    def later(self, request: Request) -> Effects:
        async def work() -> Effects:
            await asyncio.sleep(0)
            raise Refused("resource-constraint")

        return Later(work())

    @iq("get", "urn:sample", "stored", Target.HOST)
    async def stored(self, request: Request) -> Effects:
        raise StorageUnavailable("no answer")

    def available(self, sender: str, priority: int) -> Outcome:
        return Send(f"<message id='{sender} {priority}'/>".encode())

    async def gone(self, sender: str) -> Effects:
        return Route(f"<message id='{sender}'/>".encode())

    async def subscription(self, request: Request) -> Effects:
        raise ZeroDivisionError


class Second(Module):
    name = "second"

    async def available(self, sender: str, priority: int) -> Effects:
        return Send(b"<message id='second'/>")

    def absent(self, request: Request) -> Outcome:
        return None if request.stanza.type == "chat" else Reply()


@dataclass
class Bench:
    router: FakeRouter
    log: FakeLog
    dispatcher: Dispatcher
    session: FakeSession

    def iq(self, type: str, child: str, to: str | None = None) -> Any:
        address = f" to='{to}'" if to else ""
        got = stanza(f"<iq type='{type}' id='7'{address}><{child} xmlns='urn:sample'/></iq>", SENDER)
        return self.dispatcher.punt(self.session, got, Reason.P_SERVER)  # type: ignore[arg-type]

    def punt(self, xml: str, reason: Reason) -> Any:
        return self.dispatcher.punt(self.session, stanza(xml, SENDER), reason)  # type: ignore[arg-type]


@pytest.fixture
def bench(world: World) -> Bench:
    router, log = FakeRouter(), FakeLog()
    modules = build([Sample, Second], world.context, {})
    return Bench(router, log, Dispatcher(router, modules, log), FakeSession())  # type: ignore[arg-type]


@pytest.mark.parametrize(("to", "target"), [("example.org", "example.org"), (ROMEO, ROMEO), (None, ROMEO)])
async def test_sync_handler_is_answered_at_once(bench: Bench, to: str | None, target: str) -> None:
    assert bench.iq("get", "sync", to) is None
    address = f" from='{to}'" if to else ""
    assert [shape(tree(raw)) for raw in bench.session.got] == [shape(tree(
        f"<iq type='result' id='7' to='{SENDER}'{address}><to xmlns='urn:sample'>{target}</to></iq>"))]
    assert bench.session.flags & SessionFlag.S_INTERESTED


async def test_async_handler_is_a_ticket_and_may_hold_all(bench: Bench) -> None:
    outcome = bench.iq("set", "slow")
    assert isinstance(outcome, HoldAll)
    assert bench.session.got == []
    await outcome.awaitable
    assert [tree(raw).tag for raw in bench.session.got] == ["{jabber:client}iq", "{jabber:client}message"]
    assert bench.router.routed == [b"<message to='x'/>"]


@pytest.mark.parametrize(("child", "to", "expected"), [
    ("refused", "example.org", ("auth", "not-allowed")),
    ("foreign", "juliet@example.org", ("auth", "not-allowed")),
    ("broken", "example.org", ("wait", "internal-server-error")),
    ("unknown", "example.org", ("cancel", "service-unavailable")),
    ("unknown", None, ("cancel", "service-unavailable")),
    ("unknown", "juliet@example.org", ("cancel", "service-unavailable")),
    ("sync", "juliet@example.org", ("cancel", "service-unavailable")),
    ("slow", "example.org", ("cancel", "service-unavailable")),
])
async def test_refusals(bench: Bench, child: str, to: str | None, expected: tuple[str, str]) -> None:
    ticket = bench.iq("set" if child == "slow" else "get", child, to)
    if ticket is not None:
        assert isinstance(ticket, Coroutine)
        await ticket
    [raw] = bench.session.got
    assert condition(raw) == expected
    assert (tree(raw).get("from"), tree(raw).get("to"), tree(raw).get("id")) == (to, SENDER, "7")
    assert [event for event, _ in bench.log.events] == (["handler failed"] if child == "broken" else [])


async def test_end_comes_behind_the_answer(bench: Bench) -> None:
    bench.iq("set", "leave", "example.org")
    assert [tree(raw).get("type") for raw in bench.session.got] == ["result"]
    assert bench.router.ended == ["not-authorized"]


async def test_derivations_that_wait_are_no_failure_of_ours(bench: Bench) -> None:
    bench.iq("get", "busy", "example.org")
    assert condition(bench.session.got[0]) == ("wait", "resource-constraint")
    assert bench.log.events == []


async def test_work_for_later_answers_later(bench: Bench) -> None:
    assert bench.iq("get", "later", "example.org") is None
    assert bench.session.got == []
    await bench.dispatcher.close()
    assert [condition(raw) for raw in bench.session.got] == [("wait", "resource-constraint")]


@pytest.mark.parametrize("type", ["result", "error"])
async def test_answers_are_never_answered(bench: Bench, type: str) -> None:
    assert bench.iq(type, "sync", "example.org") is None
    assert bench.session.got == []


async def test_message_and_presence_to_a_host(bench: Bench) -> None:
    assert bench.punt("<message to='example.org'><body>hi</body></message>", Reason.P_SERVER) is None
    assert bench.punt("<message to='example.org' type='error'/>", Reason.P_SERVER) is None
    assert bench.punt("<presence to='example.org'/>", Reason.P_SERVER) is None
    assert [condition(raw) for raw in bench.session.got] == [("cancel", "service-unavailable")]


async def test_nonza_ends_the_stream(bench: Bench) -> None:
    assert bench.punt("<x xmlns='urn:x'/>", Reason.P_NONZA) is None
    assert bench.router.ended == ["unsupported-stanza-type"]


@pytest.mark.parametrize(("xml", "answered"), [
    ("<message to='a@far.example'><body/></message>", True),
    ("<message to='a@far.example' type='error'/>", False),
    ("<iq to='far.example' type='get' id='1'><x/></iq>", True),
    ("<iq to='far.example' type='result' id='1'/>", False),
    ("<presence to='a@far.example'/>", True),
    ("<presence to='a@far.example' type='subscribe'/>", True),
    ("<presence to='a@far.example' type='unavailable'/>", False),
    ("<presence to='a@far.example' type='unsubscribed'/>", False),
])
async def test_other_servers_are_out_of_reach(bench: Bench, xml: str, answered: bool) -> None:
    assert bench.punt(xml, Reason.P_REMOTE) is None
    assert [condition(raw) for raw in bench.session.got] == [("cancel", "remote-server-not-found")] * answered


@pytest.mark.parametrize(("inside", "answered"), [
    ("", False), (" type='unavailable'", False), (" type='probe'", False), (" type='subscribe'", True)])
async def test_what_the_router_owes_other_servers_is_not_answered(bench: Bench, inside: str, answered: bool) -> None:
    """One error for each contact and each presence would be too many; a request's sender is told."""
    got = stanza(f"<presence to='a@far.example'{inside}/>", ROMEO)
    assert bench.dispatcher.punt(None, got, Reason.P_REMOTE) is None
    assert [condition(raw) for raw in bench.router.routed] == [("cancel", "remote-server-not-found")] * answered


async def test_hooks_of_all_modules_run_in_order(bench: Bench) -> None:
    ticket = bench.dispatcher.available(bench.session)  # type: ignore[arg-type]
    assert isinstance(ticket, Coroutine)
    await ticket
    assert [tree(raw).get("id") for raw in bench.session.got] == [f"{SENDER} 3", "second"]


async def test_end_of_a_session(bench: Bench) -> None:
    bench.dispatcher.gone(bench.session)  # type: ignore[arg-type]
    await bench.dispatcher.close()
    assert [tree(raw).get("id") for raw in bench.router.routed] == [SENDER]


async def test_hook_that_nobody_takes_is_refused(bench: Bench) -> None:
    assert bench.punt("<message to='a@example.org' type='chat'><body/></message>", Reason.P_ABSENT) is None
    assert [condition(raw) for raw in bench.session.got] == [("cancel", "service-unavailable")]


async def test_failing_hook_fails_its_stanza_alone(bench: Bench) -> None:
    ticket = bench.punt("<presence to='a@example.org' type='subscribe' id='1'/>", Reason.P_SUBSCRIPTION)
    assert isinstance(ticket, HoldAll)      # who may see what follows is what it decides
    await ticket.awaitable
    assert [condition(raw) for raw in bench.session.got] == [("wait", "internal-server-error")]
    [(_, error)] = bench.log.events
    assert isinstance(error, ZeroDivisionError)


async def test_failing_storage_is_an_error_to_the_client_and_no_line_in_the_log(bench: Bench) -> None:
    ticket = bench.punt("<iq to='example.org' type='get' id='1'><stored xmlns='urn:sample'/></iq>", Reason.P_SERVER)
    assert ticket is not None
    await ticket
    assert [condition(raw) for raw in bench.session.got] == [("wait", "resource-constraint")]
    assert bench.log.events == []


class Keeper(Module):
    """Keeps what is absent: at once, after a wait, or later."""

    name = "keeper"

    def loaded(self, modules: Sequence[Module]) -> None:
        self.ready = asyncio.Event()

    def absent(self, request: Request) -> Outcome:
        how = {"1": lambda: (), "2": self.wait, "3": lambda: Later(self.wait()), "4": self.wait_twice}
        return how[request.stanza.id or ""]()

    async def wait(self) -> Effects:
        await self.ready.wait()
        return ()

    async def wait_twice(self) -> Effects:
        return Later(self.wait())


@pytest.mark.parametrize(("id", "left"), [("1", 0), ("2", 1), ("3", 1), ("4", 1)])
async def test_a_message_is_held_until_all_that_was_decided_is_done(world: World, id: str, left: int) -> None:
    """Acknowledged means kept (protocol.md 3)."""
    session = FakeSession()
    modules = build([Keeper], world.context, {})
    dispatcher = Dispatcher(FakeRouter(), modules, FakeLog())  # type: ignore[arg-type]
    ticket = dispatcher.punt(session, stanza(f"<message id='{id}'/>", SENDER), Reason.P_ABSENT)  # type: ignore[arg-type]
    running = None if ticket is None else asyncio.ensure_future(ticket)
    await asyncio.sleep(0.01)
    assert session.open == [7] * left
    modules[0].ready.set()
    if running is not None:
        await running
    await dispatcher.close()
    assert session.open == []


async def test_error_to_a_stanza_of_our_own_is_routed(bench: Bench) -> None:
    got = stanza("<message from='a@example.org' to='b@example.org' type='chat'><body/></message>", "a@example.org")
    assert bench.dispatcher.punt(None, got, Reason.P_ABSENT) is None
    assert [tree(raw).get("to") for raw in bench.router.routed] == ["a@example.org"]


async def test_two_modules_cannot_want_the_same(world: World) -> None:
    sample = Sample(world.context, Sample.Options())
    with pytest.raises(ValueError, match="two modules"):
        iq_table([sample, sample])


async def test_options_reach_their_module(world: World) -> None:
    given = object()
    first, second = build([Sample, Second], world.context, {"second": given})
    assert first.options == Sample.Options()
    assert second.options is given


class Guard(Module):
    """Keeps Romeo away from Juliet; answers now or later, as the option says."""

    name = "guard"

    @dataclass(frozen=True)
    class Options:
        later: bool = False

    def screen(self, request: Request) -> bool | Coroutine[Any, Any, bool]:
        verdict = request.account == ROMEO and request.to == "juliet@example.org"

        async def later() -> bool:
            return verdict

        return later() if self.options.later else verdict


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("xml", "reason", "errors"), [
    ("<iq type='get' id='7' to='%s'><foreign xmlns='urn:sample'/></iq>", Reason.P_SERVER, 1),
    ("<message type='chat' to='%s'/>", Reason.P_ABSENT, 1),
    ("<message type='error' to='%s'/>", Reason.P_ABSENT, 0),
    ("<presence type='probe' to='%s'/>", Reason.P_PROBE, 0),
])
async def test_what_a_module_screens_reaches_no_handler(world: World, later: bool, xml: str, reason: Reason,
                                                        errors: int) -> None:
    router, log, session = FakeRouter(), FakeLog(), FakeSession()
    reached = []

    class Handler(Module):
        name = "handler"

        def absent(self, request: Request) -> Effects:
            reached.append(request.to)
            return ()

        probe = absent

        @iq("get", "urn:sample", "foreign", Target.ACCOUNT)
        def foreign(self, request: Request) -> Effects:
            return self.absent(request)

    modules = build([Guard, Handler], world.context, {"guard": Guard.Options(later=later)})
    dispatcher = Dispatcher(router, modules, log)  # type: ignore[arg-type]
    for to in ("juliet@example.org", "nurse@example.org"):
        ticket = dispatcher.punt(session, stanza(xml % to, SENDER), reason)  # type: ignore[arg-type]
        if ticket is not None:
            await ticket  # type: ignore[misc]
    assert reached == ["nurse@example.org"]
    assert [condition(raw) for raw in session.got] == [("cancel", "service-unavailable")] * errors


class Watcher(Module):
    name = "watcher"

    def __init__(self, context: Any, options: Any) -> None:
        super().__init__(context, options)
        self.seen: list[tuple[str, str, str | None]] = []

    async def missed(self, request: Request, resource: str | None) -> Effects:
        await asyncio.sleep(0)
        self.seen.append((request.sender, request.to, resource))
        return Route(b"<iq id='told'/>")

    def answered(self, request: Request) -> Outcome:
        self.seen.append((request.sender, request.to, request.stanza.type))
        return None


class Taker(Module):
    name = "taker"

    async def absent(self, request: Request) -> Effects:
        await asyncio.sleep(0)
        if request.stanza.type == "chat":
            raise Refused("service-unavailable")
        return ()


async def test_what_nobody_sees_is_told_once_it_is_taken_care_of(world: World) -> None:
    router = FakeRouter()
    watcher = world.module(Watcher)
    dispatcher = Dispatcher(router, [world.module(Taker), watcher], FakeLog())  # type: ignore[arg-type]
    session: Any = FakeSession()
    for type in ("normal", "chat"):
        ticket = dispatcher.punt(session, stanza(f"<message type='{type}'/>", SENDER, "j@example.org"), Reason.P_ABSENT)
        assert isinstance(ticket, Coroutine)
        assert watcher.seen == []
        await ticket
        await dispatcher.close()
        assert watcher.seen == ([("romeo@example.org/orchard", "j@example.org", None)] if type == "normal" else [])
        watcher.seen.clear()
    assert router.routed == [b"<iq id='told'/>"]
    assert condition(session.got[0]) == ("cancel", "service-unavailable")


async def test_what_comes_for_a_session_without_link_is_told(world: World) -> None:
    watcher = world.module(Watcher)
    dispatcher = Dispatcher(FakeRouter(), [watcher], FakeLog())  # type: ignore[arg-type]
    session: Any = FakeSession()
    dispatcher.missed(session, stanza("<message/>", "j@example.org/a", SENDER))
    await dispatcher.close()
    assert watcher.seen == [("j@example.org/a", ROMEO, SENDER)]


class Prompt(Watcher):
    name = "prompt"

    def missed(self, request: Request, resource: str | None) -> Outcome:  # type: ignore[override]
        return Route(b"<iq id='told'/>")


async def test_nothing_is_routed_in_the_middle_of_a_delivery(world: World) -> None:
    """A session's missed() comes from there: not even a hook that answers at once routes anything before its end."""
    router = FakeRouter()
    dispatcher = Dispatcher(router, [world.module(Prompt)], FakeLog())  # type: ignore[arg-type]
    session: Any = FakeSession()
    dispatcher.missed(session, stanza("<message/>", "j@example.org/a", SENDER))
    assert router.routed == []
    await dispatcher.close()
    assert router.routed == [b"<iq id='told'/>"]


def test_answers_to_our_domains(world: World) -> None:
    watcher = world.module(Watcher)
    dispatcher = Dispatcher(FakeRouter(), [watcher], FakeLog())  # type: ignore[arg-type]
    for type in ("result", "error"):
        assert dispatcher.punt(None, stanza(f"<iq type='{type}' id='1'/>", "push.example", "example.org"),
                               Reason.P_SERVER) is None
    assert watcher.seen == [("push.example", "example.org", "result"), ("push.example", "example.org", "error")]
