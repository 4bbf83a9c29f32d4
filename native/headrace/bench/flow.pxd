# What a run sends and expects: numbered stanzas from one sender to its receivers, in a closed loop (a window of them
# under way) or an open one (each at its due time, whatever became of those before).
#
# Latency counts from the due time. In a closed loop that is the time of sending; in an open one it is the time at which
# the stanza should have been sent, so that a stall costs all who had to wait behind it (no coordinated omission).
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from headrace.bench.tally cimport Tally
from headrace.core.buf cimport Buf, Str
from headrace.net.link cimport Sink
from headrace.net.reactor cimport Reactor

cdef enum:
    # A mark: NNNNNNNNNN-FFFFFF-RRRR, the stanza's number, that of its flow, and the run's tag.
    DIGITS = 10
    FLOW_DIGITS = 6
    TAG_AT = DIGITS + 1 + FLOW_DIGITS + 1
    TAG = 4
    MARK = TAG_AT + TAG

cpdef enum Shape:
    # What a flow sends, and what has its mark in it.
    CHAT = 0                # <message/>: the body
    STATUS                  # <presence/>: the status
    QUERY                   # <iq/>: the id, and the answer's
    PAGE                    # the same; a page of an archive comes before the answer

cpdef enum Fault:
    # What can be wrong with what comes.
    REPEATED = 0            # it had come before
    REORDERED               # one that was sent later came first
    SENDER                  # `from` is not the sender's address
    CHANGED                 # the text is not what was sent
    STRAY                   # not for this client
    REFUSED                 # the server answers with an error
    UNARCHIVED              # it should have a <stanza-id/> and has none
    MISCOUNTED              # the server acknowledges more than it was sent
    PAGED                   # a page of the archive has another length or other messages than it should

cdef enum:
    FAULTS = 9
    EXAMPLES = 10           # faulty stanzas that are kept to be shown

cdef struct Slot:
    int64_t due             # ns
    uint32_t number
    uint32_t left           # receivers that have not got it; 0: free


cdef class Sender(Sink):
    """Who sends a flow's stanzas: declared here, implemented above (client)."""
    cdef int put(self, const char* p, size_t n) except -1       # one stanza, at the end of this turn


@cython.final
cdef class Load:
    """One run: its flows, what has been counted, and the clock of an open loop."""
    cdef readonly Reactor reactor
    cdef readonly bytes tag             # of this run: servers may still have stanzas of another one
    cdef readonly Tally latency         # of what was due between `begin` and `end`
    cdef readonly Tally lag             # how late an open loop sent what was due: our own part of a latency
    cdef list flows
    cdef readonly uint64_t sent         # stanzas
    cdef readonly uint64_t delivered    # those that came and were right, one for each receiver
    cdef readonly uint64_t other        # stanzas that are no flow's: chat states, subjects, presence of others
    cdef readonly uint64_t stale        # stanzas of an earlier run, which the server has kept
    cdef readonly uint64_t skipped      # not come, though later ones of their flow have
    cdef readonly uint64_t acks         # <a/> that we got
    cdef uint64_t fault[FAULTS]
    cdef readonly list examples         # (name of a Fault, bytes)
    cdef readonly bint sending
    cdef public bint archived           # each message must have a stanza-id
    cdef public bint superseding        # a presence may be held back until a later one takes its place (XEP-0352)
    cdef int64_t begin                  # ns; of what counts as measured
    cdef int64_t end
    # of the open loop
    cdef double rate                    # stanzas a second; 0: closed loop
    cdef list order                     # flows in the order of their turns
    cdef int64_t started                # ns
    cdef uint64_t turn                  # stanzas that have been due
    cdef int timer                      # timerfd; -1: none

    cdef bint is_ours(self, Str text) noexcept      # the mark that the text begins with is of this run
    cdef int blame(self, int fault, Str stanza) except -1
    cdef void measure(self, int64_t due, int64_t now) noexcept
    cdef int64_t _due(self, uint64_t turn) noexcept
    cdef int _set_timer(self) except -1


@cython.final
cdef class Flow:
    cdef readonly Load load
    cdef Sender sender
    cdef readonly uint32_t index        # in Load.flows
    cdef uint8_t shape                  # Shape
    cdef Buf stanza                     # as it is sent, the mark filled in
    cdef uint32_t at                    # of the text that begins with the mark
    cdef uint32_t text_n                # bytes of that text
    cdef bytes source                   # the sender's address
    cdef readonly uint32_t receivers    # each stanza is to come to so many
    cdef uint32_t window                # stanzas under way in a closed loop
    cdef uint32_t page                  # PAGE: messages of one
    cdef readonly uint32_t number       # of the next stanza
    cdef readonly uint32_t under_way
    cdef Slot* slot
    cdef uint32_t slots                 # a power of two

    cdef int send(self, int64_t due, int64_t now) except -1
    cdef int fill(self, int64_t now) except -1
    cdef bint is_text(self, Str text) noexcept
    cdef Slot* find(self, uint32_t number) noexcept             # NULL: not under way
    cdef int arrived(self, uint32_t number, int64_t now) except -1
    cdef int gave_up(self, uint32_t number, int64_t now) except -1    # one receiver will not get it in its turn
    cdef int _done(self, Slot* slot, int64_t now) except -1
    cdef int _grow(self) except -1

# Number and flow of a text that begins with a mark, of any run; False: it does not.
cdef bint read_mark(Str text, uint32_t* number, uint32_t* flow) noexcept
