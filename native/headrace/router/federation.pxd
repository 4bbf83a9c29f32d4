# Other servers: a Peer is a stream with one, from its first byte on. Python negotiates (its negotiator gets headers and
# nonzas); stanzas pass natively, in by the pairs of domains that the peer has proven, out by the table of routes.
#
# A peer ends as a session does: stop() marks it, the end of the turn says good-bye, and when the link has gone the
# negotiator gets what was never written.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport Tokenizer, Workspace
from headrace.net.link cimport Link, Sink
from headrace.router.order cimport Held, Order
from headrace.router.outbox cimport Outbox
from headrace.router.pace cimport Pace
from headrace.router.parcel cimport Parcel
from headrace.router.session cimport Exchange, Session


cdef class Route(Sink):
    """Takes stanzas to domains that are not hosted here."""
    cdef int carry(self, Session session, const Parcel* parcel) except -1   # session: the sender's, to be told errors


@cython.final
cdef class Routes:
    """Whose stanzas go where; one table per router."""
    cdef dict pairs                         # our domain + NUL + their domain -> Route
    cdef dict domains                       # a component's domain -> Route, whoever sends
    cdef object paces                       # another server's domain -> Pace, while one of its streams is there
    cdef readonly Workspace work            # of what comes from other servers: it is judged before the router sees it

    # Who takes this stanza; None: no stream leads there yet.
    cdef Route find(self, const Parcel* parcel)


@cython.final
@cython.no_gc
cdef class Peer(Route):
    cdef Exchange router
    cdef Routes routes
    cdef readonly Link link                 # None once gone
    cdef readonly Tokenizer tok
    cdef readonly Outbox outbox
    cdef object negotiator
    cdef object tls                         # for STARTTLS; None where there is none
    cdef object after                       # Limits once one pair is proven
    cdef set pairs                          # their domain + NUL + our domain, or nothing for all: what may come
    cdef bytes pair                         # the last of them that came; None at first
    cdef tuple rates                        # of each domain: bytes and stanzas a second
    cdef dict paces                         # by their domain; empty where nothing bounds them
    cdef Pace pace                          # of the domain that came last; None
    cdef list carried                       # keys in routes.pairs that lead here
    cdef bytes domain                       # the key in routes.domains that leads here; None: it is no component
    cdef Order order
    cdef bytes lang_utf8                    # the stream's xml:lang
    cdef readonly bint ended
    cdef bint told                          # the stream's end has been queued
    cdef bint renewing                      # the peer is to begin a new stream
    cdef bint settled                       # the time for the negotiation no longer runs
    cdef bint stalled                       # elements may be unread in the tokenizer; the link is paused
    cdef bytes last                         # said at the end
    cdef size_t most_in                     # bytes and elements of a stanza that is let in
    cdef uint64_t most_elements
    cdef public size_t most_out             # bytes of a stanza that the peer takes
    cdef uint64_t received                  # stanzas, since manage() (XEP-0198)
    cdef bint asked                         # the peer wants to know how many are handled
    cdef bint asking                        # we have asked it, and wait for its answer
    cdef int oversize                       # stanzas in the last minute that were larger
    cdef int64_t oversize_since
    cdef int64_t heard                      # ns: when bytes last came
    cdef int64_t stirred                    # ns: when a stanza last came or went
    cdef int64_t idle_ns
    cdef int64_t keep_alive_ns

    cdef int pull(self) except -1
    cdef bint renew(self) noexcept
    cdef bint must_wait(self) except -1
    cdef int keep_pace(self, bytes theirs) except -1
    cdef int event(self, int ev) except -1
    cdef int element(self) except -1
    cdef int take(self, Tokenizer tok) except -1
    cdef int fail(self, str condition, str text) except -1
    cdef bint may_send(self, Str sender, Str to) except -1
    cdef int not_here(self, Tokenizer tok, Str sender, bint malformed) except -1
    cdef int too_large(self, Tokenizer tok, Str sender, Str to) except -1
    cdef int refuse(self, Tokenizer tok, Str sender, Str from_, int condition) except -1
    cdef int turn_back(self, Session session, const Parcel* parcel, int condition) except -1
    cdef int added(self, size_t n, uint64_t number) except -1
    cdef int leave(self) except -1
    cdef int replay(self, Held held) except -1
    cdef int count(self) except -1
    cdef int answer(self) except -1
    cdef int say_handled(self, uint64_t n) except -1
    cdef int farewell(self) except -1
    cdef int close(self) except -1

# May a stanza of this (prepared) sender be copied as it is?
cdef bint fits_peer(Tokenizer tok, Str sender, Exchange router) except -1
