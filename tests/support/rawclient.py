"""A client that says exactly what a test tells it to, over TCP or TLS, and cuts what comes back into elements.

It shares no code with the server: where an element ends is found by its tags, what is in it is expat's reading below
the stream header that the server sent.

    romeo = Client(server.plain)
    romeo.log_in("romeo", "secret", "orchard")
    romeo.send("<message to='juliet@localhost'><body>Hi</body></message>")
    assert romeo.sync() == []       # the server has handled all of it and had nothing to say
"""

import base64
import re
import socket
import ssl
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable

PATIENCE = 30.0     # s; a bound for what takes well under one
HOST = "localhost"
NS = "{jabber:client}"
STREAMS = "{http://etherx.jabber.org/streams}"
SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
STANZA_ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
STREAM_ERRORS = "{urn:ietf:params:xml:ns:xmpp-streams}"
ROSTER = "{jabber:iq:roster}"

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
          " to='{host}' version='1.0'>")
TOKEN = re.compile(rb"<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
                   rb"|<(?P<end>/?)(?P<name>[^\s/>?!]+)(?:[^>\"'/]|\"[^\"]*\"|'[^']*'|/(?!>))*(?P<empty>/?)>", re.S)


class Closed(Exception):
    """The server ended the stream or the connection."""


class Elements:
    """What comes on a stream, cut into the children of its root."""

    def __init__(self) -> None:
        self.raw = b""          # the last element that next_here() gave, as it came
        self.closing = False    # the server's </stream:stream> has come
        self._data = bytearray()
        self.restart()

    def restart(self) -> None:
        """What comes next, and has come behind the last element read, belongs to a new stream."""
        self.head = b""         # the server's <stream:stream ...>, as it came
        self._at = self._depth = self._start = 0

    @property
    def header(self) -> ET.Element:
        return ET.fromstring(self.head + b"</stream:stream>")

    def feed(self, data: bytes) -> None:
        self._data += data

    def next_here(self) -> ET.Element | None:
        """The next element, if all of it has come."""
        if (raw := self._cut()) is None:
            return None
        self.raw = raw
        return ET.fromstring(self.head + raw + b"</stream:stream>")[0]

    def _cut(self) -> bytes | None:
        """Reads on from the last tag read; the element that is complete, if one is."""
        while token := TOKEN.search(self._data, self._at):
            self._at = token.end()
            if token["name"] and self._ends_element(token):
                raw = bytes(self._data[self._start:self._at])
                del self._data[:self._at]
                self._at = self._start = 0
                return raw
        return None

    def _ends_element(self, tag: re.Match[bytes]) -> bool:
        if self._depth == 0:
            self._start = tag.start()
        if not self.head:
            self.head = tag[0]
        elif self._depth == 0 and tag["end"]:
            self.closing = True
        else:
            self._depth += -1 if tag["end"] else 0 if tag["empty"] else 1
            return self._depth == 0
        return False


