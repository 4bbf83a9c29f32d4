"""In-Band Registration for who has an account: a new password, or the end of it."""

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import REGISTER
from headrace.modules.api import Effects, End, Module, Refused, Reply, Request, Target, Xep, iq
from headrace.xep import registration
from headrace.xep.escaping import escape


class Register(Module):
    name = "register"
    xeps = (Xep(77, "2.4"), Xep(106, "1.1.1"))
    features = (REGISTER,)

    @iq("get", REGISTER, "query", Target.HOST | Target.SELF)
    def get(self, request: Request) -> Effects:
        own(request)
        return Reply(registration.registered(request.account.rpartition("@")[0]))

    @iq("set", REGISTER, "query", Target.HOST | Target.SELF, hold_all=True)
    async def set(self, request: Request) -> Effects:
        own(request)
        asked = registration.parse(request.payload)
        if asked.remove:
            return await self._remove(request, asked)
        if asked.username is None or asked.password is None:
            raise Refused("bad-request")
        if named(asked.username, request.host) != request.account:
            raise Refused("not-allowed", "You may change your own password only.")
        try:
            found = await self.context.life.set_password(
                request.account, asked.password, source=request.account, but=request.sender)
        except ValueError as error:
            raise Refused("not-acceptable", str(error)) from None
        if not found:
            raise Refused("not-allowed", "There is no password to change.")
        return Reply()

    async def _remove(self, request: Request, asked: registration.Asked) -> Effects:
        if not asked.alone:
            raise Refused("bad-request")
        if not await self.context.life.delete(request.account, but=request.sender):
            raise Refused("registration-required")
        return Reply(), End("not-authorized", "this account has been deleted")


def own(request: Request) -> None:
    """The server that one's account is at answers for it, no other."""
    if request.host != request.account.rpartition("@")[2]:
        raise Refused("not-allowed", "Your account is at another host.")


def named(username: str, host: str) -> str:
    """The account of that name. It has to be escaped already, as every localpart on the wire (XEP-0106 4)."""
    try:
        return JID(username, host, assigned=True).bare
    except JIDError as error:
        try:
            hint = JID(escape(username), host, assigned=True).local
        except ValueError:
            raise Refused("not-acceptable", str(error)) from None
        raise Refused("not-acceptable", f"{error}; write {hint}") from None
