"""Links: one descriptor each, read when the loop says so, written once a turn, closed in one place."""
cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memmove, memset, strerror
from posix.unistd cimport close

from headrace.core.buf cimport buf_free, buf_put
from headrace.net.reactor cimport PLAIN, RECORD, SCRATCH
from headrace.net.sockets cimport (
    EPOLLIN, EPOLLOUT, MSG_NOSIGNAL, MSG_PEEK, SHUT_WR, iovec, msghdr, recv, sendmsg, shutdown)
from headrace.net.tls cimport TLS_EOF, TLS_FAILED, TLS_OK, TLS_WANT_WRITE, tls_engine

cdef enum:
    FLUSH_BYTES = 262144    # written to one link in one turn: a fast reader of a long queue must not hold up the others
    FLUSH_NS = 2000000000   # for a peer to take what is queued when we close
    DRAIN_BYTES = 262144    # discarded after our half is shut; unread input would turn the close into a reset
    DRAIN_NS = 2000000000
    TLS_HANDSHAKE = 0x16    # the first byte of a ClientHello's record (RFC 8446 5.1)

cdef enum Sent:
    SENT_ALL = 0
    SENT_BLOCKED            # the peer takes no more: the loop's writer goes on
    SENT_PART               # this turn's share is used up
    SENT_NOTHING            # not now: a handshake is under way, or the link has failed


cdef class Sink(Task):
    cdef int on_bytes(self, const char* data, size_t n) except -1:
        return 0

    cdef bint on_eof(self) except -1:
        return False

    cdef int on_gone(self, bint clean) except -1:
        return 0

    cdef int on_secure(self) except -1:
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        return 0

    cdef void sent(self, size_t n) noexcept:
        pass

    cdef size_t to_border(self) noexcept:
        return 0

    cdef int on_writable(self) except -1:
        return 0


cdef class Carrier:
    cdef int flush(self, Link link) except -1:
        raise NotImplementedError

    cdef int read(self, Link link) except -1:
        raise NotImplementedError

    cdef int presume(self, Link link) except -1:
        raise NotImplementedError


cdef inline void drop_front(Buf* b, size_t n) noexcept:
    b.n -= n
    if b.n:
        memmove(b.p, b.p + n, b.n)
    else:
        buf_free(b)