class Client(Elements):
    def __init__(self, port: int, tls: ssl.SSLContext | None = None, host: str = HOST,
                 settle: Callable[[], bool] = lambda: False) -> None:
        """settle: waits for what is under way inside the server, and answers whether anything may have been."""
        super().__init__()
        self.settle = settle
        self.host = host        # in SNI and in the header's `to`
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.secure(tls)
        self.jid = self.bare = ""
        self._pings = 0

    # Bytes

    def secure(self, context: ssl.SSLContext) -> None:
        self.socket = context.wrap_socket(self.socket, server_hostname=self.host)

    def send(self, *pieces: str | bytes) -> None:
        self.socket.sendall(b"".join(p.encode() if isinstance(p, str) else p for p in pieces))

    def close(self) -> None:
        """Hangs up without a word."""
        self.socket.close()

    def log_out(self) -> None:
        self.send("</stream:stream>")
        assert self.ended().endswith(b"</stream:stream>")

    def reset(self) -> None:
        """Ends the connection as a crash of the machine would: RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Elements

    def next(self) -> ET.Element:
        """The next child of the stream root."""
        while True:
            if (element := self.next_here()) is not None:
                return element
            if self.closing:
                raise Closed("</stream:stream>")
            self._receive()

    def until(self, wanted: Callable[[ET.Element], bool]) -> list[ET.Element]:
        """Everything up to the first element that is wanted, which comes last."""
        seen = [self.next()]
        while not wanted(seen[-1]):
            seen.append(self.next())
        return seen

    def ended(self) -> bytes:
        """Reads until the connection is closed; what came behind the last element read, as bytes."""
        try:
            while True:
                self._receive()
        except (Closed, OSError):
            return bytes(self._data[self._start:])

    def stream_error(self) -> str:
        """The condition of the stream error that comes now; the stream and the connection must end with it."""
        error = self.until(lambda e: e.tag == STREAMS + "error")[-1]
        rest = self.ended()
        assert rest.strip() == b"</stream:stream>", rest
        return error[0].tag.removeprefix(STREAM_ERRORS)

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise Closed("end of file")
        self._data += data

    # Logging in

    def open(self, host: str = "", **attributes: str) -> ET.Element:
        """Opens a stream; its features. attributes: more of the header, `from_` and `xml_lang` among them."""
        self.restart()
        more = "".join(f" {name.rstrip('_').replace('_', ':')}='{value}'" for name, value in attributes.items())
        self.send(HEADER.format(host=host or self.host).removesuffix(">"), more, ">")
        features = self.next()
        assert features.tag == STREAMS + "features", self.raw
        return features

    def auth(self, mechanism: str, data: bytes | None = None) -> ET.Element:
        """Starts a mechanism; the server's answer."""
        text = "" if data is None else base64.b64encode(data).decode() or "="
        self.send(f"<auth xmlns='{SASL[1:-1]}' mechanism='{mechanism}'>{text}</auth>")
        return self.next()

    def plain(self, user: str, password: str, authzid: str = "") -> ET.Element:
        return self.auth("PLAIN", f"{authzid}\0{user}\0{password}".encode())

    def authenticate(self, user: str, password: str) -> None:
        """Up to the features of the authenticated stream."""
        self.open()
        answer = self.plain(user, password)
        assert answer.tag == SASL + "success", self.raw
        self.open()

    def bind(self, resource: str | None = None) -> ET.Element:
        wish = "" if resource is None else f"<resource>{resource}</resource>"
        self.send(f"<iq type='set' id='bind'><bind xmlns='{BIND[1:-1]}'>{wish}</bind></iq>")
        return self.next()

    def log_in(self, user: str, password: str, resource: str | None = None) -> None:
        """Up to a bound resource, with no presence sent."""
        self.authenticate(user, password)
        answer = self.bind(resource)
        assert answer.get("type") == "result", self.raw
        self.jid = answer.findtext(f"{BIND}bind/{BIND}jid", "")
        self.bare = self.jid.partition("/")[0]

    # Requests

    def sync(self) -> list[ET.Element]:
        """Asks the server for a sign of life; all that came before it, and of what was sent before."""
        seen = self._ping()
        return seen + self._ping() if self.settle() else seen

    def _ping(self) -> list[ET.Element]:
        self._pings += 1
        mark = f"sync{self._pings}"
        self.send(f"<iq type='get' id='{mark}' to='{self.host}'><ping xmlns='urn:xmpp:ping'/></iq>")
        return self.until(lambda e: e.get("id") == mark and e.tag == NS + "iq")[:-1]

    def ask(self, kind: str, payload: str, to: str = "", mark: str = "ask") -> ET.Element:
        """Sends an IQ and gives its answer; what came before is lost."""
        self.send(f"<iq type='{kind}' id='{mark}'", f" to='{to}'" if to else "", f">{payload}</iq>")
        return self.until(lambda e: e.tag == NS + "iq" and e.get("id") == mark
                          and e.get("type") in ("result", "error"))[-1]


def condition(stanza: ET.Element) -> str:
    """The defined condition of a stanza error; '' for what is none."""
    return next((child.tag.removeprefix(STANZA_ERRORS) for child in stanza.findall(f"{NS}error/*")
                 if child.tag.startswith(STANZA_ERRORS) and child.tag != STANZA_ERRORS + "text"), "")


def body(stanza: ET.Element) -> str | None:
    return stanza.findtext(NS + "body")


def bodies(stanzas: list[ET.Element]) -> list[str | None]:
    return [body(stanza) for stanza in stanzas if stanza.tag == NS + "message"]


def without_our_id(stanza: ET.Element) -> ET.Element:
    """The stanza, from which the id of the receiver's own archive is taken: 32 digits, behind all else."""
    last = stanza[-1] if len(stanza) else stanza
    if last.tag == "{urn:xmpp:sid:0}stanza-id" and re.fullmatch("[0-9a-f]{32}", last.get("id", "")):
        assert last.get("by") == stanza.get("to", "").partition("/")[0]
        stanza.remove(last)
    return stanza


def brief(stanza: ET.Element) -> str:
    """Name, type and sender in one line: `presence subscribe romeo@localhost`."""
    return f"{stanza.tag.removeprefix(NS)} {stanza.get('type', '-')} {stanza.get('from', '-')}"
