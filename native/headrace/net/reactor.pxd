# What the links of one event loop share. See native.md, "The loop's contract".
#
# A turn: the loop sees that the reactor's own epoll has something, and the reactor calls the channels that are ready,
# in any order; whatever they leave to be done waits in the lists below until the reactor's own callback (call_soon, one
# a turn) serves them: reads that were cut short, handshakes (2 ms), tasks, flushes, closes, in this order.
#
# An epoll of our own inside the loop's: a connection is one epoll_ctl and no object of the loop's, an event is a C
# call; and it stays level-triggered behind a reset, of which libuv tells once and then never again.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from headrace.core.jid cimport JidCache
from headrace.core.tokenizer cimport Workspace
from headrace.core.tree cimport Names

cdef enum:
    SCRATCH = 65536                     # bytes one turn reads from one link
    RECORD = 16384                      # bytes of plain text in a TLS record
    PLAIN = SCRATCH + 2 * RECORD        # what one read can decrypt to: OpenSSL may hold a part record
    WIRE = 2 * (RECORD + 512)           # cipher text of one send
    WHEEL = 64                          # seconds that the deadlines' wheel spans

cdef class Task:
    """Something that acts at the end of the loop's turn, once (a session to end, a link to close), or at a deadline."""
    cdef bint queued                    # on the reactor's list
    cdef int64_t due                    # ns, Reactor.now: deadline; 0: none
    cdef int64_t slot                   # second at which the wheel looks at it; 0: not in the wheel
    cdef int act(self) except -1        # called at the end of the turn that called Reactor.later()
    # Whoever sets a deadline unsets it when it ends: until then the wheel keeps the task alive.
    cdef int expire(self) except -1     # the deadline passed (up to 1 s late, never early)

cdef class Channel(Task):
    """Something with a descriptor that the turn serves. Link is one."""
    cdef bint on_again                  # on the reactor's lists
    cdef bint on_dirty
    cdef bint on_ready
    cdef bint on_close
    cdef uint32_t events                # that the reactor's epoll looks for; 0: it is not in there
    cdef bint in_handshake              # counted in Reactor.handshaking
    # The reactor's epoll says so. They raise nothing.
    cdef int readable(self) except -1
    cdef int writable(self) except -1
    cdef int again(self) except -1      # read on
    cdef int handshake(self) except -1  # one step of a TLS handshake
    cdef int flush(self) except -1      # write what there is
    cdef int dispose(self) except -1    # the one place that closes
    cdef int fail(self) except -1       # one of the above raised: close, without ceremony

cdef class Reactor:
    cdef readonly object loop           # asyncio (uvloop) loop
    cdef readonly Workspace work        # for every tokenizer of this loop
    cdef readonly JidCache jids
    cdef Names names                    # of the elements that strangers' handshakes look at
    cdef char* scratch                  # SCRATCH bytes: recv
    cdef char* plain                    # PLAIN bytes: decrypted
    cdef char* wire                     # WIRE bytes: encrypted, to be sent; empty whenever foreign code runs
    cdef bint busy                      # a sink looks at scratch or plain
    cdef size_t wire_n                  # bytes used of it
    cdef readonly int64_t now           # ns, monotonic; read once per turn
    cdef readonly double time           # s, unix; read once per turn
    cdef size_t read_size               # bytes one turn reads from one link, at most SCRATCH
    cdef int64_t handshake_ns           # handshaking done in one turn
    cdef uint64_t handshake_limit       # handshakes in progress; the others wait unread
    cdef int64_t handshake_patience     # ns for one of them
    cdef readonly uint64_t links        # open links (counters, for tests and metrics)
    cdef readonly uint64_t sessions
    cdef readonly uint64_t chunks       # outbox chunks in use
    cdef uint64_t received              # stanzas in, stanzas out
    cdef uint64_t sent
    cdef uint64_t bytes_in              # as on the wire
    cdef uint64_t bytes_out
    cdef uint64_t handshakes            # completed
    cdef uint64_t handshaking           # in progress
    cdef object call_soon
    cdef int poll_fd                    # epoll of our channels; -1 once closed
    cdef list watched                   # by descriptor: the channel that is in there, or None
    cdef object timer                   # the wheel's TimerHandle; None while nothing has a deadline
    cdef bint fresh                     # this turn has read the clock and will be ended
    cdef list again_list
    cdef list tasks
    cdef list dirty_list
    cdef list closing
    cdef object ready                   # deque: handshakes to go on with
    cdef dict waiting                   # Channel -> None: handshakes that wait to begin, in order
    cdef list wheel                     # WHEEL sets of Task
    cdef int64_t second                 # the last one that the wheel has served
    cdef uint64_t timed                 # tasks in the wheel
    cdef void* free[3]                  # chunk free lists, by size class
    cdef size_t free_n[3]

    # Bytes for an outbox: 512, 4096, 16384 from free lists, larger by malloc. got: how many it has become.
    cdef char* chunk_take(self, size_t size, size_t* got) except NULL
    cdef void chunk_give(self, char* p, size_t size) noexcept   # size: what chunk_take answered in got
    cdef int later(self, Task task) except -1           # run task.act() at the end of this turn
    cdef int deadline(self, Task task, int64_t ns) except -1    # task.expire() in ns (within a second more); 0: unset
    cdef int touch(self) except -1                      # a callback begins: refresh the clock if this turn has not yet
    cdef int report(self, str what, object error) except -1     # an exception nobody can be given: to the loop
    # What epoll looks for on the channel's descriptor from now on; 0: nothing, also no errors. Before it is closed: 0.
    cdef int watch(self, Channel channel, int fd, uint32_t events) except -1
    # For channels: each puts it on its list, once.
    cdef int add_again(self, Channel channel) except -1
    cdef int add_dirty(self, Channel channel) except -1
    cdef int add_closing(self, Channel channel) except -1
    cdef int add_ready(self, Channel channel) except -1     # has something to go on with a handshake
    cdef bint handshake_begin(self, Channel channel) except -1   # False: it waits, unread
    cdef int handshake_end(self, Channel channel) except -1     # over, or given up waiting: the next may begin
    cdef int _arm(self) except -1
    cdef void _read_clock(self) noexcept
    cdef int _put(self, Task task, int64_t second) except -1
    cdef int _pull(self, Task task) except -1
    cdef int _reached(self, Task task) except -1
    cdef int _serve_again(self) except -1
    cdef int _serve_handshakes(self) except -1
    cdef int _serve_tasks(self) except -1
    cdef int _serve_dirty(self) except -1
    cdef int _serve_closing(self) except -1
