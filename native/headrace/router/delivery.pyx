"""RFC 6121 8.5: delivery of messages and IQs to local accounts.

    to                          normal      chat        groupchat   headline    error
    bare, some priority >= 0    all such    all such    refuse      all such    drop
    bare, else                  absent      absent      refuse      drop        drop
    full, resource there        deliver     deliver     deliver     deliver     deliver
    full, not there             refuse      as bare     refuse      refuse      drop

"absent", of what must be kept (headrace.router.keeping), is punted: whether there is such an account, and where its
messages wait, only storage knows. So is what would overtake messages that are being handed over (Account.catching_up).
What need not be kept is refused if it has a body, else dropped. "refuse" is service-unavailable. Where RFC 6121
8.5.3.2.1 lets us choose between an error and silence, only who may know the account's resources is told that one is not
there (protocol.md 12).
"""
from cpython.object cimport PyObject
from headrace.core.buf cimport str_bytes
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.names cimport bit, K_BODY
from headrace.router.carbons cimport copy_received, copy_sent
from headrace.router.errors cimport RESOURCE_CONSTRAINT, SERVICE_UNAVAILABLE
from headrace.router.keeping cimport KEEP_NOT, keeping
from headrace.router.parcel cimport IQ_GET, IQ_SET, MSG_CHAT, MSG_ERROR, MSG_GROUPCHAT, MSG_HEADLINE
from headrace.router.session cimport P_ABSENT, S_AVAILABLE, S_ENDED
from headrace.router.account cimport SUB_FROM


cdef bint shares(Session session, Session target) except -1:
    if session.account is target.account:
        return True
    if target.account.bits(session.account.jid) & SUB_FROM:
        return True
    return target.directed is not None and (session.full in target.directed or session.account.jid in target.directed)


cdef bint is_near(Exchange exchange, const Parcel* parcel, Account account, Session target) except -1:
    """May a sender that has no session here know of the account's resources? We may; others as contacts that see its
    presence, or if `target` has sent them its own."""
    cdef JidParts sender
    cdef bytes bare
    jid_split(parcel.head.from_, &sender)
    if exchange.is_host(sender.domain) and not (sender.node.p != NULL and exchange.is_away(sender.bare)):
        return True
    bare = str_bytes(sender.bare)
    if account is not None and account.bits(bare) & SUB_FROM:
        return True
    return target is not None and target.directed is not None and (
        bare in target.directed or str_bytes(parcel.head.from_) in target.directed)


cdef bint may_miss(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1:
    """May the sender be told that a resource of this account is not there?"""
    if session is None:
        return is_near(exchange, parcel, account, None)
    if session.account is account:
        return True
    return account is not None and account.bits(session.account.jid) & SUB_FROM


cdef inline void note_peer(Exchange exchange, Session session, Session target) noexcept:
    """The next stanza to the same full JID needs no table."""
    if session is not None:
        session.peer = <PyObject*>target
        session.peer_generation = exchange.generation


cdef bint takes(Session target) noexcept:
    return target.flags & (S_AVAILABLE | S_ENDED) == S_AVAILABLE and target.priority >= 0


cdef int deliver_to_all(Account account, const Parcel* parcel) except -1:
    """To every available resource with a non-negative priority."""
    cdef Session target
    cdef int n = 0
    for target in account.sessions:
        n += takes(target)
    for target in account.sessions:
        if takes(target):
            target.splice(parcel, n == 1)
    return 0


cdef bint takes_messages(Account account, Session but) except -1:
    cdef Session target
    for target in account.sessions:
        if target is not but and takes(target):
            return True
    return False


cdef int deliver_to(Exchange exchange, Session session, Session target, Parcel* parcel) except -1:
    """To one resource; kept first, if it must be."""
    if not exchange.keep(session, target.account, parcel):
        return exchange.bounce(session, parcel, RESOURCE_CONSTRAINT, parcel.head.to)
    copy_sent(exchange, session, parcel)
    if copy_received(exchange, session, target.account, parcel, target):
        parcel.offline = False      # it is for others, too, to be done with it
    return target.splice(parcel, True)


cdef int deliver_absent(Exchange exchange, Session session, const Parcel* parcel) except -1:
    if keeping(parcel) != KEEP_NOT:
        return exchange.punt(session, parcel, P_ABSENT)
    if parcel.view.known & bit(K_BODY):
        return exchange.bounce(session, parcel, SERVICE_UNAVAILABLE, parcel.head.to)
    return 0


cdef int deliver_to_bare(Exchange exchange, Session session, Account account, Parcel* parcel) except -1:
    if parcel.type == MSG_ERROR:
        return 0
    if parcel.type == MSG_GROUPCHAT:
        return exchange.bounce(session, parcel, SERVICE_UNAVAILABLE, parcel.head.to)
    if account is not None and (not account.catching_up or keeping(parcel) == KEEP_NOT):
        if takes_messages(account, None):
            if not exchange.keep(session, account, parcel):
                return exchange.bounce(session, parcel, RESOURCE_CONSTRAINT, parcel.head.to)
            copy_sent(exchange, session, parcel)
            copy_received(exchange, session, account, parcel, None)
            return deliver_to_all(account, parcel)
    copy_sent(exchange, session, parcel)
    if account is not None:
        copy_received(exchange, session, account, parcel, None)
    if parcel.type == MSG_HEADLINE:
        return 0
    return deliver_absent(exchange, session, parcel)


cdef int deliver_message(Exchange exchange, Session session, Account account, Parcel* parcel) except -1:
    cdef Session target
    if account is not None and parcel.to.resource.p != NULL:
        target = exchange.resource_of(account, parcel.to.resource)
        if target is not None:
            note_peer(exchange, session, target)
            return deliver_to(exchange, session, target, parcel)
    if parcel.to.resource.p == NULL or parcel.type == MSG_CHAT:
        return deliver_to_bare(exchange, session, account, parcel)
    copy_sent(exchange, session, parcel)
    if parcel.type != MSG_ERROR and may_miss(exchange, session, account, parcel):
        return exchange.bounce(session, parcel, SERVICE_UNAVAILABLE, parcel.head.to)
    return 0


cdef int deliver_iq(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1:
    """To a full JID: to a bare one, the server answers for the account (RFC 6121 8.5.2.1.3)."""
    cdef Session target = None
    cdef bint request = parcel.type == IQ_GET or parcel.type == IQ_SET
    if account is not None:
        target = exchange.resource_of(account, parcel.to.resource)
    if target is not None and request and not (
            is_near(exchange, parcel, account, target) if session is None else shares(session, target)):
        target = None
    if target is not None:
        note_peer(exchange, session, target)
        return target.splice(parcel, request)
    if request:
        return exchange.bounce(session, parcel, SERVICE_UNAVAILABLE, parcel.head.to)
    return 0
