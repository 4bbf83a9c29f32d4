# What a session held when it ended, and its client may never have read, is delivered once more (protocol.md 5).
from headrace.router.reader cimport Reader
from headrace.router.session cimport Exchange, Session

# was: who has ended, unbound already. held: as Outbox.orphans() tells.
cdef int reenter_each(Exchange exchange, Reader reader, Session was, list held) except -1
