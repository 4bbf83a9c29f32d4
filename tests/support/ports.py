"""Where a test can listen."""

import random
import socket
from pathlib import Path

# Below those that the system gives to whoever connects: such a one would be taken between here and listen().
# In an order of this process's own, each once: others look for ports at the same time.
_LOWEST, _SYSTEMS = 10_000, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
_left = iter(random.SystemRandom().sample(range(_LOWEST, _SYSTEMS), _SYSTEMS - _LOWEST))


def unused_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now, and that nobody is given for a connection."""
    for port in _left:
        with socket.socket() as s:
            if try_to_bind(s, port):
                return port
    raise AssertionError("no port is left")


def try_to_bind(s: socket.socket, port: int) -> bool:
    try:
        s.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
