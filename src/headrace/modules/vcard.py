"""vcard-temp: an account's card, which its owner writes and everybody may read."""

from headrace.core.ns import VCARD
from headrace.core.writer import serialize
from headrace.modules.api import Effects, Module, Refused, Reply, Request, Target, Xep, iq


class VCard(Module):
    name = "vcard"
    xeps = (Xep(54, "1.3.0"),)
    features = (VCARD,)
    account_features = (VCARD,)

    @iq("get", VCARD, "vCard", Target.SELF)
    async def own(self, request: Request) -> Effects:
        return Reply(await self._card(request.account) or f"<vCard xmlns='{VCARD}'/>".encode())

    @iq("get", VCARD, "vCard", Target.ACCOUNT)
    async def of_account(self, request: Request) -> Effects:
        """Whoever has published no card answers as one who does not exist (section 3.3)."""
        card = await self._card(request.to)
        if card is None:
            raise Refused("service-unavailable")
        return Reply(card)

    @iq("set", VCARD, "vCard", Target.SELF)
    async def set(self, request: Request) -> Effects:
        await self.context.storage.documents.put(request.account, self.name, {"": serialize(request.payload, "")})
        return Reply()

    @iq("set", VCARD, "vCard", Target.ACCOUNT)
    def foreign(self, request: Request) -> Effects:
        raise Refused("forbidden")

    async def _card(self, account: str) -> bytes | None:
        return await self.context.storage.documents.get(account, self.name, "")
