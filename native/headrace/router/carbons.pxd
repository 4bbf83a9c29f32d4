# XEP-0280: an account's other sessions get copies of what one of them sends or gets.
from libc.stdint cimport uint64_t
from headrace.core.buf cimport Str
from headrace.router.account cimport Account
from headrace.router.parcel cimport Parcel
from headrace.router.reader cimport Reader
from headrace.router.session cimport Exchange, Session

cdef enum:
    REMEMBERED = 64         # copied messages of an account whose errors are copied too: errors come soon
    LARGEST = 512 << 10     # bytes of a copy: what a server may send us (headrace.core.limits.SERVER), wrapped, is more

# Is it copied at all? received: to a session; errors aside.
cdef bint eligible(const Parcel* parcel, bint received) noexcept nogil
# Of a message for this account; target: who gets it by its full JID, None: whoever takes messages to the bare one.
# How many of those who got it take messages: they can be done with it.
cdef int copy_received(
    Exchange exchange, Session sender, Account account, const Parcel* parcel, Session target) except -1
# Does a session of the account want copies, `but` aside?
cdef bint others_want(Account account, Session but) noexcept
# Of a message that this session sends; before whatever may refuse it, so that its others see the error too.
cdef int copy_sent(Exchange exchange, Session sender, const Parcel* parcel) except -1
# The same where somebody may want one (others_want); the sender may have gone meanwhile.
cdef int copy_to_others(Exchange exchange, Account account, Session sender, const Parcel* parcel) except -1
# Of an error of ours to a message of this session: its others have seen what is refused, so they see that too.
cdef int copy_error(Exchange exchange, Reader reader, Session target, bytes stanza) except -1
