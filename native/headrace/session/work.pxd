# What a connection waits for: a coroutine, run without an asyncio.Task around it.

cdef class Work:
    cdef object loop
    cdef object coroutine
    cdef object then                # called with this at its end, unless step() has told its caller
    cdef object future              # what it waits for now; None: it runs, is about to, or is over
    cdef int requests               # of cancel(), without those taken back
    cdef bint cancelled             # CancelledError is due at the next step
    cdef bint over
    cdef readonly object error      # it ended with this

    cdef bint step(self) except -1      # up to where it waits; is it over?
    cdef object resume(self)            # what it yields
    cdef int wait(self, object yielded) except -1
    cdef int report(self) except -1     # its error, which nobody else wants to know
