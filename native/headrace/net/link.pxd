# One connection: a descriptor, perhaps TLS over it, and the Sink that its bytes go to.
#
# Nothing closes inside: on_bytes() and everything below it only ask (finish(), abort(), Reactor.later()); the end of
# the turn acts. A link is closed in one place (link.pyx, dispose).
from libc.stdint cimport uint8_t
from headrace.core.buf cimport Buf
from headrace.net.reactor cimport Channel, Reactor, Task
from headrace.net.sockets cimport iovec
from headrace.net.tls cimport TlsContext, TlsEngine


cdef class Sink(Task):
    """Who gets a link's bytes and gives it bytes to send; declared here, implemented above (handshake, session)."""
    # Bytes arrived (plain text); they are the reactor's scratch: gone when this returns. At most once per turn, never
    # after pause() until resume(), nor after finish() or abort().
    cdef int on_bytes(self, const char* data, size_t n) except -1
    # The peer has closed its half, and all that it said has been read. True: who got it says finish() once the answers
    # are there; else the link ends with what it has to write now.
    cdef bint on_eof(self) except -1
    # The link has ended: the peer closed it (clean), it failed, or we closed it. Exactly once, from the end of a turn.
    cdef int on_gone(self, bint clean) except -1
    # TLS is up (after STARTTLS or direct): server name and ALPN are in link.tls. Not the place to pause(): bytes that
    # came with the end of the handshake follow at once.
    cdef int on_secure(self) except -1
    # What to send next: the next contiguous unsent bytes; 0 if none. They stay where they are until sent() covers them.
    cdef size_t pending(self, const char** p) noexcept
    # The first n bytes of pending() have been written.
    cdef void sent(self, size_t n) noexcept
    # Unsent bytes to the end of the stanza that sent() stopped inside; 0 at a border (then the link may write nonzas).
    cdef size_t to_border(self) noexcept
    # Everything is written, after a time in which the peer took nothing.
    cdef int on_writable(self) except -1


cdef enum LinkState:
    LINK_OPEN = 0
    LINK_FLUSH          # finish() or the peer's end: writing what is queued
    LINK_DRAIN          # our half is shut down: reading until the peer's end
    LINK_CLOSED


cdef class Carrier:
    """Takes and brings a link's bytes where it has no descriptor: its peer's connection is elsewhere (tunnel.pyx)."""
    cdef int flush(self, Link link) except -1   # write what there is
    cdef int read(self, Link link) except -1    # what has come, to the sink; the link is not paused
    cdef int presume(self, Link link) except -1     # as Link.presume()


cdef class Link(Channel):
    """Reads straight from its descriptor when the reactor's epoll says so; flushes once per turn.

    Called, it reads: for who watches the descriptor himself."""
    cdef readonly Reactor reactor
    cdef readonly int fd                    # -1 once closed
    cdef readonly Sink sink                 # None once closed
    cdef readonly TlsEngine tls             # None while plain
    cdef Buf out                            # nonzas and negotiation, before the sink's next stanza
    cdef readonly object peer               # (address, port) as text and int
    cdef readonly object listener           # what accepted it (kind, options); opaque here but for gone(link)
    cdef public bint authenticated          # told by Listener.authenticated(); opaque here
    cdef readonly bint paused               # reading is paused
    cdef readonly bint closing              # finish() or abort() was called, or the peer ended it
    cdef readonly str error                 # why it failed, in English, for a log; None if it did not
    cdef uint8_t state                      # LinkState
    cdef bint clean                         # what on_gone() will be told
    cdef bint reading                       # epoll tells when there is something to read
    cdef bint writing                       # and when the peer takes something again
    cdef bint more                          # the last read was cut short: the kernel may hold more
    cdef bint eof                           # the peer's half is closed
    cdef bint blocked                       # the peer took nothing since on_writable()
    cdef Carrier carrier                    # in place of a descriptor; None: it has one, or is closed
    cdef TlsContext context                 # start_tls() was called; the engine comes when out is written
    cdef TlsContext undecided               # the first byte will tell whether start_tls() is called with it
    cdef str server_name                    # whom a client expects; whom a server's peer has asked for before TLS
    cdef public list tlsa                   # records that the server's certificate has to match; None: there are none
    cdef size_t drained                     # bytes discarded in LINK_DRAIN

    cdef void set_sink(self, Sink sink) noexcept
    cdef int write(self, const char* p, size_t n) except -1   # append to out and become dirty
    cdef int dirty(self) except -1          # flush at the end of this turn
    cdef int presume(self) except -1        # what is on its way to the peer may be there: it is written
    cpdef void pause(self) except *         # stop reading (the again list knows)
    cpdef void resume(self) except *
    # After what is in out has gone; drops unread plain bytes.
    cpdef void start_tls(self, TlsContext context, str server_name=*) except *
    cpdef void finish(self) except *        # flush, close_notify, shutdown, drain (bounded), close
    cpdef void abort(self) except *         # close at the end of the turn, drop everything
    cdef int _read(self) except -1
    cdef bint _decide(self) except -1
    cdef int _recv(self, size_t room) except -2
    cdef int _read_plain(self) except -1
    cdef int _read_tls(self) except -1
    cdef int _decrypt(self) except -1
    cdef int _deliver(self, const char* p, size_t n) except -1
    cdef int _discard(self) except -1
    cdef int _eof(self) except -1
    cdef int _poll(self) except -1
    cdef int _unpoll(self) except -1
    cdef int _begin_tls(self) except -1
    cdef int _secured(self) except -1
    cdef int _fail(self, str error) except -1
    cdef int _fail_tls(self) except -1
    cdef int _shut(self) except -1
    cdef int _write_on(self) except -1
    cdef int _pieces(self, iovec* piece, bint* out_first) noexcept
    cdef void _took(self, size_t n, bint out_first) noexcept
    cdef int _send_plain(self) except -1
    cdef int _send_tls(self) except -1
    cdef size_t _seal(self) except? 0
    cdef int _written(self) except -1
    cdef int _wait_writable(self) except -1
    cdef int _unwait(self) except -1
