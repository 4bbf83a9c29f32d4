"""A TCP link between two servers that a test can let swallow what passes, and cut.

    with relay(port_of_b) as line:
        ... a connects to line.port ...
        line.swallow = True     # what a says from now on reaches nobody, though it is taken
        line.cut()
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

RESET = struct.pack("ii", 1, 0)     # SO_LINGER: RST instead of FIN


class Relay:
    def __init__(self, target: int) -> None:
        self.swallow = False
        self.swallowed = 0      # bytes
        self.links = 0          # ever
        self._target = target
        self._ends: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """A reset of all links that there are."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
        for end in ends:
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                self.links += 1
                threading.Thread(target=self._pump, args=[near, far, True], daemon=True).start()
                threading.Thread(target=self._pump, args=[far, near, False], daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.swallow and there:
                    self.swallowed += len(data)
                else:
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(target: int) -> Iterator[Relay]:
    line = Relay(target)
    try:
        yield line
    finally:
        line.close()
