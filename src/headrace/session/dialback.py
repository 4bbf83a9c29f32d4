"""Server dialback (XEP-0220): its keys, made as XEP-0185 says, and its elements."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from headrace.core import ns, reply
from headrace.core.errors import JIDError
from headrace.core.prep import prepare_domain
from headrace.core.stanza import Stanza
from headrace.core.writer import escape


class Keys:
    """Nothing is remembered: a key is computed again when somebody asks about it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = sha256(secret).hexdigest().encode()

    def key(self, receiving: str, originating: str, stream: str) -> str:
        """Of a stream of that id from our domain `originating` to theirs."""
        return hmac.new(self._secret, f"{receiving} {originating} {stream}".encode(), sha256).hexdigest()

    def is_key(self, key: str, receiving: str, originating: str, stream: str) -> bool:
        return hmac.compare_digest(key.encode(), self.key(receiving, originating, stream).encode())


@dataclass(frozen=True, slots=True)
class Dialback:
    """A `<db:result/>` or `<db:verify/>`, domains prepared."""

    name: str
    from_: str
    to: str
    type: str | None    # None: a request
    id: str
    key: str
    error: str          # condition of type "error"; may be empty


def read(stanza: Stanza) -> Dialback | None:
    """None where `from` or `to` is no domain."""
    try:
        from_, to = prepare_domain(stanza.from_ or ""), prepare_domain(stanza.to or "")
    except JIDError:
        return None
    element = stanza.element()
    error = next((child.tag.rpartition("}")[2] for child in element.iter()
                  if child.tag.startswith(f"{{{ns.STANZA_ERRORS}}}")), "")
    return Dialback(stanza.name, from_, to, stanza.type, stanza.id or "",
                    (element.text or "").strip(), error)


def request(name: str, *, from_: str, to: str, key: str, id: str | None = None) -> bytes:
    """Declares its prefix by itself: not every server's header is read for it."""
    stream = "" if id is None else f" id='{escape(id)}'"
    return (f"<db:{name} xmlns:db='{ns.DIALBACK}' from='{escape(from_)}' to='{escape(to)}'{stream}>"
            f"{escape(key)}</db:{name}>").encode()


def answer(to: Dialback, type: str) -> bytes:
    """valid or invalid."""
    return f"{_head(to)} type='{type}'/>".encode()


def refusal(to: Dialback, condition: str) -> bytes:
    """XEP-0220 2.4.2."""
    return f"{_head(to)} type='error'>".encode() + reply.error(condition) + f"</db:{to.name}>".encode()


def _head(to: Dialback) -> str:
    stream = f" id='{escape(to.id)}'" if to.name == "verify" else ""
    return f"<db:{to.name} xmlns:db='{ns.DIALBACK}' from='{escape(to.to)}' to='{escape(to.from_)}'{stream}"
