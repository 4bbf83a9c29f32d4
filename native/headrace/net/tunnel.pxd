# A connection that one worker has accepted and another one serves (protocol.md 19): a Relay has the client's link, its
# descriptor and TLS; a Tunnel is the other end, a link without a descriptor. What they tell one another stays in order.
#
# What the tunnel's link has sent counts as written when the relay has written it: handing bytes over is no reason to
# believe that anybody has them.
cimport cython
from libc.stdint cimport uint64_t
from headrace.core.buf cimport Buf
from headrace.net.link cimport Carrier, Link, Sink


cpdef enum Word:
    # What one end tells the other, with a value.
    W_BYTES = 1         # plain text: bytes
    W_DONE              # so many of the bytes told are done with: written, or read
    W_EOF               # the relay's client has closed its half, and may still read
    W_END               # the relay's link is gone, the tunnel's is to close: 1 in good order, 0 at once


@cython.final
cdef class Tunnel(Carrier):
    cdef readonly Link link
    cdef object tell            # called with a Word and its value
    cdef Buf came               # not read yet
    cdef size_t of_out          # bytes under way, of the link's own and of its sink's
    cdef size_t of_sink
    cdef bint presumed          # of_sink counts as written
    cdef bint eof               # the client has nothing more to say
    cdef bint ended             # nor has the relay
    cdef bint over              # the relay has been told the end, or has told it


@cython.final
cdef class Relay(Sink):
    cdef readonly Link link     # None once gone
    cdef object tell
    cdef Buf out                # for the client
    cdef size_t at              # bytes of it that are written
    cdef uint64_t wrote         # bytes written of which the tunnel does not know
    cdef size_t unread          # bytes told, of which the tunnel has not said that they are read
