"""Both ends of a connection that one worker has accepted and another one serves."""
from headrace.core.buf cimport buf_free, buf_put
from headrace.net.link cimport LINK_FLUSH, LINK_OPEN
from headrace.net.reactor cimport Reactor
from headrace.net.sockets cimport iovec

cdef enum:
    WINDOW = 131072     # bytes that the tunnel may have unread before the client's link is read no more


cdef bytes text_of(const iovec* piece, int count):
    cdef bytes text = (<char*>piece[0].iov_base)[:piece[0].iov_len]
    return text if count == 1 else text + (<char*>piece[1].iov_base)[:piece[1].iov_len]


cdef class Tunnel(Carrier):
    def __init__(self, Reactor reactor not None, peer, tell):
        self.link = Link(reactor, -1, peer, self)
        self.link.carrier = self
        self.tell = tell

    def __dealloc__(self):
        buf_free(&self.came)

    def authenticated(self, link):
        pass        # who accepted it has been told

    def gone(self, link):
        self.link = None
        if not self.over:
            self.over = True
            self.tell(W_END, 0)
        self.tell = None

    def heard(self, int word, value):
        if self.link is None:
            return
        if word == W_BYTES:
            buf_put(&self.came, <char*><bytes>value, len(value))
            self.link.more = True       # if it is paused
        elif word == W_DONE:
            return self.wrote(value)
        elif word == W_EOF:
            self.eof = self.link.more = True
        else:
            self.ended = self.over = self.link.more = True
            self.link.clean = value != 0
            self.link.dirty()       # who waits for bytes to be written waits in vain
        self.link.reactor.add_again(self.link)

    def wrote(self, size_t n):
        cdef Link link = self.link
        cdef size_t step = min(n, self.of_out)
        link.reactor.touch()
        self.of_out -= step
        self.of_sink -= n - step
        if step:
            link._took(step, True)
        if n > step and not self.presumed:
            link.sink.sent(n - step)
        if not self.of_out and not self.of_sink:
            self.presumed = False
            link.dirty()

    cdef int presume(self, Link link) except -1:
        if self.of_sink and not self.presumed:
            self.presumed = True
            link.sink.sent(self.of_sink)
        return 0

    cdef int read(self, Link link) except -1:
        cdef Buf came = self.came
        self.came.p, self.came.n, self.came.cap = NULL, 0, 0
        link.more = False
        try:
            if came.n and link.state == LINK_OPEN:
                link._deliver(came.p, came.n)
                if not self.over:
                    self.tell(W_DONE, came.n)
        finally:
            buf_free(&came)
        if link.paused:
            link.more = self.eof or self.ended      # it hears of the end behind what it does not read yet
        elif self.ended:
            link.abort()
        elif self.eof:
            link.finish()
        return 0

    cdef int flush(self, Link link) except -1:
        cdef iovec piece[2]
        cdef bint out_first
        cdef int count
        if self.ended:
            if self.of_out or self.of_sink or link._pieces(piece, &out_first):
                link.abort()
            return 0
        if self.of_out or self.of_sink or self.over:
            return 0
        count = link._pieces(piece, &out_first)
        if count:
            self.of_out = piece[0].iov_len if out_first else 0
            self.of_sink = piece[count - 1].iov_len if count == 2 or not out_first else 0
            self.tell(W_BYTES, text_of(piece, count))
        elif link.state == LINK_FLUSH:
            self.over = True
            self.tell(W_END, 1)
            link.abort()
        return 0


cdef class Relay(Sink):
    def __init__(self, Link link not None, tell):
        self.link = link
        self.tell = tell
        link.set_sink(self)

    def __dealloc__(self):
        buf_free(&self.out)

    def start(self, bytes unread not None):
        """unread: what the client has sent and nobody has read yet."""
        self.on_bytes(unread, len(unread))
        self.link.resume()

    def heard(self, int word, value):
        cdef Link link = self.link
        if link is None:
            return
        if word == W_BYTES:
            buf_put(&self.out, <char*><bytes>value, len(value))
            link.dirty()
        elif word == W_DONE:
            self.unread -= value
            if self.unread <= WINDOW:
                link.resume()
        elif value:
            link.finish()
        else:
            link.abort()

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        self.act()      # the client may answer what it has just been sent
        if n:
            self.unread += n
            self.tell(W_BYTES, data[:n])
        if self.unread > WINDOW:
            self.link.pause()
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        p[0] = self.out.p + self.at
        return self.out.n - self.at

    cdef void sent(self, size_t n) noexcept:
        self.at += n
        self.wrote += n
        if self.at == self.out.n:
            self.at = 0
            buf_free(&self.out)
        self.link.reactor.later(self)

    cdef int act(self) except -1:
        cdef uint64_t wrote = self.wrote
        self.wrote = 0
        if wrote and self.tell is not None:
            self.tell(W_DONE, wrote)
        return 0

    cdef bint on_eof(self) except -1:
        self.act()
        self.tell(W_EOF, 0)
        return True

    cdef int on_gone(self, bint clean) except -1:
        self.act()
        self.link = None
        self.tell(W_END, 1 if clean else 0)
        self.tell = None
        return 0
