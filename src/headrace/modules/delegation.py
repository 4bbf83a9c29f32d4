"""Namespace delegation: components answer requests that are made to our hosts and accounts, where the operator says so.

To those who ask it looks as if we had answered. Nobody but the operator delegates: XEP-0355's client mode is not there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from xml.etree.ElementTree import Element

from headrace.core import ns, reply
from headrace.core.writer import escape, serialize
from headrace.modules.api import Context, Effects, Module, Outcome, Request, Route, Xep
from headrace.modules.forwarding import forwarded, received, written
from headrace.modules.nesting import Abilities, Delegation
from headrace.modules.questions import Questions
from headrace.xep.disco import Identity

ASKED = 10_000  # requests whose answers are waited for

INFO = f"{{{ns.DISCO_INFO}}}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a component has to answer, without what it asks."""

    component: str
    sender: str
    to: str
    id: str | None

    def error(self) -> Route:
        return Route(reply.stanza("iq", reply.error("service-unavailable"), from_=self.to, to=self.sender, id=self.id,
                                  type="error"))


@dataclass(frozen=True, slots=True)
class Wondered:
    """A question of ours, what a component can do."""

    delegation: Delegation
    host: str
    bare: bool


class NamespaceDelegation(Module):
    name = "delegation"
    xeps = (Xep(355, "0.5"),)
    features = (ns.DELEGATION,)

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._asked = Questions[Asked](context.now, ASKED)
        self._wondered: dict[str, Wondered] = {}

    def connected(self, component: str) -> Effects:
        """It is told what it has to answer, and asked what it can do."""
        effects = list[Route]()
        for host in sorted({host for each in self.context.nesting.delegations for host in each.hosts}):
            mine = list(self.context.nesting.to(component, host))
            if mine:
                effects.append(Route(reply.stanza("message", advertised(mine), from_=host, to=component,
                                                  id=token_hex(8))))
            effects += [self._wonder(Wondered(each, host, bare)) for each in mine for bare in (False, True)]
        return effects

    def _wonder(self, wondered: Wondered) -> Route:
        id = token_hex(16)
        self._wondered = {known: each for known, each in self._wondered.items() if each != wondered}  # asked before
        self._wondered[id] = wondered
        node = f"{ns.DELEGATION}{':bare:' if wondered.bare else '::'}{wondered.delegation.namespace}"
        payload = f"<query xmlns='{ns.DISCO_INFO}' node='{escape(node)}'/>".encode()
        return Route(reply.stanza("iq", payload, from_=wondered.host, to=wondered.delegation.component, id=id,
                                  type="get"))

    def divert(self, request: Request) -> Callable[[Request], Outcome] | None:
        if not self.context.nesting.delegations:
            return None
        delegation = self.context.nesting.of(request.stanza.child_namespace or "", request.host)
        if delegation is None:
            return None
        component, sender = delegation.component, request.sender
        if sender == component or self.context.nesting.asks(component, sender, request.stanza.id or ""):
            return None     # XEP-0355 4.3: it asks us itself, perhaps in a user's name
        if any(name not in request.payload.attrib for name in delegation.attributes):
            return None
        return partial(self._forward, delegation)

    def _forward(self, delegation: Delegation, request: Request) -> Effects:
        id = token_hex(16)
        late = self._asked.add(id, Asked(delegation.component, request.sender, request.to, request.stanza.id))
        inner = received(request.stanza, self.context.hosts)
        inner.set("from", request.sender)
        payload = forwarded("delegation", ns.DELEGATION, inner)
        return [*(each.error() for each in late),
                Route(reply.stanza("iq", payload, from_=request.host, to=delegation.component, id=id, type="set"))]

    def disconnected(self, component: str) -> Effects:
        """It will not answer any more."""
        return [each.error() for each in self._asked.pop_all(lambda asked: asked.component == component)]

    def answered(self, request: Request) -> Outcome:
        id = request.stanza.id or ""
        if id in self._wondered and request.sender == self._wondered[id].delegation.component:
            self._learn(self._wondered.pop(id), request)
        elif (asked := self._asked.get(id)) is not None and request.sender == asked.component:
            return self._pass_on(self._asked.pop(id), request)
        return None

    def _learn(self, wondered: Wondered, answer: Request) -> None:
        query = answer.stanza.element().find(f"{INFO}query")
        if answer.stanza.type != "result" or query is None:
            return
        self.context.nesting.learn(wondered.delegation.namespace, wondered.host, abilities(query), bare=wondered.bare)

    def _pass_on(self, asked: Asked, answer: Request) -> Effects:
        inner = answer.stanza.element().find(
            f"{{{ns.DELEGATION}}}delegation/{{{ns.FORWARD}}}forwarded/{{{ns.CLIENT}}}iq")
        if answer.stanza.type != "result" or inner is None or not answers(inner, asked):
            return asked.error()
        return Route(written(inner, asked.to, asked.sender, self.context.hosts))


def answers(inner: Element, asked: Asked) -> bool:
    """Is it the result of that request (XEP-0355 4.2)?"""
    return ((inner.get("type"), inner.get("id"), inner.get("to")) == ("result", asked.id, asked.sender)
            and inner.get("from") in (None, asked.to))


def abilities(query: Element) -> Abilities:
    """What disco#info says."""
    identities = [Identity(each.get("category", ""), each.get("type", ""), each.get("name"))
                  for each in query.iter(f"{INFO}identity")]
    return Abilities(tuple(identities), tuple(each.get("var", "") for each in query.iter(f"{INFO}feature")),
                     tuple(serialize(form, ns.DISCO_INFO) for form in query.iter(f"{{{ns.DATA_FORMS}}}x")))


def advertised(delegations: list[Delegation]) -> bytes:
    parts = []
    for each in delegations:
        attributes = "".join(f"<attribute name='{escape(name)}'/>" for name in each.attributes)
        parts.append(f"<delegated namespace='{escape(each.namespace)}'>{attributes}</delegated>")
    return f"<delegation xmlns='{ns.DELEGATION}'>{''.join(parts)}</delegation>".encode()
