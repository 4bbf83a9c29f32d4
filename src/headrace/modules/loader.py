"""What the router punts finds its handler by one lookup; what handlers return is carried out."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import getmembers, ismethod
from typing import Any, Protocol

from headrace.core import reply
from headrace.core.addresses import domain_of
from headrace.core.stanza import Stanza
from headrace.modules.api import (
    Context,
    Effects,
    End,
    Interested,
    Later,
    Manage,
    Module,
    Nonza,
    Outcome,
    Refused,
    Reply,
    Request,
    Route,
    Say,
    Send,
    Switch,
    Target,
)
from headrace.router.control import HoldAll
from headrace.router.control import Outcome as Ticket
from headrace.router.control import Ticket as MessageTicket
from headrace.router.router import Router
from headrace.router.session import Reason, Session, SessionFlag
from headrace.session.derive import TooBusy
from headrace.session.ports import Far
from headrace.session.spool import done
from headrace.storage.ports import StorageError


class Log(Protocol):
    """structlog's way of calling: an event and its fields."""

    def exception(self, event: str, **fields: object) -> object: ...


def build(kinds: Iterable[type[Module]], context: Context, options: Mapping[str, Any]) -> list[Module]:
    """One module of each kind; options by module name, defaults where there are none."""
    modules = [kind(context, options.get(kind.name) or kind.Options()) for kind in kinds]
    for module in modules:
        module.loaded(modules)
    context.life.deleting = hooks(modules, "deleting")
    return modules


@dataclass(frozen=True, slots=True)
class Handler:
    """An IQ handler, bound to its module."""

    function: Callable[[Request], Outcome]
    hold_all: bool


def iq_table(modules: Sequence[Module]) -> dict[tuple[Target, str, str, str], Handler]:
    """(target, type, namespace, name) -> handler. Raises ValueError where two modules want the same."""
    table: dict[tuple[Target, str, str, str], Handler] = {}
    for module in modules:
        for _, function in getmembers(module, ismethod):
            for mark in getattr(function, "iq_handlers", ()):
                for target in mark.target:
                    key = (target, mark.type, mark.namespace, mark.name)
                    if key in table:
                        raise ValueError(f"two modules handle {key}")
                    table[key] = Handler(function, mark.hold_all)
    return table


def nonza_table(modules: Sequence[Module]) -> dict[tuple[str, str], Callable[[Nonza], Outcome]]:
    """(namespace, name) -> handler. Raises ValueError where two modules want the same."""
    table: dict[tuple[str, str], Callable[[Nonza], Outcome]] = {}
    for module in modules:
        for _, function in getmembers(module, ismethod):
            for mark in getattr(function, "nonza_handlers", ()):
                if (mark.namespace, mark.name) in table:
                    raise ValueError(f"two modules handle {mark}")
                table[mark.namespace, mark.name] = function
    return table


def hooks(modules: Sequence[Module], name: str) -> list[Any]:
    """The methods of modules that override this hook."""
    return [getattr(m, name) for m in modules if getattr(type(m), name) is not getattr(Module, name)]


