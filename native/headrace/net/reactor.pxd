# What the links of one event loop share. See native.md, "The loop's contract".
from libc.stdint cimport int64_t, uint64_t
from headrace.core.jid cimport JidCache
from headrace.core.tokenizer cimport Workspace

cdef enum:
    SCRATCH = 65536         # bytes of the receive and of the decrypt scratch

cdef class Task:
    """Something that acts at the end of the loop's turn, once (a session to end, a link to close)."""
    cdef bint queued                        # on the reactor's list
    cdef int act(self) except -1            # called at the end of the turn

cdef class Reactor:
    cdef readonly object loop               # asyncio (uvloop) loop
    cdef readonly Workspace work            # for every tokenizer of this loop
    cdef readonly JidCache jids
    cdef char* scratch                      # SCRATCH bytes: recv
    cdef char* plain                        # SCRATCH bytes: decrypted
    cdef readonly int64_t now               # ns, monotonic; read once per turn
    cdef readonly double time               # s, unix; read once per turn
    cdef readonly uint64_t links            # open links (counters, for tests and metrics)
    cdef readonly uint64_t sessions
    cdef readonly uint64_t chunks           # outbox chunks in use
    cdef readonly uint64_t received         # stanzas in, stanzas out
    cdef readonly uint64_t sent

    cdef char* chunk_take(self, size_t size, size_t* got) except NULL   # 512, 4096, 16384 from free lists; larger by malloc
    cdef void chunk_give(self, char* p, size_t size) noexcept
    cdef int later(self, Task task) except -1           # run task.act() at the end of this turn
    cdef void touch(self)                               # a callback begins: refresh the clock if this turn has not yet
