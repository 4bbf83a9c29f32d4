"""In-Band Registration for who has no account yet, before login: on hosts that say `registration = true`."""

from dataclasses import dataclass

from headrace.core import reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.stanza import Stanza
from headrace.modules.allowance import Allowance
from headrace.modules.api import Context, Module, Refused, Xep
from headrace.modules.loader import refusal
from headrace.modules.register import named
from headrace.net.limits import network
from headrace.session.ports import SignedUp
from headrace.storage.ports import AccountExists
from headrace.xep import registration

INSTRUCTIONS = "Choose a user name and a password."


class SignUp(Module):
    """headrace.session.ports.SignUp."""

    name = "signup"
    xeps = (Xep(77, "2.4"),)

    @dataclass(frozen=True, slots=True)
    class Options:
        tries: int = 10     # of an address in `seconds`: each makes an account, or tells whether a name is taken
        total: int = 1000   # of all addresses together: what many can make who work for one, and what we remember
        seconds: int = 86_400
        # Whoever has one of these is taken for the server's operator (RFC 2142 and custom).
        reserved: tuple[str, ...] = (
            "abuse", "admin", "administrator", "hostmaster", "info", "noc", "postmaster", "root", "security", "server",
            "support", "system", "webmaster", "xmpp")

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._by_address = Allowance(options.tries, context.now, seconds=options.seconds)
        self._in_all = Allowance(options.total, context.now, seconds=options.seconds)
        self._kept = frozenset().union(*(host.admins for host in context.hosts.values()))

    async def answer(self, stanza: Stanza, host: str, address: str) -> SignedUp:
        account = None
        try:
            for_host(stanza, host)
            query = stanza.element()[0]
            if stanza.type == "get":
                return SignedUp(reply.iq_result(stanza, registration.form(INSTRUCTIONS)))
            account = await self._create(registration.parse(query), host, address)
        except Exception as error:
            refused = refusal(error)
            if refused is None:
                raise
            return SignedUp(reply.error_reply(stanza, refused.condition, refused.text, type=refused.type) or b"")
        return SignedUp(reply.iq_result(stanza), account)

    async def _create(self, asked: registration.Asked, host: str, address: str) -> str:
        if asked.remove:
            raise Refused("unexpected-request", "Log in first.")
        if asked.username is None or asked.password is None:
            raise Refused("not-acceptable", "A user name and a password are needed.")
        account = named(asked.username, host)
        if not self._may(address):
            raise Refused("resource-constraint", "Too many have signed up; try again tomorrow.")
        if account in self._kept or account.partition("@")[0] in self.options.reserved:
            raise Refused("conflict", "This name is taken.")    # to say more would tell who administers this host
        try:
            await self.context.life.create(account, asked.password, source=network(address))
        except AccountExists:
            raise Refused("conflict", "This name is taken.") from None
        except ValueError as error:
            raise Refused("not-acceptable", str(error)) from None
        return account

    def _may(self, address: str) -> bool:
        """In all first: then no more addresses are remembered than that."""
        return self._in_all.take("") and (self.context.shared(address) or self._by_address.take(network(address)))


def for_host(stanza: Stanza, host: str) -> None:
    """Nobody but the host of the stream answers yet."""
    try:
        same = stanza.to is None or JID.parse(stanza.to).full == host
    except JIDError:
        same = False
    if not same:
        raise Refused("not-allowed", f"You can register at {host} here.")
