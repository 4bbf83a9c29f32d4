# One connection: a descriptor, perhaps TLS over it, and the Sink that its bytes go to.
#
# Nothing closes inside: on_bytes() and everything below it only ask (finish(), abort(), Reactor.later()); the end of the
# turn acts. A link is closed in one place (link.pyx, _dispose).
from libc.stdint cimport int64_t, uint8_t
from headrace.core.buf cimport Buf
from headrace.net.reactor cimport Reactor, Task
from headrace.net.tls cimport TlsContext, TlsEngine


cdef class Sink:
    """Who gets a link's bytes and gives it bytes to send; declared here, implemented above (handshake, session)."""
    # Bytes arrived (plain text); they are the reactor's scratch: gone when this returns.
    cdef int on_bytes(self, const char* data, size_t n) except -1
    # The link ends: peer closed (clean), or failed, or we closed it. Exactly once, from the end of a turn.
    cdef int on_gone(self, bint clean) except -1
    # TLS is up (after STARTTLS or direct): server name and ALPN are in link.tls.
    cdef int on_secure(self) except -1
    # What to send next: the next contiguous unsent bytes; 0 if none. They must stay where they are until sent() covers them.
    cdef size_t pending(self, const char** p) noexcept
    # The first n bytes of pending() have been written.
    cdef void sent(self, size_t n) noexcept
    # Unsent bytes up to the end of the stanza that sent() stopped inside; 0 at a border (then the link may write nonzas).
    cdef size_t to_border(self) noexcept
    # The reading half may go on / the out side has drained below its low mark.
    cdef int on_writable(self) except -1


cdef class Link(Task):
    """Reads straight from its descriptor when the loop says so; flushes once per turn.

    The object is its own callback: __call__ is the reader, .writer.__call__ the writer."""
    cdef readonly Reactor reactor
    cdef readonly int fd                    # -1 once closed
    cdef readonly Sink sink
    cdef readonly TlsEngine tls             # None while plain
    cdef Buf out                            # nonzas and negotiation, before the sink's next stanza
    cdef readonly object peer               # (address, port) as text and int
    cdef readonly object listener           # what accepted it (kind, options); opaque here
    cdef readonly bint paused               # reading is paused
    cdef readonly bint closing              # finish() or abort() was called
    cdef uint8_t state                      # link.pyx

    cdef void set_sink(self, Sink sink)
    cdef int write(self, const char* p, size_t n) except -1   # append to out and become dirty
    cdef int dirty(self) except -1          # flush at the end of this turn
    cdef void pause(self) noexcept          # stop reading (the again list knows)
    cdef void resume(self) noexcept
    cdef int start_tls(self, TlsContext context) except -1    # after what is in out has gone; drops unread plain bytes
    cdef int finish(self) except -1         # flush, close_notify, shutdown, drain (bounded), close
    cdef int abort(self) except -1          # close at the end of the turn, drop everything
