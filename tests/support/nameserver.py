"""A name server on loopback: answers from a table, over UDP; what it does not know does not exist.

    with NameServer({("a.example", "A"): ["127.0.0.1"]}) as server: ... ("127.0.0.1", server.port)
"""

import socket
import threading
from collections.abc import Collection, Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Table = Mapping[tuple[str, str], Sequence[str]]
BROKEN = "broken"       # instead of records: SERVFAIL


class NameServer:
    """secure: it says of each answer that it has validated it, if it is asked (AD); or of those about these names."""

    def __init__(self, table: Table, *, secure: bool | Collection[str] = False) -> None:
        self.table = table
        self.secure = secure
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "NameServer":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))     # no question: the end
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, address = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self.answer(data), address)

    def answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query, recursion_available=True)
        secure = self.secure if isinstance(self.secure, bool) else name in self.secure
        if secure and query.flags & dns.flags.AD:
            response.flags |= dns.flags.AD
        records = self.table.get((name, kind))
        if records and records[0] == BROKEN:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, list(records)))
        elif not any(known == name for known, _ in self.table):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
