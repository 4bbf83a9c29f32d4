"""Service Administration: what the administrators of a domain do with its accounts, as ad-hoc commands."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headrace.cluster.ports import Audience, Online
from headrace.core import ns, reply
from headrace.core.writer import escape
from headrace.modules.api import Call, Context, Done, Module, Refused, Xep, command
from headrace.storage.ports import AccountExists
from headrace.xep.forms import Field

NODE = f"{ns.ADMIN}#"
ACCOUNT = Field("accountjid", "jid-single", "Account", required=True)
ACCOUNTS = Field("accountjids", "jid-multi", "Accounts", required=True)
PASSWORD = Field("password", "text-private", "Password", required=True)
AGAIN = Field("password-verify", "text-private", "The password again")
TEXT = Field("announcement", "text-multi", "Announcement", required=True)


class Admin(Module):
    name = "admin"
    xeps = (Xep(133, "1.3.1"),)

    @dataclass(frozen=True, slots=True)
    class Options:
        idle_after: float = 600.0  # s without a sign of life from any client: longer than keep-alives are apart

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._life = context.life

    @command(NODE + "add-user", "Add a user", ACCOUNT, PASSWORD, AGAIN, form_type=ns.ADMIN)
    async def add(self, call: Call) -> Done:
        [jid], [password] = call.values["accountjid"], call.values["password"]
        if call.values.get("password-verify", (password,)) != (password,):
            raise Refused("bad-request", "The two passwords differ.")
        try:
            await self._life.create(judged(call, jid), password, source=call.request.account)
        except AccountExists:
            raise Refused("conflict", f"There is an account {jid}.") from None
        except ValueError as error:
            raise Refused("not-acceptable", str(error)) from None
        return Done(f"{jid} has an account now.")

    @command(NODE + "change-user-password", "Change a user's password", ACCOUNT, PASSWORD, form_type=ns.ADMIN,
             instructions="The user's sessions end.")
    async def change_password(self, call: Call) -> Done:
        [jid], [password] = call.values["accountjid"], call.values["password"]
        own = call.request.sender if jid == call.request.account else None
        try:
            found = await self._life.set_password(judged(call, jid), password, source=call.request.account, but=own)
        except ValueError as error:
            raise Refused("not-acceptable", str(error)) from None
        if not found:
            raise Refused("item-not-found", f"There is no account {jid}.")
        return Done(f"{jid} has a new password.")

    @command(NODE + "delete-user", "Delete users", ACCOUNTS, form_type=ns.ADMIN,
             instructions="With their rosters and all that is stored for them.")
    async def delete(self, call: Call) -> Done:
        return await each(call, self._life.delete, "deleted")

    @command(NODE + "disable-user", "Disable users", ACCOUNTS, form_type=ns.ADMIN,
             instructions="Their sessions end, and they cannot log in any more.")
    async def disable(self, call: Call) -> Done:
        return await each(call, self._life.disable, "disabled")

    @command(NODE + "reenable-user", "Enable users again", ACCOUNTS, form_type=ns.ADMIN)
    async def enable(self, call: Call) -> Done:
        return await each(call, self._life.enable, "enabled")

    @command(NODE + "end-user-session", "End users' sessions", ACCOUNTS, form_type=ns.ADMIN,
             instructions="All sessions of an account, or the one of a full JID.")
    async def end_session(self, call: Call) -> Done:
        jids = [judged(call, jid, full=True) for jid in call.values["accountjids"]]
        ended = sum([await self._life.end(jid) for jid in jids])
        return Done(f"{ended} sessions ended.")

    @command(NODE + "get-registered-users-num", "Number of accounts", form_type=ns.ADMIN)
    async def registered(self, call: Call) -> Done:
        return number("registeredusersnum", await self.context.storage.accounts.count(call.request.host))

    @command(NODE + "get-disabled-users-num", "Number of disabled accounts", form_type=ns.ADMIN)
    async def disabled(self, call: Call) -> Done:
        return number("disabledusersnum", await self.context.storage.accounts.count(call.request.host, disabled=True))

    @command(NODE + "get-online-users-num", "Number of users online", form_type=ns.ADMIN)
    async def online(self, call: Call) -> Done:
        return number("onlineusersnum", len(accounts(await self._resources(call))))

    @command(NODE + "get-active-users-num", "Number of active users", form_type=ns.ADMIN)
    async def active(self, call: Call) -> Done:
        return number("activeusersnum", len(self._active(await self._resources(call))))

    @command(NODE + "get-idle-users-num", "Number of idle users", form_type=ns.ADMIN)
    async def idle(self, call: Call) -> Done:
        resources = await self._resources(call)
        return number("idleusersnum", len(accounts(resources) - self._active(resources)))

    @command(NODE + "get-online-users-list", "Users online", form_type=ns.ADMIN)
    async def who(self, call: Call) -> Done:
        jids = tuple(sorted(accounts(await self._resources(call))))
        return Done(fields=(Field("onlineuserjids", "jid-multi", "Users online", values=jids),))

    @command(NODE + "user-stats", "Get user statistics", ACCOUNT, form_type=ns.ADMIN)
    async def statistics(self, call: Call) -> Done:
        jid = judged(call, *call.values["accountjid"])
        if not await self.context.storage.accounts.exists(jid):
            raise Refused("item-not-found", f"There is no account {jid}.")
        contacts = sum(item.listed for item in await self.context.storage.roster.load(jid))
        here = [resource for resource in await self._resources(call) if accounts([resource]) == {jid}]
        return Done(fields=(
            Field("rostersize", values=(str(contacts),)),
            Field("onlineresources", "text-multi", values=tuple(sorted(each.jid.partition("/")[2] for each in here))),
            Field("ipaddresses", "text-multi", values=tuple(sorted({each.address for each in here if each.address})))))

    @command(NODE + "announce", "Announce something to all users online", TEXT, form_type=ns.ADMIN)
    async def announce(self, call: Call) -> Done:
        body = f"<body>{escape(chr(10).join(call.values['announcement']))}</body>".encode()
        reached = 0
        for account in accounts(await self._resources(call)):
            message = reply.stanza("message", body, from_=call.request.host, to=account, type="headline")
            reached += bool(await self.context.accounts.deliver(account, message, Audience.AVAILABLE))
        return Done(f"{reached} users have got it.")

    async def _resources(self, call: Call) -> list[Online]:
        return await self.context.accounts.online(call.request.host)

    def _active(self, resources: list[Online]) -> set[str]:
        return accounts([resource for resource in resources if resource.silence < self.options.idle_after])


def accounts(resources: list[Online]) -> set[str]:
    return {resource.jid.partition("/")[0] for resource in resources}


def number(var: str, value: int) -> Done:
    return Done(fields=(Field(var, values=(str(value),)),))


def judged(call: Call, jid: str, *, full: bool = False) -> str:
    """It is an account of this administrator's domain."""
    account, slash, _ = jid.partition("/")
    _, at, domain = account.rpartition("@")
    if not at or (slash and not full):
        raise Refused("bad-request", f"{jid} is not an account: write user@host.")
    if domain != call.request.host:
        raise Refused("forbidden", f"{jid} is not of {call.request.host}.")
    return jid


async def each(call: Call, change: Callable[[str], Awaitable[bool]], done: str) -> Done:
    """All of these accounts, judged before the first is changed."""
    jids = [judged(call, jid) for jid in call.values["accountjids"]]
    missing = [jid for jid in jids if not await change(jid)]
    if missing:
        return Done(f"No such account: {', '.join(missing)}. The others are {done}.", failed=True)
    return Done(f"{', '.join(jids)}: {done}.")