class Dispatcher:
    """The router's Control (headrace.router.control), made of modules."""

    def __init__(self, router: Router, modules: Sequence[Module], log: Log, far: Far | None = None) -> None:
        """far: takes what is for other servers; None: there are none."""
        self._router = router
        self._log = log
        self._far = far
        self._iq = iq_table(modules)
        self._services = {domain: answer for module in modules for domain, answer in module.services().items()}
        self._nonzas = nonza_table(modules)
        self._available = hooks(modules, "available")
        self._rose = hooks(modules, "rose")
        self._gone = hooks(modules, "gone")
        self._chains = {Reason.P_ABSENT: hooks(modules, "absent"), Reason.P_PROBE: hooks(modules, "probe"),
                        Reason.P_SUBSCRIPTION: hooks(modules, "subscription"),
                        Reason.P_WATCHED: hooks(modules, "watched")}
        self._messages = hooks(modules, "message")
        self._diverts = hooks(modules, "divert")
        self._connected = hooks(modules, "connected")
        self._disconnected = hooks(modules, "disconnected")
        self._screens = hooks(modules, "screen")
        self._missed = hooks(modules, "missed")
        self._answered = hooks(modules, "answered")
        self._background: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for what still goes on behind the answers."""
        while self._background:
            await asyncio.wait(self._background)

    def punt(self, session: Session | None, stanza: Stanza, reason: int, number: int = 0) -> Ticket:
        if reason == Reason.P_SERVER:
            return self._to_server(session, stanza)
        chain = self._chains.get(Reason(reason))
        if chain is not None:
            # A message counts as handled (XEP-0198) once all that was decided of it is done: kept, most often.
            sender = session if session is not None else self._router.visitor
            ticket = None
            if sender is not None:
                ticket = MessageTicket(sender, sender.hold() if reason == Reason.P_ABSENT else 0)
            request = Request(stanza, stanza.from_ or "", (stanza.to or "").partition("/")[0], ticket)
            if reason == Reason.P_SUBSCRIPTION:
                # Who may see what follows is what a subscription decides (protocol.md 2). It changes the sender's
                # side in any case, so nothing screens it: headrace.modules.contacts knows who blocks whom.
                work = self._run(session, stanza, partial(first, chain, request))
                return None if work is None else HoldAll(work)
            call = partial(first, chain, request)
            if reason == Reason.P_ABSENT and self._missed:
                call = partial(self._then_missed, call, request)
            return self._run(session, stanza, partial(self._screened, request, call), ticket)
        if reason == Reason.P_NONZA and session is not None:
            self._nonza(session, stanza)
        elif reason == Reason.P_REMOTE and (service := self._services.get(domain_of(stanza.to or ""))) is not None:
            done(self._router, number)
            return self._to_service(session, stanza, service)
        elif reason == Reason.P_REMOTE:
            self._to_far(session, stanza, number)
        return None

    def _to_far(self, session: Session | None, stanza: Stanza, number: int) -> None:
        wanted = worth_an_error(session, stanza)
        if self._far is not None:
            self._far.remote(stanza, wanted=wanted, number=number)
            return
        if wanted:
            self._refuse(session, stanza, Refused("remote-server-not-found"))
        done(self._router, number)

    def available(self, session: Session) -> Ticket:
        return self._run_all(session, [partial(hook, session.jid, session.priority) for hook in self._available])

    def rose(self, session: Session) -> Ticket:
        return self._run_all(session, [partial(hook, session.jid) for hook in self._rose])

    def missed(self, session: Session, stanza: Stanza) -> None:
        request = Request(stanza, stanza.from_ or "", session.bare)
        self._spawn(self._missed_later(request, session.jid))

    def gone(self, session: Session) -> None:
        self._run_aside(self._gone, session.jid)

    def connected(self, component: str) -> None:
        self._run_aside(self._connected, component)

    def disconnected(self, component: str) -> None:
        self._run_aside(self._disconnected, component)

    def _nonza(self, session: Session, stanza: Stanza) -> None:
        handler = self._nonzas.get((stanza.namespace, stanza.name))
        if handler is None:
            self._router.end(session, "unsupported-stanza-type", f"<{stanza.name}/> is not expected here")
        else:
            self._run(session, None, partial(handler, Nonza(session.jid, stanza.element())))

    def _to_server(self, session: Session | None, stanza: Stanza) -> Ticket:
        if stanza.name != "iq":
            if stanza.name == "message":
                request = Request(stanza, stanza.from_ or "", (stanza.to or "").partition("/")[0])
                return self._run(session, stanza, partial(first, self._messages, request))
            return None  # presence: our domains have no use for it
        if stanza.type not in ("get", "set"):
            self._run_aside(self._answered, Request(stanza, stanza.from_ or "", stanza.to or ""))
            return None
        account = (stanza.from_ or "").partition("/")[0]
        to = stanza.to or account
        target = Target.HOST if to in self._router.hosts else Target.SELF if to == account else Target.ACCOUNT
        request = Request(stanza, stanza.from_ or "", to)
        handler = self._diverted(request) or self._iq.get(
            (target, stanza.type, stanza.child_namespace or "", stanza.child_name or ""))
        if handler is None:
            self._refuse(session, stanza, Refused("service-unavailable"))
            return None
        call = partial(handler.function, request)
        if target is Target.ACCOUNT:
            call = partial(self._screened, request, call)
        ticket = self._run(session, stanza, call)
        return HoldAll(ticket) if handler.hold_all and ticket is not None else ticket

    def _diverted(self, request: Request) -> Handler | None:
        answer = next(filter(None, (divert(request) for divert in self._diverts)), None)
        return None if answer is None else Handler(answer, hold_all=False)

    def _to_service(self, session: Session | None, stanza: Stanza, answer: Callable[[Request], Outcome]) -> Ticket:
        """To a domain of ours that is no host: it has neither accounts nor presence, and takes requests alone."""
        if stanza.name == "presence" or (stanza.name == "iq" and stanza.type not in ("get", "set")):
            return None
        if stanza.name == "message" or stanza.to != domain_of(stanza.to or ""):
            self._refuse(session, stanza, Refused("service-unavailable"))
            return None
        if stanza.id is None or len(stanza.element()) != 1:     # RFC 6120 8.2.3
            self._refuse(session, stanza, Refused("bad-request"))
            return None
        return self._run(session, stanza, partial(answer, Request(stanza, stanza.from_ or "", stanza.to or "")))

    def _run(self, session: Session | None, stanza: Stanza | None, call: Callable[[], Outcome],
             held: MessageTicket | None = None) -> Coroutine[Any, Any, None] | None:
        """Carry out at once what a handler returns at once; the rest is what the caller gets to wait for.

        held: settled when it is done."""
        try:
            outcome = call()
            if outcome is not None:     # as it is for most who are only told: asking an ABC takes longer than they do
                if isinstance(outcome, Coroutine):
                    return self._finish(session, stanza, outcome, held)
                self._carry_out(session, stanza, outcome, held)
        except Exception as error:
            self._failed(session, stanza, error)
        settle(held)
        return None

    def _then_missed(self, call: Callable[[], Outcome], request: Request) -> Outcome:
        outcome = call()
        if isinstance(outcome, Coroutine):
            return self._then_missed_later(outcome, request)
        self._run_aside(self._missed, request, None)
        return outcome

    async def _then_missed_later(self, work: Coroutine[Any, Any, Effects], request: Request) -> Effects:
        effects = await work
        self._run_aside(self._missed, request, None)
        return effects

    async def _missed_later(self, request: Request, resource: str) -> None:
        """Not at once: Control.missed() comes from the middle of a delivery."""
        self._run_aside(self._missed, request, resource)

    def _run_aside(self, calls: Sequence[Callable[..., Outcome]], *about: object) -> None:
        """Nobody waits for these, and nobody gets an answer."""
        for hook in calls:
            ticket = self._run(None, None, partial(hook, *about))
            if ticket is not None:
                self._spawn(ticket)

    def _screened(self, request: Request, call: Callable[[], Outcome]) -> Outcome:
        """The call, unless a module keeps its request away from the account."""
        verdicts = [screen(request) for screen in self._screens]
        waiting = [verdict for verdict in verdicts if isinstance(verdict, Coroutine)]
        if waiting:
            return self._screened_later(request, call, any(v is True for v in verdicts), waiting)
        if any(verdicts):
            return kept_away(request)
        return call()

    async def _screened_later(self, request: Request, call: Callable[[], Outcome], kept: bool,
                              waiting: Sequence[Coroutine[Any, Any, bool]]) -> Effects:
        for verdict in waiting:
            kept = await verdict or kept
        outcome = kept_away(request) if kept else call()
        return await outcome if isinstance(outcome, Coroutine) else outcome

    def _run_all(self, session: Session, calls: Sequence[Callable[[], Outcome]]) -> Ticket:
        tickets = [self._run(session, None, call) for call in calls]
        waiting = [ticket for ticket in tickets if ticket is not None]
        return in_turn(waiting) if waiting else None

    async def _finish(self, session: Session | None, stanza: Stanza | None,
                      work: Coroutine[Any, Any, Effects], held: MessageTicket | None = None) -> None:
        try:
            self._carry_out(session, stanza, await work, held)
        except Exception as error:
            self._failed(session, stanza, error)
        finally:
            settle(held)

    def carry_out(self, session: Session, effects: Effects) -> None:
        """What a module wants done for a session, asked by somebody else than the router."""
        self._carry_out(session, None, effects)

    def _carry_out(self, session: Session | None, stanza: Stanza | None, effects: Effects,
                   held: MessageTicket | None = None) -> None:
        if effects is None:
            return
        for effect in effects if isinstance(effects, Sequence) else (effects,):
            match effect:
                case Reply(payload) if stanza is not None:
                    self._answer(session, reply.iq_result(stanza, payload))
                case Send(raw):
                    self._answer(session, raw)
                case Route(raw):
                    self._router.route(raw)
                case Interested(audience) if session is not None:
                    session.set_flag(SessionFlag[f"S_{audience.name}"])
                case Switch(flag, on) if session is not None:
                    session.set_flag(flag, on)
                case Manage(id, seconds) if session is not None:
                    session.manage(id, seconds)
                case Say(nonza) if session is not None and session.link is not None:
                    session.link.send(nonza)
                case End(condition, text) if session is not None:
                    self._router.end(session, condition, text)
                case Later(work):
                    self._spawn(self._finish(session, stanza, work, again(held)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _answer(self, session: Session | None, raw: bytes) -> None:
        if session is None:
            self._router.route(raw)
        else:
            self._router.deliver(session, raw)

    def _refuse(self, session: Session | None, stanza: Stanza, refused: Refused) -> None:
        error = reply.error_reply(stanza, refused.condition, refused.text, type=refused.type,
                                  extra=refused.extra)
        if error is not None and session is not None and stanza.name == "message":
            self._router.answer(session, error)
        elif error is not None:
            self._answer(session, error)

    def _failed(self, session: Session | None, stanza: Stanza | None, error: Exception) -> None:
        """One request fails, the session goes on."""
        refused = refusal(error)
        if refused is None:
            about = {} if stanza is None else {"stanza": stanza.name, "payload": stanza.child_namespace}
            self._log.exception("handler failed", exc_info=error, **about)
            refused = Refused("internal-server-error", type="wait")
        if stanza is not None:
            self._refuse(session, stanza, refused)


def refusal(error: Exception) -> Refused | None:
    """What a request is told that failed so; None for what must not happen."""
    if isinstance(error, StorageError):  # which tells the operator by itself, once
        return Refused("resource-constraint", type="wait")
    if isinstance(error, TooBusy):
        return Refused("resource-constraint", "Too much is going on; try again soon.")
    return error if isinstance(error, Refused) else None


def again(ticket: MessageTicket | None) -> MessageTicket | None:
    """The same, held once more."""
    if ticket is None or not ticket.number:
        return None
    return MessageTicket(ticket.session, ticket.session.again(ticket.number))


def settle(ticket: MessageTicket | None) -> None:
    if ticket is not None and ticket.number:
        ticket.session.settle(ticket.number)


def worth_an_error(session: Session | None, stanza: Stanza) -> bool:
    """Presence that only says good-bye or no needs no answer, and what the router sends by itself none to each copy."""
    wanted = ("subscribe",) if session is None else (None, "subscribe", "probe")
    return stanza.name != "presence" or stanza.type in wanted


def kept_away(request: Request) -> Effects:
    """As if there were no such account (XEP-0191 3.3)."""
    if request.stanza.name == "presence":
        return ()
    raise Refused("service-unavailable")


def first(chain: Sequence[Callable[[Request], Outcome]], request: Request) -> Outcome:
    """What the first hook answers that wants to answer at all."""
    for hook in chain:
        outcome = hook(request)
        if outcome is not None:
            return outcome
    raise Refused("service-unavailable")


async def in_turn(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    for each in work:
        await each
