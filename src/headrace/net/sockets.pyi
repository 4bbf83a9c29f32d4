def accept(fd: int) -> tuple[int, tuple[str, int]] | None:
    """Accept one connection: (descriptor, (address, port)), non-blocking, close-on-exec; options
    are the listening socket's.
    None: nothing waits (or it has gone again). Raises OSError; EMFILE or ENFILE: no descriptor is left."""

def tune(fd: int) -> None:
    """TCP_NODELAY, keep-alive, TCP_USER_TIMEOUT 60 s: of a connection, or of all that a listening socket accepts."""
