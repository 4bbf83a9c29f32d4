# XEP-0191 in the data plane: who is kept apart from whom.
from headrace.core.buf cimport Str
from headrace.router.account cimport Account
from headrace.router.session cimport Session

# Whether this prepared JID, bare or full, is in the list: itself, its account or its domain.
cdef bint listed(set jids, Str jid) except -1
cdef bint parted(Session one, Session other) except -1


cdef inline bint blocks(Account account, Str jid) except -1:
    """The account's list keeps this JID away."""
    return account.blocked is not None and listed(account.blocked, jid)


cdef inline bint apart(Session one, Session other) except -1:
    """One of them has blocked the other."""
    if one.account.blocked is None and other.account.blocked is None:
        return False
    return parted(one, other)
