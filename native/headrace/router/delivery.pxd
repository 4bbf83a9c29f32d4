# RFC 6121 8.5: what becomes of a message or an IQ for a local account.
from headrace.router.account cimport Account
from headrace.router.parcel cimport Parcel
from headrace.router.session cimport Exchange, Session

# Does it take messages to the bare JID?
cdef bint takes(Session target) noexcept
# Does a session of the account take messages to the bare JID, `but` aside?
cdef bint takes_messages(Account account, Session but) except -1
# session: who sent it, None for our own; account: None if its tables are not in memory.
cdef int deliver_message(Exchange exchange, Session session, Account account, Parcel* parcel) except -1
# The same, to a resource that is there.
cdef int deliver_to(Exchange exchange, Session session, Session target, Parcel* parcel) except -1
cdef int deliver_iq(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1
# May the sender know of this resource? (protocol.md 12)
cdef bint shares(Session session, Session target) except -1
