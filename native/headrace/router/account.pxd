# An account's tables in memory while one of its sessions is bound (or loading): who is here, who may see it.
from libc.stdint cimport uint8_t

cpdef enum Subscription:
    # Bits of a roster item, as the data plane needs them.
    SUB_TO = 1              # we see the contact's presence
    SUB_FROM = 2            # the contact sees ours

cdef class Account:
    cdef readonly bytes jid                 # prepared bare JID
    cdef list sessions                      # of Session, in order of binding
    cdef dict contacts                      # prepared bare JID (bytes) -> int of Subscription
