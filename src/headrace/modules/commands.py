"""Ad-Hoc Commands on our domains: modules declare them by `@command`, the domain's administrators run them."""

from collections import OrderedDict
from collections.abc import Sequence
from inspect import getmembers, ismethod
from secrets import token_hex
from typing import NamedTuple

from headrace.core.ns import COMMANDS, DATA_FORMS
from headrace.modules.api import (
    Call,
    Command,
    Context,
    Effects,
    Execute,
    Module,
    Refused,
    Reply,
    Request,
    Target,
    Xep,
    iq,
)
from headrace.xep import commands, disco
from headrace.xep.disco import Identity, Item
from headrace.xep.forms import Invalid, form, submitted

OPEN = 20  # forms that a resource may have before it at a time; the oldest is forgotten


class Bound(NamedTuple):
    """A command and the module's method that executes it."""

    command: Command
    execute: Execute


class Commands(Module):
    name = "commands"
    xeps = (Xep(50, "1.3.0"), Xep(4, "2.13.2"))
    features = (COMMANDS,)

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._commands: dict[str, Bound] = {}
        self._open: dict[str, OrderedDict[str, str]] = {}  # full JID -> session id -> node

    def loaded(self, modules: Sequence[Module]) -> None:
        for module in modules:
            for _, method in getmembers(module, ismethod):
                command: Command | None = getattr(method, "command", None)
                if command is not None:
                    self._commands[command.node] = Bound(command, method)

    def node_items(self, request: Request, node: str) -> bytes | None:
        if node != COMMANDS:
            return None
        listed = sorted(self._commands.values(), key=lambda bound: bound.command.name) if self._may(request) else ()
        return disco.items([Item(request.to, bound.command.name, bound.command.node) for bound in listed], node=node)

    def node_info(self, request: Request, node: str) -> bytes | None:
        if node == COMMANDS:
            return disco.info([Identity("automation", "command-list", "Commands")], [COMMANDS], node=node)
        if node not in self._commands:
            return None
        self._check(request)
        name = self._commands[node].command.name
        return disco.info([Identity("automation", "command-node", name)], [COMMANDS, DATA_FORMS], node=node)

    @iq("set", COMMANDS, "command", Target.HOST)
    async def run(self, request: Request) -> Effects:
        asked = commands.parse(request.payload)
        self._check(request)
        bound = self._commands.get(asked.node)
        if bound is None:
            raise Refused("item-not-found")
        if asked.action not in commands.ACTIONS:
            raise bad("malformed-action")
        session = self._session(request.sender, asked)
        if asked.action == "cancel":
            self._close(request.sender, session)
            return Reply(commands.canceled(asked.node, session))
        if bound.command.fields and asked.form is None:
            if asked.session is not None:
                raise bad("bad-payload")
            return Reply(self._ask(request.sender, session, bound.command))
        return Reply(await self._execute(request, session, bound, asked))

    async def _execute(self, request: Request, session: str, bound: Bound, asked: commands.Asked) -> bytes:
        try:
            values = {} if asked.form is None else submitted(asked.form, bound.command.form_type, bound.command.fields)
        except Invalid as problem:
            raise bad("bad-payload", str(problem)) from None
        done = await bound.execute(Call(request, values))
        self._close(request.sender, session)
        result = form("result", bound.command.form_type, done.fields) if done.fields else b""
        return commands.completed(asked.node, session, result, note=done.note, failed=done.failed)

    def _ask(self, sender: str, session: str, command: Command) -> bytes:
        mine = self._open.setdefault(sender, OrderedDict())
        mine[session] = command.node
        if len(mine) > OPEN:
            mine.popitem(last=False)
        empty = form("form", command.form_type, command.fields, title=command.name, instructions=command.instructions)
        return commands.executing(command.node, session, empty)

    def _session(self, sender: str, asked: commands.Asked) -> str:
        """The one that goes on, or a new id."""
        if asked.session is None:
            if asked.action != "execute":
                raise bad("bad-action")
            return token_hex(8)
        if self._open.get(sender, OrderedDict()).get(asked.session) != asked.node:
            raise bad("bad-sessionid")
        if asked.action in ("prev", "next"):
            raise bad("bad-action")
        return asked.session

    def _close(self, sender: str, session: str) -> None:
        if sender in self._open:
            self._open[sender].pop(session, None)

    def gone(self, sender: str) -> None:
        self._open.pop(sender, None)

    def _may(self, request: Request) -> bool:
        return request.account in self.context.hosts[request.to].admins

    def _check(self, request: Request) -> None:
        if not self._may(request):
            raise Refused("forbidden")


def bad(condition: str, text: str | None = None) -> Refused:
    return Refused("bad-request", text, extra=commands.condition(condition))