@cython.final
@cython.no_gc
cdef class Link(Channel):
    def __cinit__(self, Reactor reactor, int fd, peer, listener=None):
        self.reactor = reactor
        self.fd = fd
        self.peer = peer
        self.listener = listener

    def __dealloc__(self):
        buf_free(&self.out)

    def start(self, Sink sink not None, TlsContext tls=None, str server_name=None, *, bint either=False):
        if self.sink is not None or self.closing:
            raise RuntimeError("a link starts once")
        self.sink = sink
        self.server_name = server_name
        self.reactor.links += 1
        try:
            self._poll()
            if either:
                self.undecided = tls
            elif tls is not None:
                self.start_tls(tls)
            self.dirty()
        except BaseException:
            self.abort()
            raise

    # What sinks and the control plane ask for.

    cdef void set_sink(self, Sink sink) noexcept:
        self.sink = sink

    cdef int write(self, const char* p, size_t n) except -1:
        if self.closing or self.state == LINK_CLOSED:
            return 0
        buf_put(&self.out, p, n)
        return self.dirty()

    def send(self, bytes data not None):
        self.write(data, len(data))

    cdef int dirty(self) except -1:
        if self.sink is None or self.writing:
            return 0
        return self.reactor.add_dirty(self)

    cdef int presume(self) except -1:
        return 0 if self.carrier is None else self.carrier.presume(self)

    cpdef void pause(self) except *:
        self.paused = True

    cpdef void resume(self) except *:
        if not self.paused:
            return
        self.paused = False
        if self.state != LINK_CLOSED and (self.more or not self.reading):
            self.reactor.add_again(self)

    cpdef void start_tls(self, TlsContext context, str server_name=None) except *:
        if self.tls is not None or self.context is not None:
            raise RuntimeError("TLS was started before")
        if self.closing or self.state == LINK_CLOSED:
            return
        self.context = context
        if server_name is not None:
            self.server_name = server_name
        if not context.server:
            self.dirty()

    cpdef void finish(self) except *:
        if self.closing or self.state == LINK_CLOSED:
            return
        self.closing = True
        self.clean = True
        if self.sink is None or (self.tls is not None and not self.tls.established):
            self.reactor.add_closing(self)
            return
        self.state = LINK_FLUSH
        self.reactor.deadline(self, FLUSH_NS)
        self.dirty()
        if self.paused or not self.reading:
            self.paused = False
            self.reactor.add_again(self)

    cpdef void abort(self) except *:
        if self.state == LINK_CLOSED:
            return
        self.closing = True
        self.reactor.add_closing(self)

    # Reading.

    def __call__(self):
        self.reactor.touch()
        self.readable()

    cdef int readable(self) except -1:
        try:
            self._read()
        except Exception as error:
            self.reactor.report("reading failed", error)
            self.fail()
        return 0

    cdef int writable(self) except -1:
        try:
            if not self.on_close:
                self._write_on()
        except Exception as error:
            self.reactor.report("writing failed", error)
            self.fail()
        return 0

    cdef int again(self) except -1:
        if self.sink is None or self.on_close or self.paused or self.eof:
            return 0
        if self.carrier is not None:
            return self.carrier.read(self)
        self._poll()
        return self._read()

    cdef int _read(self) except -1:
        if self.on_again or self.on_close or self.state == LINK_CLOSED:
            return 0
        if self.state != LINK_OPEN:
            return self._discard()
        if self.paused:
            return self._unpoll()
        if self.undecided is not None and not self._decide():
            return 0
        if self.context is not None:
            return self._begin_tls()
        if self.tls is not None:
            return self._read_tls()
        return self._read_plain()

    cdef bint _decide(self) except -1:
        """Does the peer begin with TLS? False while it has said nothing. No XML begins like a handshake record."""
        cdef char first
        cdef TlsContext context = self.undecided
        cdef ssize_t n = recv(self.fd, &first, 1, MSG_PEEK)
        if n < 0 and errno in (EAGAIN, EINTR):
            return False
        self.undecided = None
        if n == 1 and first == TLS_HANDSHAKE:
            self.start_tls(context)
        return True

    cdef int _recv(self, size_t room) except -2:
        """Bytes now in the scratch; 0: nothing to be had, or the link has ended."""
        cdef ssize_t n
        if self.reactor.busy:
            raise RuntimeError("a read inside a read would overwrite what a sink is looking at")
        n = recv(self.fd, self.reactor.scratch, room, 0)
        self.more = n == <ssize_t>room
        if n > 0:
            self.reactor.bytes_in += n
            return n
        if n == 0:
            self._eof()
        elif errno == EINTR:
            self.reactor.add_again(self)
        elif errno != EAGAIN:
            self._fail(strerror(errno).decode())
        return 0

    cdef int _read_plain(self) except -1:
        cdef int n = self._recv(self.reactor.read_size)
        if n == 0:
            return 0
        if self.more:
            self.reactor.add_again(self)
        return self._deliver(self.reactor.scratch, n)

    cdef int _read_tls(self) except -1:
        cdef int n = self._recv(self.reactor.read_size)
        if n == 0:
            return 0
        if self.more:
            self.reactor.add_again(self)
        self.tls.feed(self.reactor.scratch, n)
        return self._decrypt()

    cdef int _decrypt(self) except -1:
        """Everything that is in the engine, to the sink in one piece; nothing stays in the scratch."""
        cdef char* plain = self.reactor.plain
        cdef size_t total = 0, n = 0
        cdef int result = TLS_OK
        while result == TLS_OK and total < PLAIN:
            result = self.tls.read(plain + total, PLAIN - total, &n)
            total += n
        if self.tls.push() == TLS_WANT_WRITE:     # the answer to a KeyUpdate, an alert
            self._wait_writable()
        if total and not self.closing:
            self._deliver(plain, total)
        if result == TLS_EOF:
            return self._eof()
        if result == TLS_FAILED:
            return self._fail_tls()
        return 0

    cdef int _deliver(self, const char* p, size_t n) except -1:
        cdef Sink sink = self.sink      # lives until it returns, though another may take its place meanwhile
        self.reactor.busy = True
        try:
            sink.on_bytes(p, n)
        finally:
            self.reactor.busy = False
        return 0

    cdef int _discard(self) except -1:
        cdef ssize_t n = self._recv(SCRATCH)
        self.drained += n
        if self.drained <= DRAIN_BYTES:
            return 0
        if self.state == LINK_DRAIN:
            return self.reactor.add_closing(self)
        return self._unpoll()

    cdef int _eof(self) except -1:
        """The peer's half is closed: what is queued for it may still go out."""
        self.eof = True
        self._unpoll()
        if self.state == LINK_DRAIN or self.context is not None:
            return self.reactor.add_closing(self)
        if self.state == LINK_OPEN and not self.sink.on_eof():
            self.finish()
        return 0

    cdef int _poll(self) except -1:
        if not self.reading:
            self.reactor.watch(self, self.fd, self.events | EPOLLIN)
            self.reading = True
        return 0

    cdef int _unpoll(self) except -1:
        if self.reading:
            self.reading = False
            self.reactor.watch(self, self.fd, self.events & ~EPOLLIN)
        return 0

    # TLS.

    cdef int _begin_tls(self) except -1:
        """Readable while a handshake is due or under way: it takes its place behind established links."""
        if self.out.n and self.tls is None:     # <proceed/> has not gone out: what comes is no answer to it
            return self._unpoll()
        if self.context.server and not self.reactor.handshake_begin(self):
            return self._unpoll()
        return self.reactor.add_ready(self)

    cdef int handshake(self) except -1:
        cdef int result, n
        if self.context is None or self.on_close or self.state != LINK_OPEN:
            return 0
        if self.tls is None:
            self.tls = tls_engine(self.reactor, self.context, self.fd, self.server_name)
            if self.tlsa is not None:
                self.tls.pin(self.tlsa)
            self.reactor.deadline(self, self.reactor.handshake_patience)
        self._poll()
        n = self._recv(SCRATCH)
        if self.closing or self.on_close:
            return 0
        self.tls.feed(self.reactor.scratch, n)
        result = self.tls.handshake()
        if self.tls.push() == TLS_WANT_WRITE:
            self._wait_writable()
        if result == TLS_OK:
            return self._secured()
        if result == TLS_FAILED:
            return self._fail_tls()
        if self.more:
            self.reactor.add_ready(self)
        return 0

    cdef int _secured(self) except -1:
        self.context = None
        self.reactor.deadline(self, 0)
        self.reactor.handshake_end(self)
        self.reactor.handshakes += 1
        self.sink.on_secure()
        self.dirty()
        self._decrypt()
        if self.more:
            self.reactor.add_again(self)
        return 0

    # Ends.

    cdef int _fail(self, str error) except -1:
        if self.error is None:
            self.error = error
        self.closing = True
        self.clean = self.eof
        return self.reactor.add_closing(self)

    cdef int _fail_tls(self) except -1:
        """The peer learns why from the alert, if we don't close over unread input."""
        self.tls.push()
        self.error = self.tls.error
        self.closing = True
        self.clean = False
        return self._shut()

    cdef int fail(self) except -1:
        return self._fail("an internal error")

    cdef int _shut(self) except -1:
        if self.eof:        # nothing is unread, so close() itself ends our half in peace
            return self.reactor.add_closing(self)
        shutdown(self.fd, SHUT_WR)
        self.state = LINK_DRAIN
        self.reactor.deadline(self, DRAIN_NS)
        self._poll()
        return 0

    cdef int expire(self) except -1:
        if self.state == LINK_OPEN:
            return self._fail("the TLS handshake took too long")
        return self.reactor.add_closing(self)

    cdef int dispose(self) except -1:
        cdef Sink sink = self.sink
        cdef Reactor reactor = self.reactor
        listener = self.listener
        if self.state == LINK_CLOSED:
            return 0
        self.state = LINK_CLOSED
        reactor.watch(self, self.fd, 0)
        if self.tls is not None:
            self.tls.close()
        close(self.fd)
        self.fd = -1
        buf_free(&self.out)
        reactor.deadline(self, 0)
        reactor.handshake_end(self)
        self.closing = True
        self.reading = self.writing = False
        self.sink = self.context = self.undecided = self.listener = self.carrier = None
        if listener is not None:
            listener.gone(self)
        if sink is None:        # never started
            return 0
        reactor.links -= 1
        return sink.on_gone(self.clean)

    # Writing.

    cdef int flush(self) except -1:
        if self.writing or self.on_close or self.state >= LINK_DRAIN:
            return 0
        if self.carrier is not None:
            return self.carrier.flush(self)
        return self._write_on()

    cdef int _write_on(self) except -1:
        cdef int sent
        if self.tls is not None:
            sent = self._send_tls()
        else:
            sent = self._send_plain()
        if sent == SENT_ALL:
            return self._written()
        if sent == SENT_BLOCKED:
            return self._wait_writable()
        if sent == SENT_NOTHING:
            return self._unwait()
        if not self.writing:
            return self.reactor.add_dirty(self)
        return 0

    cdef int _pieces(self, iovec* piece, bint* out_first) noexcept:
        """What goes next, in at most two pieces: nonzas at a stanza's border, then stanzas."""
        cdef size_t border = self.sink.to_border() if self.out.n else 0
        cdef const char* run
        cdef size_t n = self.sink.pending(&run) if self.context is None else 0
        cdef int count = 0
        out_first[0] = self.out.n > 0 and border == 0
        if out_first[0]:
            piece[0].iov_base = self.out.p
            piece[0].iov_len = self.out.n
            count = 1
        if n:
            piece[count].iov_base = <void*>run
            piece[count].iov_len = min(n, border) if border else n
            count += 1
        return count

    cdef void _took(self, size_t n, bint out_first) noexcept:
        """The first n bytes of _pieces() are written."""
        cdef size_t of_out = min(n, self.out.n) if out_first else 0
        if of_out:
            drop_front(&self.out, of_out)
        if n > of_out:
            self.sink.sent(n - of_out)

    cdef int _send_plain(self) except -1:
        cdef iovec piece[2]
        cdef msghdr message
        cdef bint out_first
        cdef size_t written = 0
        cdef ssize_t n
        memset(&message, 0, sizeof(message))
        message.msg_iov = piece
        while True:
            message.msg_iovlen = self._pieces(piece, &out_first)
            if message.msg_iovlen == 0:
                return SENT_ALL
            if written >= FLUSH_BYTES:
                return SENT_PART
            n = sendmsg(self.fd, &message, MSG_NOSIGNAL)
            if n >= 0:
                self._took(n, out_first)
                self.reactor.bytes_out += n
                written += n
            elif errno == EAGAIN:
                return SENT_BLOCKED
            elif errno != EINTR:
                self._fail(strerror(errno).decode())
                return SENT_NOTHING

    cdef int _send_tls(self) except -1:
        cdef size_t n, written = 0
        cdef int result
        while True:
            result = self.tls.push()
            if result == TLS_WANT_WRITE:
                return SENT_BLOCKED
            if result == TLS_FAILED:
                self._fail(self.tls.error)
                return SENT_NOTHING
            if not self.tls.established:
                return SENT_NOTHING
            if written >= FLUSH_BYTES:
                return SENT_PART
            n = self._seal()
            if self.tls.failed:
                self._fail_tls()
                return SENT_NOTHING
            if n == 0:
                return SENT_ALL
            written += n

    cdef size_t _seal(self) except? 0:
        """What goes next, as records in the wire scratch, as much of it as has room; bytes of plain text."""
        cdef iovec piece[2]
        cdef bint out_first
        cdef size_t n, total = 0
        while self.tls.room() and self._pieces(piece, &out_first):
            n = min(piece[0].iov_len, <size_t>RECORD)
            if self.tls.write(<const char*>piece[0].iov_base, n) != TLS_OK:
                break
            self._took(n, out_first)
            total += n
        return total

    cdef int _written(self) except -1:
        """Nothing is left to write: what waited for that may go on."""
        self._unwait()
        if self.state == LINK_FLUSH:
            if self.tls is not None and self.tls.established:
                self.tls.shutdown()
                if self.tls.push() == TLS_WANT_WRITE:
                    return self._wait_writable()
            return self._shut()
        if self.context is not None and self.tls is None:
            if not self.context.server:
                return self._begin_tls()
            if not self.reading:
                return self.reactor.add_again(self)
            return 0
        if self.blocked:
            self.blocked = False
            return self.sink.on_writable()
        return 0

    cdef int _wait_writable(self) except -1:
        if not self.writing:
            self.reactor.watch(self, self.fd, self.events | EPOLLOUT)
            self.writing = True
            self.blocked = True
        return 0

    cdef int _unwait(self) except -1:
        if self.writing:
            self.writing = False
            self.reactor.watch(self, self.fd, self.events & ~EPOLLOUT)
        return 0
