"""Stream headers: RFC 6120 4.7 to 4.9. Ours written, the peer's judged."""

import re
from collections.abc import Container
from dataclasses import dataclass

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import CLIENT, SERVER, STREAM
from headrace.core.prep import prepare_domain
from headrace.core.writer import escape
from headrace.stream.errors import StreamError

VERSION = "1.0"
"""RFC 6120 4.7.5: the only version there is; a peer that offers a higher one is answered with ours."""

END = b"</stream:stream>"
"""Ours, over TCP: the prefix is the one of our headers."""

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}")    # RFC 5646 2.1; longer ones nobody speaks


@dataclass(frozen=True, slots=True)
class Header:
    """A peer's stream header as the tokenizer reports it: decoded, None where an attribute is absent."""

    name: str = "stream"
    namespace: str = STREAM
    content: str = CLIENT
    """The default namespace declared on it; empty if none."""
    to: str | None = None
    from_: str | None = None
    id: str | None = None
    version: str | None = None
    lang: str | None = None


def stream_header(*, from_: str | None, id: str | None, to: str | None = None, lang: str = "en",
                  content: str = CLIENT, version: str | None = VERSION, extra: str = "") -> bytes:
    """Our header for TCP, with the XML declaration that RFC 6120 11.5 lets us send.

    lang: the default language of what we say. extra: further declarations, such as xmlns:db (XEP-0220).
    """
    origin = "" if from_ is None else f" from='{escape(from_)}'"
    target = "" if to is None else f" to='{escape(to)}'"
    number = "" if id is None else f" id='{escape(id)}'"
    known = "" if version is None else f" version='{escape(version)}'"
    return (f"<?xml version='1.0'?><stream:stream xmlns='{escape(content)}' xmlns:stream='{STREAM}'{origin}{target}"
            f"{number} xml:lang='{escape(lang)}'{known}{extra}>").encode()


def judge_namespaces(header: Header, content: str = CLIENT) -> None:
    """RFC 6120 4.8 on a header received over TCP. Raises StreamError."""
    if header.namespace != STREAM:
        raise StreamError("invalid-namespace", f"the stream's namespace has to be {STREAM}")
    if header.name != "stream":
        raise StreamError("bad-format", "a stream starts with <stream:stream>")
    if header.content == STREAM:  # <stream xmlns='http://etherx...'>: no prefix at all
        raise StreamError("bad-namespace-prefix", "the stream's own elements have to have a prefix")
    if header.content != content:
        raise StreamError("invalid-namespace", f"the default namespace here has to be {content}")


def judge_version(version: str | None) -> None:
    """RFC 6120 4.7.5: what predates 1.0 is refused, a higher one answered with ours. Raises StreamError."""
    if version == VERSION:
        return
    major, dot, minor = (version or "0.9").partition(".")
    digits = major + minor
    if not (major and minor and dot and digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise StreamError("bad-format", "version has to be two numbers joined by a dot")
    if not major.strip("0"):
        raise StreamError("unsupported-version", f"this server speaks XMPP {VERSION}")


def judge_host(to: str | None, hosts: Container[str]) -> str:
    """The prepared host that a client's header asks for (RFC 6120 4.7.2). Raises StreamError.

    hosts: prepared."""
    if to and to in hosts:
        return to
    if not to:
        raise StreamError("improper-addressing", "the header's `to` has to name a host of this server")
    try:
        host = prepare_domain(to)
    except JIDError as error:
        raise StreamError("host-unknown", f"`to` is no host name: {error}") from None
    if host not in hosts:
        raise StreamError("host-unknown", "this server does not serve that host")
    return host


def judge_from(from_: str | None, host: str) -> str | None:
    """The prepared bare JID that a client claims in `from` (RFC 6120 4.7.1). Raises StreamError."""
    if from_ is None:
        return None
    try:
        jid = JID.parse(from_)
    except JIDError as error:
        raise StreamError("invalid-from", f"`from` is no JID: {error}") from None
    if jid.domain != host:
        raise StreamError("invalid-from", "`from` is not an address of the host in `to`")
    return jid.bare


def judge_server(header: Header, hosts: Container[str]) -> tuple[str, str | None]:
    """All of the above for a header of another server; answers the prepared host and domain. Raises StreamError."""
    judge_namespaces(header, SERVER)
    host = judge_host(header.to, hosts)
    judge_version(header.version)
    return host, judge_domain(header.from_, hosts)


def judge_domain(from_: str | None, hosts: Container[str]) -> str | None:
    """The prepared domain that another server claims to be (RFC 6120 4.7.1), none of ours. Raises StreamError."""
    if from_ is None:
        return None
    try:
        domain = prepare_domain(from_)
    except JIDError as error:
        raise StreamError("invalid-from", f"`from` is no domain: {error}") from None
    if domain in hosts:
        raise StreamError("invalid-from", "`from` has to be a domain, and not one of this server's")
    return domain


def judge_client(header: Header, hosts: Container[str]) -> tuple[str, str | None]:
    """All of the above for a c2s header over TCP; answers the prepared host and bare JID. Raises StreamError."""
    judge_namespaces(header)
    host = judge_host(header.to, hosts)
    judge_version(header.version)
    return host, judge_from(header.from_, host)


def default_language(lang: str | None) -> str | None:
    """The header's xml:lang if it is a language tag, else None: what is none is ignored (RFC 6120 8.1.5), also
    because every stanza of the stream would be sent on with it."""
    return lang if lang and _LANGUAGE.fullmatch(lang) else None
