"""Push Notifications: who wants to be told, by which service, and telling them.

A service is told of a message that nobody sees now: one for an account that nobody is here for, and the first one for a
session without a link. By default it learns how many there are, neither from whom nor what they say.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from xml.etree.ElementTree import Element

from headrace.core import reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.names import Known
from headrace.core.ns import CLIENT, DATA_FORMS, PUBSUB, PUSH, STANZA_ERRORS
from headrace.core.stanza import Stanza
from headrace.core.writer import escape, serialize
from headrace.modules.allowance import Allowance
from headrace.modules.api import Context, Effects, Module, Outcome, Refused, Reply, Request, Route, Target, Xep, iq
from headrace.xep.forms import Field, Invalid, form, submitted

PUBLISH_OPTIONS = f"{PUBSUB}#publish-options"
SUMMARY = f"{PUSH[:-1]}summary"  # urn:xmpp:push:summary

COUNTED = 10_000  # accounts whose services and counts stay in memory

ASKED = 1_000  # notifications whose answers are waited for: of a service that never answers, the oldest are forgotten

# What may pass: the service, or the way to it, is away. Anything else says that it won't take any more.
PASSING = ("remote-server-not-found", "remote-server-timeout", "resource-constraint", "recipient-unavailable",
           "internal-server-error")


@dataclass(frozen=True, slots=True)
class Service:
    jid: str
    node: str
    resource: str  # full JID of the session that asked for it
    options: str  # the form of publish options, as XML; empty

    @property
    def name(self) -> str:
        return f"{self.node}\n{self.jid}"

    def kept(self) -> bytes:
        return json.dumps([self.jid, self.node, self.resource, self.options]).encode()


class Push(Module):
    name = "push"
    xeps = (Xep(357, "0.4.1"),)
    account_features = (PUSH,)

    @dataclass(frozen=True, slots=True)
    class Options:
        max_services: int = 10  # of an account: one for each phone
        max_bytes: int = 4_096  # of what is kept of one: a token and a secret
        per_minute: int = 12  # notifications for an account: a burst of messages wakes a phone once, too
        max_errors: int = 5  # in a row, of those that may pass; then the service is disabled
        sender: bool = False  # tell the services who writes (XEP-0357 10: private)
        body: bool = False  # and what

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._allowed = Allowance(options.per_minute, context.now)
        self._services: dict[str, tuple[Service, ...]] = {}
        self._counts: dict[str, int] = {}  # messages since somebody was here, by account
        self._asked: dict[str, tuple[str, Service]] = {}  # by id
        self._errors: dict[tuple[str, str], int] = {}  # in a row, by account and service

    @iq("set", PUSH, "enable", Target.SELF)
    async def enable(self, request: Request) -> Effects:
        service = wanted(request)
        if len(service.kept()) > self.options.max_bytes:
            raise Refused("policy-violation", "That is more than is kept for a push service.")
        account = request.account
        async with self.context.locks.hold(account):
            services = {known.name: known for known in await self._of(account)} | {service.name: service}
            if len(services) > self.options.max_services:
                raise Refused("resource-constraint", f"At most {self.options.max_services} services can be enabled.")
            await self.context.storage.documents.put(account, self.name, {service.name: service.kept()})
            self._services[account] = tuple(services.values())
            self._errors.pop((account, service.name), None)
        return Reply()

    @iq("set", PUSH, "disable", Target.SELF)
    async def disable(self, request: Request) -> Effects:
        jid, node = address(request.payload), request.payload.get("node")
        await self._disable(request.account, jid, node)
        return Reply()

    async def _disable(self, account: str, jid: str, node: str | None) -> None:
        async with self.context.locks.hold(account):
            services = await self._of(account)
            gone = [service for service in services if service.jid == jid and node in (None, service.node)]
            await self.context.storage.documents.remove(account, self.name, [service.name for service in gone])
            self._services[account] = tuple(service for service in services if service not in gone)
            for service in gone:
                self._errors.pop((account, service.name), None)

    async def _of(self, account: str) -> tuple[Service, ...]:
        if account not in self._services:
            kept = await self.context.storage.documents.all(account, self.name)
            if len(self._services) >= COUNTED:
                self._services.clear()
            self._services[account] = tuple(Service(*json.loads(content)) for content in kept.values())
        return self._services[account]

    async def deleting(self, account: str) -> None:
        self._services.pop(account, None)
        self._counts.pop(account, None)

    def available(self, sender: str, priority: int) -> Outcome:
        self._counts.pop(sender.partition("/")[0], None)
        return None

    def missed(self, request: Request, resource: str | None) -> Outcome:
        if not worth_telling(request.stanza) or self._services.get(request.to) == ():
            return None
        return self._tell(request, resource)

    async def _tell(self, request: Request, resource: str | None) -> Effects:
        account = request.to
        services = await self._whom(account, resource)
        if not services:
            return ()
        if len(self._counts) >= COUNTED:
            self._counts.clear()
        # A session is told of once a loss: its client was here just before, perhaps without a new presence (XEP-0198).
        self._counts[account] = 1 if resource is not None else self._counts.get(account, 0) + 1
        if not self._allowed.take(account):
            return ()
        return [self._publish(account, service, request) for service in services]

    async def _whom(self, account: str, resource: str | None) -> Sequence[Service]:
        """Those that the session without a link has enabled, if there are such; else all but those of clients that are
        here."""
        services = await self._of(account)
        own = [service for service in services if service.resource == resource]
        if own or not services:
            return own
        here = {each.jid for each in await self.context.accounts.resources(account) if each.available}
        return [service for service in services if service.resource not in here]

    def _publish(self, account: str, service: Service, request: Request) -> Route:
        id = token_hex(8)
        if len(self._asked) >= ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[id] = account, service
        notification = form("submit", SUMMARY, self._summary(account, request.stanza)).decode()
        node = f" node='{escape(service.node)}'" if service.node else ""
        options = f"<publish-options>{service.options}</publish-options>" if service.options else ""
        payload = (f"<pubsub xmlns='{PUBSUB}'><publish{node}><item><notification xmlns='{PUSH}'>{notification}"
                   f"</notification></item></publish>{options}</pubsub>").encode()
        return Route(reply.stanza("iq", payload, from_=request.host, to=service.jid, id=id, type="set"))

    def _summary(self, account: str, stanza: Stanza) -> list[Field]:
        fields = [Field("message-count", values=(str(self._counts[account]),))]
        if self.options.sender and stanza.from_ is not None:
            fields.append(Field("last-message-sender", values=(stanza.from_,)))
        if self.options.body and (body := stanza.element().findtext(f"{{{CLIENT}}}body")):
            fields.append(Field("last-message-body", values=(body,)))
        return fields

    def answered(self, request: Request) -> Outcome:
        """XEP-0357 7.1."""
        account, service = self._asked.get(request.stanza.id or "", ("", None))
        if service is None or request.sender != service.jid:
            return None
        del self._asked[request.stanza.id or ""]
        key = account, service.name
        if request.stanza.type == "result":
            self._errors.pop(key, None)
            return None
        self._errors[key] = self._errors.get(key, 0) + 1
        if passing(request.stanza) and self._errors[key] < self.options.max_errors:
            return None
        del self._errors[key]
        return self._disable(account, service.jid, service.node)


def address(element: Element) -> str:
    try:
        return JID.parse(element.attrib["jid"]).full
    except KeyError:
        raise Refused("bad-request", "Which service? Say its 'jid'.") from None
    except JIDError as error:
        raise Refused("jid-malformed", str(error)) from None


def wanted(request: Request) -> Service:
    options = request.payload.find(f"{{{DATA_FORMS}}}x")
    if options is not None:
        try:
            submitted(options, PUBLISH_OPTIONS, ())
        except Invalid as error:
            raise Refused("bad-request", str(error)) from None
        if options.get("type") != "submit":
            raise Refused("bad-request", "Publish options come as a submitted form.")
    return Service(address(request.payload), request.payload.get("node", ""), request.sender,
                   "" if options is None else serialize(options, "").decode())


def worth_telling(stanza: Stanza) -> bool:
    """A message that would be shown, or kept, and calls (XEP-0353)."""
    known = 1 << Known.K_BODY | 1 << Known.K_STORE | 1 << Known.K_JINGLE_MESSAGE
    return stanza.type in (None, "normal", "chat") and bool(stanza.known & known)


def passing(stanza: Stanza) -> bool:
    error = stanza.element().find("{*}error")  # the namespace is that of the stream: a component's, perhaps
    if error is None:
        return False
    return error.get("type") == "wait" or any(error.find(f"{{{STANZA_ERRORS}}}{name}") is not None for name in PASSING)
