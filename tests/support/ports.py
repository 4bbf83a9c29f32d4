"""Where a test can listen."""

import socket


def unused_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
