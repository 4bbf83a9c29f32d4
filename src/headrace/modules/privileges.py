"""Privileged entities: components that act for users of our hosts, as far as the operator has said so.

What concerns rosters is with those (headrace.modules.roster, .contacts): whoever gets presence stands in the router's
tables like a contact (headrace.modules.tables).
"""

import asyncio
from dataclasses import dataclass
from secrets import token_hex
from xml.etree.ElementTree import Element

from headrace.core import ns, reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.writer import escape
from headrace.modules import grants
from headrace.modules.api import Context, Effects, Module, Outcome, Refused, Request, Route, Target, Xep, iq
from headrace.modules.contacts import sees_us
from headrace.modules.forwarding import forwarded, received, written
from headrace.modules.grants import Grant
from headrace.modules.questions import Questions

ASKED = 1_000  # requests whose answers are waited for
BATCH = 100  # accounts that a component is shown before others get a turn

FORWARDED = f"{{{ns.FORWARD}}}forwarded"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in a user's name, without what it asks."""

    component: str
    outer: str | None  # the id of the component's request that it came in
    account: str
    to: str  # prepared
    id: str

    def answer(self, type: str, payload: bytes) -> Route:
        return Route(reply.stanza("iq", payload, from_=self.account, to=self.component, id=self.outer, type=type))


class Privileges(Module):
    name = "privileges"
    xeps = (Xep(356, "0.4.1"),)

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._asked = Questions[Asked](context.now, ASKED)

    async def connected(self, component: str) -> Effects:
        """It is told what it may, and who is here."""
        grant = self.context.grants.get(component)
        if grant is None:
            return ()
        if grant.presence:
            for host in sorted(grant.hosts):
                await self._show_all(host, component)
        payload = advertised(grant)
        return [Route(reply.stanza("message", payload, from_=host, to=component, id=token_hex(8)))
                for host in sorted(grant.hosts)]

    async def _show_all(self, host: str, component: str) -> None:
        accounts = {one.jid.partition("/")[0] for one in await self.context.accounts.online(host)}
        for number, account in enumerate(sorted(accounts), 1):
            await self.context.accounts.show(account, component)
            if number % BATCH == 0:
                await asyncio.sleep(0)

    def message(self, request: Request) -> Outcome:
        """One in a user's name."""
        privilege = request.stanza.element().find(f"{{{ns.PRIVILEGE}}}privilege")
        if privilege is None:
            return None
        return self._send(request, privilege)

    async def _send(self, request: Request, privilege: Element) -> Effects:
        grant = grants.of(self.context.grants, request.sender, request.host)
        inner = only(only(privilege, FORWARDED), f"{{{ns.CLIENT}}}message")
        if grant is None or not grant.message or inner is None:
            raise Refused("forbidden")
        sender, to = address(inner, "from"), address(inner, "to")
        if sender is None or sender.resource is not None or sender.domain != request.host:
            raise Refused("forbidden")
        if to is None:
            raise Refused("bad-request", "To whom?")
        if sender.local is not None:
            await self._may_write(sender.full, to.full)
        return Route(written(inner, sender.full, to.full, self.context.hosts))

    @iq("get", ns.PRIVILEGE, "privileged_iq", Target.ACCOUNT)
    @iq("set", ns.PRIVILEGE, "privileged_iq", Target.ACCOUNT)
    async def ask(self, request: Request) -> Effects:
        """A request in a user's name."""
        grant = grants.of(self.context.grants, request.sender, request.host)
        inner = only(request.payload, f"{{{ns.CLIENT}}}iq")
        if grant is None or inner is None or len(inner) != 1 or inner.get("type") != request.stanza.type:
            raise Refused("forbidden")
        sender, to = address(inner, "from"), address(inner, "to") or JID.parse(request.to)
        namespace = inner[0].tag[1:].rpartition("}")[0]
        if not grants.allows(grant.iq.get(namespace, "none"), inner.get("type")):
            raise Refused("forbidden")
        if sender is not None and sender.full != request.to:
            raise Refused("forbidden")
        if not inner.get("id"):
            raise Refused("bad-request")
        await self._may_write(request.to, to.full)
        if to.resource is not None and not await self._may_know(request.to, to):
            raise Refused("service-unavailable")
        id = self.context.nesting.id_for(request.sender, request.to)
        asked = Asked(request.sender, request.stanza.id, request.to, to.full, inner.get("id", ""))
        late = self._asked.add(id, asked)
        inner.set("id", id)
        return [*(each.answer("error", reply.error("remote-server-timeout")) for each in late),
                Route(written(inner, request.to, to.full, self.context.hosts))]

    @iq("get", ns.PRIVILEGE, "privileged_iq", Target.HOST | Target.SELF)
    @iq("set", ns.PRIVILEGE, "privileged_iq", Target.HOST | Target.SELF)
    def nobody(self, request: Request) -> Effects:
        raise Refused("forbidden")

    def answered(self, request: Request) -> Outcome:
        asked = self._asked.get(request.stanza.id or "")
        if asked is None or (request.sender, request.to) != (asked.to, asked.account):
            return None
        self._asked.pop(request.stanza.id or "")
        answer = received(request.stanza, self.context.hosts)
        answer.attrib |= {"from": request.sender, "to": request.to, "id": asked.id}
        return asked.answer("result", forwarded("privilege", ns.PRIVILEGE, answer))

    async def _may_write(self, account: str, to: str) -> None:
        """As the user could (XEP-0356 11): not if he may not log in, nor to those whom he has blocked."""
        found = await self.context.storage.accounts.get(account)
        if found is None or found.disabled:
            raise Refused("forbidden")
        if await self.context.blocklists.keeps_away(account, to):
            raise Refused("not-acceptable")

    async def _may_know(self, account: str, to: JID) -> bool:
        """Does this resource show itself to the user? To the router, a request in his name is one of ours, that may go
        to any."""
        if to.domain not in self.context.hosts or to.bare == account:
            return True
        return (sees_us(await self.context.storage.roster.get(to.bare, account))
                or await self.context.accounts.directed(to.full, account))


def only(element: Element | None, tag: str) -> Element | None:
    """Its one child, if it is such a one."""
    return element[0] if element is not None and len(element) == 1 and element[0].tag == tag else None


def address(element: Element, name: str) -> JID | None:
    if name not in element.attrib:
        return None
    try:
        return JID.parse(element.attrib[name])
    except JIDError as error:
        raise Refused("jid-malformed", str(error)) from None


def advertised(grant: Grant) -> bytes:
    """What it may, as it is told."""
    perms = []
    if grant.roster != "none":
        perms.append(f"<perm access='roster' type='{grant.roster}' push='{'true' if grant.push else 'false'}'/>")
    if grant.message:
        perms.append("<perm access='message' type='outgoing'/>")
    if grant.iq:
        inside = "".join(f"<namespace ns='{escape(name)}' type='{access}'/>" for name, access in grant.iq.items())
        perms.append(f"<perm access='iq'>{inside}</perm>")
    if grant.presence:
        perms.append(f"<perm access='presence' type='{'roster' if grant.contacts else 'managed_entity'}'/>")
    return f"<privilege xmlns='{ns.PRIVILEGE}'>{''.join(perms)}</privilege>".encode()
