# Connections of a SOCKS5 server (RFC 1928) that joins those two that name the same stream (XEP-0065). What one sends
# goes to the other natively: one read is held at a time, and nothing more is read while the other has not taken it.
from libc.stdint cimport int64_t, uint64_t
from headrace.net.link cimport Link, Sink
from headrace.net.reactor cimport Reactor

cdef enum:
    MOST_HEAD = 519         # bytes of the longest greeting and the longest request

cdef enum SocksState:
    SOCKS_GREETING = 0      # which ways to authenticate it knows
    SOCKS_REQUEST           # to whom it wants
    SOCKS_WAITING           # for the other one, and for activation
    SOCKS_JOINED
    SOCKS_LEAVING           # the other one has gone: what that one sent still goes out
    SOCKS_ENDED

cdef class Socks(Sink):
    cdef readonly Link link             # None once gone
    cdef readonly str key               # of the stream, 40 lower-case hex digits; None before it was asked for
    cdef readonly str why               # it was ended, in English; None if its peer ended it
    cdef readonly uint64_t carried      # bytes of its peer that went to the other
    cdef Reactor reactor
    cdef object board                   # Board: who brings two together
    cdef Socks other
    cdef int64_t patience               # ns for what comes until it is joined, for each of the two steps
    cdef int64_t idle_ns                # without a byte either way
    cdef uint64_t most                  # bytes of both together; 0: any number
    cdef double rate                    # bytes a second that it may send; 0: any number
    cdef double allowance               # bytes it may send now
    cdef int64_t filled                 # ns, Reactor.now: when allowance was
    cdef int64_t moved                  # ns: its last byte
    cdef bint starved                   # allowance is used up
    cdef size_t early                   # bytes before it was joined
    cdef unsigned char head[MOST_HEAD]
    cdef size_t head_n
    cdef char* chunk                    # what the other one has sent and this one's peer has not taken; NULL: nothing
    cdef size_t size                    # as Reactor.chunk_take gave it
    cdef size_t n
    cdef size_t at
    cdef unsigned char state            # SocksState

    cdef int _parse(self) except -1
    cdef int _greeted(self) except -1
    cdef int _asked(self) except -1
    cdef int _say(self, const unsigned char* p, size_t n) except -1
    cdef int _refuse(self, unsigned char reason) except -1
    cdef int _carry(self, const char* data, size_t n) except -1
    cdef int _hold(self, const char* data, size_t n) except -1
    cdef void _take(self, double rate) noexcept
    cdef int _go_on(self) except -1
    cdef int _end(self, str why) except -1
    cdef int _leave(self) except -1
    cdef void _drop(self) noexcept
