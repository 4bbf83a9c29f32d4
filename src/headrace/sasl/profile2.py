"""The extensible SASL profile (XEP-0388), with upgrade tasks (XEP-0480): what a server reads and writes."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import new as new_hash
from typing import Final
from xml.etree.ElementTree import Element

from headrace.core import ns
from headrace.core.writer import escape, serialize
from headrace.sasl.credentials import DIGESTS, Digest
from headrace.sasl.failures import SaslFailure
from headrace.sasl.profile import decode

UPGRADES: Final[dict[str, Digest]] = {f"UPGR-SCRAM-SHA-{digest[3:]}": digest for digest in DIGESTS}
_CLIENT_CHARS: Final = 64   # a UUID has 36; whatever an id is, it is kept with the client's tokens


@dataclass(frozen=True, slots=True)
class Authenticate:
    """An <authenticate/>."""

    mechanism: str
    initial: bytes | None           # initial response
    client: str | None              # id of the user agent: the same each time for the same installation
    upgrades: tuple[Digest, ...]    # verifiers that it wants to bring
    version: str | None             # of our features that it has seen (XEP-0509)
    element: Element                # with the requests for inline features

    def child(self, namespace: str, name: str) -> Element | None:
        return self.element.find(f"{{{namespace}}}{name}")


def authenticate(element: Element) -> Authenticate:
    """SaslFailure: incorrect-encoding."""
    agent = element.find(f"{{{ns.SASL2}}}user-agent")
    client = None if agent is None else agent.get("id")
    initial = element.find(f"{{{ns.SASL2}}}initial-response")
    version = element.find(f"{{{ns.PIPELINING}}}config-version")
    asked = (upgrade.text or "" for upgrade in element.iterfind(f"{{{ns.SASL_UPGRADE}}}upgrade"))
    return Authenticate(
        mechanism=element.get("mechanism", ""),
        initial=None if initial is None else decode(initial.text),
        client=client if client and len(client) <= _CLIENT_CHARS else None,
        upgrades=tuple(dict.fromkeys(UPGRADES[name] for name in asked if name in UPGRADES)),
        version=None if version is None else version.get("value", ""),
        element=element,
    )


def wishes(request: Authenticate) -> bytes:
    """The request without what it proves itself by; authenticate() reads it again."""
    made = Element(request.element.tag, request.element.attrib)
    made.extend(child for child in request.element if child.tag != f"{{{ns.SASL2}}}initial-response")
    return serialize(made, "")


def data(element: Element) -> bytes:
    """What a <response/> carries. SaslFailure: incorrect-encoding."""
    return decode(element.text)


def salted_password(element: Element, digest: Digest) -> bytes:
    """What the client's <task-data/> brings (XEP-0480 3). SaslFailure: malformed-request, incorrect-encoding."""
    found = element.find(f"{{{ns.SCRAM_UPGRADE}}}hash")
    salted = b"" if found is None else decode(found.text)
    if len(salted) != new_hash(digest).digest_size:
        raise SaslFailure("malformed-request", "not a SaltedPassword of that hash")
    return salted


def challenge(message: bytes) -> bytes:
    return f"<challenge xmlns='{ns.SASL2}'>".encode() + b64encode(message) + b"</challenge>"


def success(jid: str, last_words: bytes | None, inside: bytes = b"") -> bytes:
    """inside: the results of inline features."""
    identifier = f"<authorization-identifier>{escape(jid)}</authorization-identifier>"
    return (f"<success xmlns='{ns.SASL2}'>".encode() + _additional(last_words) + identifier.encode() + inside
            + b"</success>")


def go_on(task: str, last_words: bytes | None) -> bytes:
    """<continue/>: the client is known, but there is something to do first."""
    return (f"<continue xmlns='{ns.SASL2}'>".encode() + _additional(last_words)
            + f"<tasks><task>{task}</task></tasks></continue>".encode())


def salt(value: bytes, iterations: int) -> bytes:
    """What a client needs to make a SaltedPassword (XEP-0480 3)."""
    inside = f"<salt xmlns='{ns.SCRAM_UPGRADE}' iterations='{iterations}'>{b64encode(value).decode()}</salt>"
    return f"<task-data xmlns='{ns.SASL2}'>{inside}</task-data>".encode()


def failure(why: SaslFailure) -> bytes:
    text = f"<text>{escape(why.text)}</text>" if why.text else ""
    return (f"<failure xmlns='{ns.SASL2}'><{why.condition} xmlns='{ns.SASL}'/>".encode() + why.extra
            + f"{text}</failure>".encode())


def _additional(last_words: bytes | None) -> bytes:
    if last_words is None:
        return b""
    return b"<additional-data>" + b64encode(last_words) + b"</additional-data>"
