# Direct children that the server must judge before a stanza goes on (protocol.md 1): one table, a row each.
from libc.stdint cimport uint64_t

cpdef enum Origin:
    # Where a stanza comes from; whose children are judged by which rows.
    FROM_CLIENT = 1         # a local client
    FROM_PEER = 2           # another server, or a component

cdef uint64_t CLIENT_JUDGED     # set at import: bits of Known that keep a client's stanza off the fast road
cdef uint64_t PEER_JUDGED       # set at import: the same of other servers' and components', some of which may pass
