"""Private XML Storage: pieces of XML that an account keeps here, by name and namespace, for itself alone."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from headrace.core.ns import CLIENT, PRIVATE
from headrace.core.writer import serialize
from headrace.modules.api import Effects, Module, Refused, Reply, Request, Target, Xep, iq


class Private(Module):
    name = "private"
    xeps = (Xep(49, "1.2"),)
    features = (PRIVATE,)
    account_features = (PRIVATE,)

    @dataclass(frozen=True, slots=True)
    class Options:
        max_items: int = 100  # of an account: a client that uses it has a handful
        max_bytes: int = 1_000_000  # of all of them together: some thousand bookmarks

    options: Options

    @iq("get", PRIVATE, "query", Target.SELF)
    async def get(self, request: Request) -> Effects:
        asked = request.payload
        if len(asked) != 1:
            raise Refused("bad-request" if len(asked) else "not-acceptable", "Ask for one element.")
        kept = await self.context.storage.documents.get(request.account, self.name, named(asked[0]))
        return Reply(written(kept or serialize(Element(asked[0].tag), "")))

    @iq("set", PRIVATE, "query", Target.SELF)
    async def set(self, request: Request) -> Effects:
        documents = {named(element): serialize(element, "") for element in request.payload}
        if not documents:
            raise Refused("not-acceptable", "Say what is to be kept.")
        async with self.context.locks.hold(request.account):
            sizes = await self.context.storage.documents.sizes(request.account, self.name)
            sizes |= {name: len(content) for name, content in documents.items()}
            if len(sizes) > self.options.max_items or sum(sizes.values()) > self.options.max_bytes:
                raise Refused("resource-constraint", "That is more than is kept for an account.")
            await self.context.storage.documents.put(request.account, self.name, documents)
        return Reply()

    @iq("get", PRIVATE, "query", Target.ACCOUNT)
    @iq("set", PRIVATE, "query", Target.ACCOUNT)
    def foreign(self, request: Request) -> Effects:
        raise Refused("forbidden")


def named(element: Element) -> str:
    """What it is kept by. An element needs a namespace of its own."""
    if not element.tag.startswith("{") or element.tag.startswith((f"{{{CLIENT}}}", f"{{{PRIVATE}}}")):
        raise Refused("not-acceptable", "Each element needs a namespace of its own.")
    return element.tag


def written(content: bytes) -> bytes:
    return f"<query xmlns='{PRIVATE}'>".encode() + content + b"</query>"
