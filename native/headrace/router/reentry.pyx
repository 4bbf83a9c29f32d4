"""RFC 6121 8.5 once more, for what a session held when it ended.

It was judged, counted and archived when it came first: it goes to the account's other resources, but to none that had
it. With a number it is in the archive, and needs no more; nor does it as an offline message, unless another session is
done with later ones. Else what nobody takes is absent: storage has it, or its sender an error. It keeps its stanza-id,
and tells when it came.
"""
from libc.stdint cimport int64_t, uint64_t
from headrace.core.buf cimport str_bytes
from headrace.core.jid cimport jid_split
from headrace.core.names cimport K_BODY, K_DELAY, bit
from headrace.core.tokenizer cimport KIND_IQ, KIND_MESSAGE, Tokenizer
from headrace.router.account cimport Account
from headrace.router.blocking cimport blocks
from headrace.router.carbons cimport eligible
from headrace.router.delivery cimport takes
from headrace.router.errors cimport SERVICE_UNAVAILABLE
from headrace.router.parcel cimport (
    IQ_GET, IQ_SET, MSG_ERROR, MSG_GROUPCHAT, MSG_HEADLINE, Parcel, fill
)
from headrace.router.session cimport P_ABSENT, S_CARBONS

from headrace.router import slow


cdef int reenter_each(Exchange exchange, Reader reader, Session was, list held) except -1:
    cdef bytes stanza
    cdef uint64_t number
    cdef int64_t queued
    cdef bint alone
    for stanza, number, queued, alone in held:
        try:
            reenter(exchange, reader, was, stamped(exchange, reader, stanza, queued), number, queued, alone)
        except Exception as error:
            exchange.reactor.report("an unread stanza could not be passed on", error)
    return 0


cdef bytes stamped(Exchange exchange, Reader reader, bytes stanza, int64_t queued):
    """A message with the time at which it came, unless it has one."""
    cdef Tokenizer tok = reader.take(stanza)
    cdef Parcel parcel
    try:
        if tok.view.kind != KIND_MESSAGE or tok.view.known & bit(K_DELAY) or tok.view.body == tok.view.body_end:
            return stanza
        jid_split(tok.view.to, &parcel.to)
        domain = str_bytes(parcel.to.domain).decode()
    finally:
        reader.give(tok)
    return slow.stamped(stanza, domain, exchange.reactor.time - (exchange.reactor.now - queued) / 1e9)


cdef int reenter(Exchange exchange, Reader reader, Session was, bytes stanza, uint64_t number,
                 int64_t queued, bint alone) except -1:
    cdef Tokenizer tok = reader.take(stanza)
    cdef Parcel parcel
    try:
        fill(&parcel, tok.view, tok.view.from_, None)
        parcel.number = number
        parcel.offline = alone
        jid_split(parcel.head.to, &parcel.to)
        if parcel.head.kind == KIND_MESSAGE:
            return reenter_message(exchange, was, &parcel, queued)
        if parcel.head.kind == KIND_IQ and (parcel.type == IQ_GET or parcel.type == IQ_SET):
            return exchange.bounce(None, &parcel, SERVICE_UNAVAILABLE, parcel.head.to)
        return 0
    finally:
        reader.give(tok)


cdef int reenter_message(Exchange exchange, Session was, Parcel* parcel, int64_t queued) except -1:
    cdef Account account
    if parcel.type == MSG_ERROR or parcel.type == MSG_HEADLINE:
        return 0
    if parcel.type == MSG_GROUPCHAT:        # a room learns by it that its occupant is gone
        if parcel.view.known & bit(K_BODY):
            return exchange.bounce(None, parcel, SERVICE_UNAVAILABLE, parcel.head.to)
        return 0
    account = exchange.accounts.find(parcel.to.bare)
    if account is not None and blocks(account, parcel.head.from_):
        return 0
    if account is not None and not account.catching_up and give_others(account, was, parcel, queued):
        return 0
    if parcel.offline and parcel.number <= was.account.highest:
        parcel.number = 0       # storage drops it: another session is done with later ones
    return exchange.punt(None, parcel, P_ABSENT) if parcel.number == 0 else 0


cdef int give_others(Account account, Session was, const Parcel* parcel, int64_t queued) except -1:
    """Answers how many have it now: nobody else was given the stanza itself, but carbons of it may have gone out."""
    cdef Session other
    cdef bint copied = eligible(parcel, True)
    cdef int had = 0
    cdef list taking = []
    for other in account.sessions:
        if other is was or not takes(other):
            continue
        if copied and other.flags & S_CARBONS and other.since <= queued:
            had += 1
        else:
            taking.append(other)
    for other in taking:
        other.splice(parcel, len(taking) + had == 1)
    return len(taking) + had
