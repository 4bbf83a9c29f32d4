# Order across punts (protocol.md 2): what a session's unfinished requests hold back, and what waits behind them.
cimport cython
from libc.stdint cimport uint64_t
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.reactor cimport Reactor, Task
from headrace.router.account cimport Account


@cython.final
cdef class Held:
    """An element that waits its turn, as received."""
    cdef bytes raw
    cdef bytes key          # bare JID that it is for; the session's own where it has no `to`
    cdef uint64_t ticket    # of Session.hold(), until it is replayed
    cdef bint barrier       # it may change how later stanzas are treated: passes nothing, and nothing passes it


@cython.final
cdef class Order:
    """Exists while a session waits for something."""
    cdef Task owner         # acts at the end of the turn in which something was finished
    cdef Reactor reactor
    cdef dict open          # key -> unfinished requests
    cdef int open_all       # unfinished requests that hold back everything
    cdef list waiting       # of Held, as they came
    cdef dict queued        # key -> how many of them
    cdef int barriers       # how many of them
    cdef size_t bytes       # of them
    cdef Tokenizer tok      # reads them again, below the session's own stream root; None until used

    cdef bint must_hold(self, bytes key, bint barrier) except -1
    cdef int hold(self, bytes raw, bytes key, bint barrier, uint64_t ticket) except -1
    cdef Held next(self)                    # the first that may go on, taken out; None
    cdef bint full(self) noexcept           # reading has to pause
    cdef bint idle(self) noexcept           # nothing is waited for, nothing waits
    cdef int forget(self) except -1         # what waits: it will be sent again
    cdef int close(self) except -1


@cython.final
cdef class Ticket:
    """An unfinished request; called when its future is done."""
    cdef Reactor reactor
    cdef Order order        # None: holds back nothing
    cdef bytes key          # None: holds back everything
    cdef Account account    # older messages are being handed over to it until then; None
    cdef set pending        # the router's: keeps the future alive

# Wait for an awaitable. key None: all waits for it.
cdef int take_ticket(
    object awaitable, Reactor reactor, Order order, bytes key, Account account, set pending) except -1
