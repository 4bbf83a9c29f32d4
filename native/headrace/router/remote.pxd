# Presence of local accounts for addresses on other servers, and for accounts whose home is another worker: a stanza for
# each, which Control or a Neighbour carries on.
from headrace.core.buf cimport Str
from headrace.router.account cimport Account
from headrace.router.session cimport Exchange

# Is this no account of ours, or not at home here?
cdef bint is_elsewhere(Exchange exchange, Str jid) except -1
# Add a contact whose account is not in memory to `far` if it is elsewhere, and the account has not blocked it.
cdef int note(Exchange exchange, Account account, bytes contact, list far) except -1
# A presence without `to` to each of them.
cdef int send_each(Exchange exchange, bytes stanza, list far) except -1
# Ask their servers whether they are here (RFC 6121 4.3.1).
cdef int probe_each(Exchange exchange, Account account, list far) except -1
# The presence of each available session of `account` to an address, or that it is unavailable.
cdef int show_far(Exchange exchange, Account account, Str to) except -1
cdef int hide_far(Exchange exchange, Account account, Str to) except -1
