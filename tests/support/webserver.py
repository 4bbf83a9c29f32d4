"""A web server on loopback, with TLS: answers from a table.

    with WebServer(authority.issue("web", ["b.example"]), {("b.example", "/x"): document({...})}) as web: ... web.place
"""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

Answers = Mapping[tuple[str, str], bytes]


class WebServer:
    """Sends what stands in the table under host and path, whole, and closes; else a 404. What has no end is sent until
    the client goes."""

    def __init__(self, pair: tuple[Path, Path], table: Answers, *, endless: bool = False) -> None:
        self.table = table
        self.asked: list[tuple[str, str]] = []
        self.endless = endless
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*pair)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place: tuple[str, int] = self._socket.getsockname()
        self._link: ssl.SSLSocket | None = None
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "WebServer":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._socket.shutdown(socket.SHUT_RDWR)     # accept() fails: the end
        if self._link is not None:      # the client's loop may stand still meanwhile, and not close it
            with contextlib.suppress(OSError):
                self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            link.settimeout(20)
            with contextlib.suppress(OSError):      # a client that does not trust us, or has enough
                self._link = self._tls.wrap_socket(link, server_side=True, do_handshake_on_connect=False)
                if not self._over:
                    self._link.do_handshake()
                    self._answer(self._link)
            if self._link is not None:
                self._link.close()

    def _answer(self, link: ssl.SSLSocket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            got = link.recv(4096)
            if not got:
                return
            request += got
        first, *rest = request.decode().split("\r\n")
        host = next(line.partition(": ")[2] for line in rest if line.lower().startswith("host: "))
        self.asked.append((host, first.split()[1]))
        link.sendall(self.table.get((host, first.split()[1]), b"HTTP/1.1 404 Not Found\r\n\r\n"))
        while self.endless:
            link.sendall(b" " * 4096)
        link.unwrap()


def document(values: object, status: str = "200 OK", **headers: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n{json.dumps(values)}".encode()
