# Presence between local accounts (RFC 6121 section 4): broadcast, first presence, directed presence, the end.
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.router.account cimport Account
from headrace.router.parcel cimport Parcel
from headrace.router.session cimport Exchange, S_AVAILABLE, S_ENDED, Session


cdef inline bint is_there(Session session) noexcept:
    return session.flags & (S_AVAILABLE | S_ENDED) == S_AVAILABLE


# Presence without `to`: available or unavailable.
cdef int broadcast(Exchange exchange, Session session, Tokenizer tok, const Parcel* parcel) except -1
# Available or unavailable, to somebody; account: None if it is not in memory or not ours.
cdef int direct(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1
# The presence of a resource that goes without a word of its own; to may be absent.
cdef bytes unavailable(Session session, Str to)
# A presence of type error: nothing answers it.
cdef int pass_error(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1
# What a resource that goes without a word owes its contacts and who had directed presence.
cdef int depart(Exchange exchange, Session session) except -1
# The presence of each available session of `account` to a session, or that it is unavailable.
cdef int show(Account account, Session watcher) except -1
cdef int hide(Account account, Session watcher) except -1
# The account is about to block these JIDs: to those who see it, it goes away.
cdef int part(Exchange exchange, Account account, set jids) except -1
# It blocks these JIDs no longer: both sides see each other as far as they may.
cdef int rejoin(Exchange exchange, Account account, set jids) except -1
