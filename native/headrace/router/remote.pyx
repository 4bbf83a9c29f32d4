"""Presence of accounts that are at home here for addresses that are not."""
from headrace.core.buf cimport Buf, buf_free, buf_put, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.tokenizer cimport KIND_PRESENCE
from headrace.core.writer cimport Head, put_escaped, write_stanza
from headrace.router.blocking cimport blocks
from headrace.router.parcel cimport PRESENCE_AT
from headrace.router.presence cimport is_there, unavailable
from headrace.router.session cimport Session


cdef bint is_elsewhere(Exchange exchange, Str jid) except -1:
    cdef JidParts parts
    jid_split(jid, &parts)
    return not exchange.is_host(parts.domain) or (parts.node.p != NULL and exchange.is_away(parts.bare))


cdef int note(Exchange exchange, Account account, bytes contact, list far) except -1:
    if is_elsewhere(exchange, str_of(contact)) and not blocks(account, str_of(contact)):
        far.append(contact)
    return 0


cdef bytes addressed(bytes stanza, Str to):
    """A presence of ours that has no `to` yet, with this one."""
    cdef Buf buf
    buf.p, buf.n, buf.cap = NULL, 0, 0
    try:
        buf_put(&buf, <char*>stanza, PRESENCE_AT)
        buf_put(&buf, b" to='", 5)
        put_escaped(&buf, to)
        buf_put(&buf, b"'", 1)
        buf_put(&buf, <char*>stanza + PRESENCE_AT, len(stanza) - PRESENCE_AT)
        return buf.p[:buf.n]
    finally:
        buf_free(&buf)


cdef int send_each(Exchange exchange, bytes stanza, list far) except -1:
    cdef bytes to
    for to in far:
        exchange.own(addressed(stanza, str_of(to)))
    return 0


cdef int probe_each(Exchange exchange, Account account, list far) except -1:
    cdef Buf buf
    cdef Head head
    cdef Str absent
    if not far:
        return 0
    absent.p, absent.n = NULL, 0
    buf.p, buf.n, buf.cap = NULL, 0, 0
    head.kind = KIND_PRESENCE
    head.from_ = str_of(account.jid)
    head.to = head.id = head.lang = absent
    head.type.p, head.type.n = "probe", 5
    try:
        write_stanza(&buf, &head, NULL, 0)
        return send_each(exchange, buf.p[:buf.n], far)
    finally:
        buf_free(&buf)


cdef int show_far(Exchange exchange, Account account, Str to) except -1:
    cdef Session session
    for session in list(account.sessions):
        if is_there(session) and not blocks(account, to):
            exchange.own(addressed(session.presence, to))
    return 0


cdef int hide_far(Exchange exchange, Account account, Str to) except -1:
    cdef Session session
    for session in list(account.sessions):
        if is_there(session) and not blocks(account, to):
            exchange.own(unavailable(session, to))
    return 0
