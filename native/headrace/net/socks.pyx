"""SOCKS5 connections that are joined in pairs (XEP-0065)."""
cimport cython
from libc.stdlib cimport free
from libc.string cimport memchr, memcpy, memmove

cdef enum:
    VERSION = 5             # RFC 1928 3
    NO_AUTHENTICATION = 0
    NONE_ACCEPTABLE = 255
    CONNECT = 1             # RFC 1928 4
    DOMAIN_NAME = 3
    NOT_ALLOWED = 2         # RFC 1928 6
    NO_SUCH_COMMAND = 7
    NO_SUCH_ADDRESS = 8
    KEY = 40                # SHA-1 in hex
    MOST_EARLY = 65536      # bytes before activation: they are ignored (XEP-0065), a flood of them is not
    SECOND = 1000000000
    FULL = 2                # seconds of its rate that a connection may send at once: deadlines come up to 1 s late


@cython.final
cdef class Socks(Sink):
    def __init__(self, Link link not None, board, *, double seconds):
        self.link = link
        self.reactor = link.reactor
        self.board = board
        self.patience = <int64_t>(seconds * SECOND)
        self.reactor.deadline(self, self.patience)

    def __dealloc__(self):
        free(self.chunk)

    def join(self, Socks other not None, *, uint64_t most, double rate, double idle_seconds):
        cdef Socks each
        if self is other or self.state != SOCKS_WAITING or other.state != SOCKS_WAITING:
            raise ValueError("both have to wait for it")
        self.other, other.other = other, self
        for each in (self, other):
            each.state = SOCKS_JOINED
            each.most = most
            each.rate = rate
            each.allowance = rate * FULL
            each.idle_ns = <int64_t>(idle_seconds * SECOND)
            each.filled = each.moved = each.reactor.now
            each.reactor.deadline(each, each.idle_ns)
            if each.link.listener is not None:
                each.link.listener.authenticated(each.link)

    def end(self, str why not None):
        self._end(why)

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        cdef size_t room = MOST_HEAD - self.head_n
        if self.state == SOCKS_JOINED:
            return self._carry(data, n)
        if self.state < SOCKS_WAITING:
            memcpy(self.head + self.head_n, data, min(n, room))
            self.head_n += min(n, room)
            return self._parse()
        self.early += n
        if self.state == SOCKS_WAITING and self.early > MOST_EARLY:
            return self._end("it sends before the stream is activated")
        return 0

    # The beginning.

    cdef int _parse(self) except -1:
        if self.head_n and self.head[0] != VERSION:
            return self._end("it does not speak SOCKS5")
        if self.state == SOCKS_GREETING:
            self._greeted()
        if self.state == SOCKS_REQUEST:
            self._asked()
        return 0

    cdef int _greeted(self) except -1:
        cdef unsigned char[2] answer = [VERSION, NO_AUTHENTICATION]
        cdef size_t n
        if self.head_n < 2 or self.head_n < 2 + <size_t>self.head[1]:
            return 0
        n = 2 + self.head[1]
        if memchr(self.head + 2, NO_AUTHENTICATION, n - 2) == NULL:
            answer[1] = NONE_ACCEPTABLE
            self._say(answer, 2)
            self.state = SOCKS_ENDED
            self.why = "it wants to authenticate"
            self.link.finish()
            return 0
        self._say(answer, 2)
        self.state = SOCKS_REQUEST
        self.head_n -= n
        memmove(self.head, self.head + n, self.head_n)
        return 0

    cdef int _asked(self) except -1:
        cdef size_t n
        if self.head_n < 5:
            return 0
        if self.head[0] != VERSION:
            return self._end("it does not speak SOCKS5")
        if self.head[1] != CONNECT:
            return self._refuse(NO_SUCH_COMMAND)
        if self.head[3] != DOMAIN_NAME:
            return self._refuse(NO_SUCH_ADDRESS)
        n = 5 + <size_t>self.head[4] + 2
        if self.head_n < n:
            return 0
        key = self.head[5:n - 2].lower()
        if len(key) != KEY or key.strip(b"0123456789abcdef"):
            return self._refuse(NOT_ALLOWED)
        self.key = key.decode("ascii")
        if not self.board.asked(self):
            return self._refuse(NOT_ALLOWED)
        self.state = SOCKS_WAITING
        self.head[1] = 0                # succeeded; what is bound is what was asked for (XEP-0065)
        self._say(self.head, n)
        return self.reactor.deadline(self, self.patience)

    cdef int _say(self, const unsigned char* p, size_t n) except -1:
        return self.link.write(<const char*>p, n)

    cdef int _refuse(self, unsigned char reason) except -1:
        cdef unsigned char[10] answer = [VERSION, reason, 0, 1, 0, 0, 0, 0, 0, 0]
        self.state = SOCKS_ENDED
        self.why = "it asks for what there is not"
        self._say(answer, 10)
        self.link.finish()
        return 0

    # The stream.

    cdef int _carry(self, const char* data, size_t n) except -1:
        if self.most and self.carried + self.other.carried + n > self.most:
            return self._end("the stream is too large")
        self.carried += n
        self.moved = self.reactor.now
        self.other._hold(data, n)
        self._take(<double>n)
        if self.starved:
            self.reactor.deadline(self, SECOND)
        self.link.pause()
        return 0

    cdef int _hold(self, const char* data, size_t n) except -1:
        """For this one's peer. What came before has gone: until then nothing is read."""
        if self.chunk != NULL:
            raise RuntimeError("more was read than was asked for")
        self.chunk = self.reactor.chunk_take(n, &self.size)
        memcpy(self.chunk, data, n)
        self.n, self.at = n, 0
        return self.link.dirty()

    cdef size_t pending(self, const char** p) noexcept:
        p[0] = self.chunk + self.at
        return self.n - self.at

    cdef void sent(self, size_t n) noexcept:
        self.at += n
        self.moved = self.reactor.now
        if self.at < self.n:
            return
        self._drop()
        if self.other is not None:
            self.other._go_on()
        else:
            self.reactor.later(self)

    cdef void _take(self, double n) noexcept:
        """So many bytes have been sent."""
        cdef double seconds = <double>(self.reactor.now - self.filled) / SECOND
        if self.rate > 0:
            self.allowance = min(self.allowance + seconds * self.rate, self.rate * FULL) - n
            self.filled = self.reactor.now
            self.starved = self.allowance < 0

    cdef int _go_on(self) except -1:
        """Read again, if nothing is against it."""
        if self.state == SOCKS_JOINED and not self.starved and self.other.n == 0:
            self.link.resume()
        return 0

    cdef int expire(self) except -1:
        cdef int64_t quiet
        if self.link is None:
            return 0
        if self.state < SOCKS_JOINED:
            return self._end("it was not activated in time" if self.state == SOCKS_WAITING else "no request came")
        quiet = self.reactor.now - self.moved
        if self.other is not None:
            quiet = min(quiet, self.reactor.now - self.other.moved)
        if quiet >= self.idle_ns:
            return self._end("nothing has been sent for too long")
        self._take(0)
        self._go_on()
        return self.reactor.deadline(self, <int64_t>SECOND if self.starved else self.idle_ns - quiet)

    # The end.

    cdef int _end(self, str why) except -1:
        """Of the stream, at once: what is on its way is lost, and both see that."""
        cdef Socks each
        for each in (self, self.other):
            if each is not None and each.state != SOCKS_ENDED:
                each.state = SOCKS_ENDED
                each.why = why
                each.link.abort()
        return 0

    cdef int _leave(self) except -1:
        """The other one has gone."""
        if self.state != SOCKS_JOINED:
            return 0
        self.state = SOCKS_LEAVING
        self.link.resume()      # its end has to be seen
        return self.reactor.later(self)

    cdef int act(self) except -1:
        if self.state == SOCKS_LEAVING and self.n == 0 and self.link is not None:
            self.link.finish()
        return 0

    cdef int on_gone(self, bint clean) except -1:
        cdef Socks other = self.other
        if self.why is None and not clean:
            self.why = self.link.error
        self.link = None
        self.state = SOCKS_ENDED
        self.reactor.deadline(self, 0)
        self._drop()
        if other is not None:
            self.other = other.other = None
            other._leave()
        board, self.board = self.board, None
        board.gone(self)
        return 0

    cdef void _drop(self) noexcept:
        if self.chunk != NULL:
            self.reactor.chunk_give(self.chunk, self.size)
            self.chunk = NULL
        self.n = self.at = 0
