"""Stream features: RFC 6120 4.3.2. Each function writes one feature; features() wraps them."""

from collections.abc import Iterable

from headrace.core import ns
from headrace.core.writer import escape


def features(parts: Iterable[bytes], *, standalone: bool = False) -> bytes:
    """The <stream:features/> element. standalone: declare the prefix, for a frame of its own (RFC 7395)."""
    prefix = f" xmlns:stream='{ns.STREAM}'" if standalone else ""
    inside = b"".join(parts)
    if not inside:
        return f"<stream:features{prefix}/>".encode()
    return f"<stream:features{prefix}>".encode() + inside + b"</stream:features>"


def starttls(*, required: bool = True) -> bytes:
    """RFC 6120 5.4.1."""
    inside = "<required/>" if required else "<optional/>"
    return f"<starttls xmlns='{ns.TLS}'>{inside}</starttls>".encode()


def mechanisms(names: Iterable[str]) -> bytes:
    """RFC 6120 6.4.1: SASL mechanisms, the server's favourite first."""
    inside = "".join(f"<mechanism>{escape(name)}</mechanism>" for name in names)
    return f"<mechanisms xmlns='{ns.SASL}'>{inside}</mechanisms>".encode()


def authentication(names: Iterable[str], inline: Iterable[bytes], upgrades: Iterable[str]) -> bytes:
    """XEP-0388: the same mechanisms in its own profile; inline: what can be asked for in the same breath, as XML;
    upgrades: tasks of XEP-0480."""
    mechanisms = "".join(f"<mechanism>{escape(name)}</mechanism>" for name in names)
    tasks = "".join(f"<upgrade xmlns='{ns.SASL_UPGRADE}'>{escape(task)}</upgrade>" for task in upgrades)
    inside = b"".join(inline)
    inlined = b"<inline>" + inside + b"</inline>" if inside else b""
    return f"<authentication xmlns='{ns.SASL2}'>{mechanisms}".encode() + inlined + f"{tasks}</authentication>".encode()


def inline_bind(names: Iterable[str]) -> bytes:
    """XEP-0386, inside the above; names: features that a bind request can switch on."""
    inside = "".join(f"<feature var='{escape(name)}'/>" for name in names)
    if not inside:
        return f"<bind xmlns='{ns.BIND2}'/>".encode()
    return f"<bind xmlns='{ns.BIND2}'><inline>{inside}</inline></bind>".encode()


def inline_fast(names: Iterable[str]) -> bytes:
    """XEP-0484, inside the above; names: mechanisms that take a token."""
    mechanisms = "".join(f"<mechanism>{escape(name)}</mechanism>" for name in names)
    return f"<fast xmlns='{ns.FAST}'>{mechanisms}</fast>".encode()


def config_version(value: str) -> bytes:
    """XEP-0509: by which a client tells, before it has seen these features, which ones it expects."""
    return f"<config-version xmlns='{ns.PIPELINING}' scheme='opaque' value='{escape(value)}'/>".encode()


def registration() -> bytes:
    """XEP-0077 8: who has no account can get one here."""
    return f"<register xmlns='{ns.REGISTER_FEATURE}'/>".encode()


def channel_bindings(types: Iterable[str]) -> bytes:
    """XEP-0440: the channel-binding types that we can check."""
    inside = "".join(f"<channel-binding type='{escape(name)}'/>" for name in types)
    return f"<sasl-channel-binding xmlns='{ns.CHANNEL_BINDING}'>{inside}</sasl-channel-binding>".encode()


def bind() -> bytes:
    """RFC 6120 7.4."""
    return f"<bind xmlns='{ns.BIND}'/>".encode()


def session() -> bytes:
    """RFC 3921 3, which older clients wait for; <optional/> tells the newer ones to skip it."""
    return f"<session xmlns='{ns.SESSION}'><optional/></session>".encode()


def roster_versioning() -> bytes:
    """RFC 6121 2.6.1."""
    return f"<ver xmlns='{ns.ROSTER_VERSIONING}'/>".encode()


def pre_approval() -> bytes:
    """RFC 6121 3.4.1."""
    return f"<sub xmlns='{ns.PRE_APPROVAL}'/>".encode()


def dialback() -> bytes:
    """XEP-0220 2.4.2: we take its errors for what they are, and end no stream for them."""
    return f"<dialback xmlns='{ns.DIALBACK_FEATURE}'><errors/></dialback>".encode()


def bidi() -> bytes:
    """XEP-0288."""
    return f"<bidi xmlns='{ns.BIDI_FEATURE}'/>".encode()


def limits(max_bytes: int, idle_seconds: int | None = None) -> bytes:
    """XEP-0478: the largest top-level element that we take; after how many silent seconds we may close."""
    idle = "" if idle_seconds is None else f"<idle-seconds>{idle_seconds}</idle-seconds>"
    return f"<limits xmlns='{ns.STREAM_LIMITS}'><max-bytes>{max_bytes}</max-bytes>{idle}</limits>".encode()
