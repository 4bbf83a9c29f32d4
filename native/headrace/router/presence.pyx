"""Presence between local accounts.

A broadcast is written once, without `to`; each receiver's copy gets its ` to='...'` put in, which is prepared once for
each account.
"""
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t
from libc.string cimport memcmp
from headrace.core.buf cimport Buf, Str, buf_free, str_of
from headrace.core.names cimport bit, K_PRIORITY
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.tokenizer cimport KIND_PRESENCE, Record, T_END, T_START, T_TEXT
from headrace.core.writer cimport Head, write_stanza
from headrace.router.account cimport SUB_FROM, SUB_TO
from headrace.router.blocking cimport apart, listed
from headrace.router.errors cimport BAD_REQUEST, RESOURCE_CONSTRAINT
from headrace.router.parcel cimport PRES_AVAILABLE, packed
from headrace.router.remote cimport note, probe_each, send_each
from headrace.router.session cimport S_AVAILABLE, S_ENDED

cdef enum:
    MOST_DIRECTED = 500     # rooms, gateways and strangers that one resource keeps told; a room list is rarely over 100


# Priority (RFC 6121 4.7.2.3).

cdef int read_priority(Tokenizer tok, int* priority) except -1:
    """Answers whether it is a whole number from -128 to 127, and the only one."""
    cdef uint32_t i
    cdef Record* r
    cdef Str text
    cdef bytes written = b""
    cdef int seen = 0
    cdef bint inside = False
    priority[0] = 0
    if not tok.view.known & bit(K_PRIORITY):
        return True
    for i in range(tok.tape_n):
        r = &tok.tape[i]
        if r.kind == T_START and r.depth == 2:
            inside = r.ns == tok.content and r.name_n == 8 and not memcmp(tok.view.base + r.name, b"priority", 8)
            seen += inside
        elif inside and r.kind == T_TEXT:
            text = tok.value(r)
            written += text.p[:text.n]
        elif inside and r.kind == T_START:
            return False
        elif r.kind == T_END and r.depth == 2:
            inside = False
    written = written.strip(b" \t\r\n")
    if seen != 1 or not 0 < len(written) <= 4 or not written.lstrip(b"+-").isdigit():
        return False
    try:
        priority[0] = int(written)
    except ValueError:
        return False
    return -128 <= priority[0] <= 127


# Writing.

cdef bytes unavailable(Session session, Str to):
    cdef Buf buf
    cdef Head head
    cdef Str absent, type
    absent.p, absent.n = NULL, 0
    type.p, type.n = "unavailable", 11
    buf.p, buf.n, buf.cap = NULL, 0, 0
    head.kind = KIND_PRESENCE
    head.from_ = str_of(session.full)
    head.to = to
    head.id = head.lang = absent
    head.type = type
    try:
        write_stanza(&buf, &head, NULL, 0)
        return buf.p[:buf.n]
    finally:
        buf_free(&buf)


cdef int tell_resources(Session session, Account account, bytes stanza) except -1:
    cdef Session watcher
    for watcher in account.sessions:
        if is_there(watcher) and not apart(session, watcher):
            watcher.put_presence(stanza, account.to_attr, session.full)
    return 0


cdef int tell(Exchange exchange, Session session, bytes stanza) except -1:
    """To the account's own available resources, this one among them, and to its contacts (RFC 6121 4.2.2, 4.4.2)."""
    cdef Account account = session.account, contact
    cdef PyObject* jid
    cdef PyObject* bits
    cdef Py_ssize_t at = 0
    cdef list far = []
    tell_resources(session, account, stanza)
    while PyDict_Next(account.contacts, &at, &jid, &bits):
        if <int><object>bits & SUB_FROM:
            contact = exchange.accounts.find(str_of(<bytes>jid))
            if contact is None:
                note(exchange, account, <bytes>jid, far)
            elif contact is not account:
                tell_resources(session, contact, stanza)
    return send_each(exchange, stanza, far)


cdef int show_one(Session session, Session watcher) except -1:
    if is_there(session) and session is not watcher and not apart(session, watcher):
        watcher.put_presence(session.presence, watcher.account.to_attr, session.full)
    return 0


cdef int show(Account account, Session watcher) except -1:
    cdef Session session
    for session in account.sessions:
        show_one(session, watcher)
    return 0


cdef int hide(Account account, Session watcher) except -1:
    cdef Session session
    cdef bytes stanza
    cdef Str absent
    absent.p, absent.n = NULL, 0
    for session in account.sessions:
        if is_there(session) and not apart(session, watcher):
            stanza = unavailable(session, absent)
            watcher.put_presence(stanza, watcher.account.to_attr, session.full)
    return 0


cdef int welcome(Exchange exchange, Session session) except -1:
    """A newly available resource learns who is there (RFC 6121 4.2.2 and 4.3: what probes would answer)."""
    cdef Account account = session.account, contact
    cdef PyObject* jid
    cdef PyObject* bits
    cdef Py_ssize_t at = 0
    cdef list far = []
    show(account, session)
    while PyDict_Next(account.contacts, &at, &jid, &bits):
        if <int><object>bits & SUB_TO:
            contact = exchange.accounts.find(str_of(<bytes>jid))
            if contact is None:
                note(exchange, account, <bytes>jid, far)
            elif contact is not account and contact.bits(account.jid) & SUB_FROM:
                show(contact, session)
    return probe_each(exchange, account, far)


# The client's own presence.

cdef int broadcast(Exchange exchange, Session session, Tokenizer tok, const Parcel* parcel) except -1:
    cdef int priority
    cdef bint first = not session.flags & S_AVAILABLE
    cdef bint shy = session.priority < 0
    if parcel.type != PRES_AVAILABLE:
        return withdraw(exchange, session, parcel)
    if not read_priority(tok, &priority):
        return exchange.bounce(session, parcel, BAD_REQUEST, session.bare_str())
    session.presence = packed(parcel)
    session.priority = priority
    session.flags |= S_AVAILABLE
    tell(exchange, session, session.presence)
    if first and not session.flags & S_ENDED:
        welcome(exchange, session)
        exchange.came(session)
    elif shy and priority >= 0:
        exchange.rose(session)
    return 0


cdef int withdraw(Exchange exchange, Session session, const Parcel* parcel) except -1:
    """Unavailable, but still bound: also for whom it had sent directed presence (RFC 6121 4.5.2, 4.6.3)."""
    cdef Parcel copy = parcel[0]
    cdef bint was_there = session.flags & S_AVAILABLE
    cdef list others = forget_directed(session, was_there)
    cdef bytes to
    cdef list stanzas = []
    for to in others:
        copy.head.to = str_of(to)
        stanzas.append(packed(&copy))
    if was_there:
        tell(exchange, session, packed(parcel))
        session.flags &= ~S_AVAILABLE
        session.presence = None
    for stanza in stanzas:      # what routes them reads them with other tokenizers: the view is not used after this
        exchange.own(stanza)
    return 0


cdef int depart(Exchange exchange, Session session) except -1:
    cdef bint was_there = session.flags & S_AVAILABLE
    cdef Str absent
    cdef bytes to
    absent.p, absent.n = NULL, 0
    if was_there:
        tell(exchange, session, unavailable(session, absent))
        session.flags &= ~S_AVAILABLE
        session.presence = None
    for to in forget_directed(session, was_there):
        exchange.own(unavailable(session, str_of(to)))
    return 0


# Directed presence (RFC 6121 4.6).

cdef list forget_directed(Session session, bint was_there):
    """Who had directed presence and does not learn the end by broadcast."""
    cdef dict directed = session.directed
    cdef JidParts parts
    cdef bytes to
    cdef list others = []
    if directed is None:
        return others
    session.directed = None
    for to in directed:
        jid_split(str_of(to), &parts)
        if not (was_there and session.account.bits(parts.bare.p[:parts.bare.n]) & SUB_FROM):
            others.append(to)
    return others


cdef int remember(Session session, const Parcel* parcel) except -1:
    """Answers whether there was room."""
    cdef bytes to = parcel.head.to.p[:parcel.head.to.n]
    if session.directed is None:
        session.directed = {}
    if parcel.type != PRES_AVAILABLE:
        session.directed.pop(to, None)
    elif len(session.directed) < MOST_DIRECTED or to in session.directed:
        session.directed[to] = None
    else:
        return False
    return True


cdef int direct(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1:
    if session is not None and not remember(session, parcel):
        return exchange.bounce(session, parcel, RESOURCE_CONSTRAINT, parcel.head.to)
    return 0 if account is None else hand_out(exchange, account, parcel)


cdef int hand_out(Exchange exchange, Account account, const Parcel* parcel) except -1:
    """RFC 6121 8.5.2.1.2, 8.5.3: to the resource, or to all that are available."""
    cdef Session target
    if parcel.to.resource.p != NULL:
        target = exchange.resource_of(account, parcel.to.resource)
        return target.splice(parcel, False) if target is not None else 0
    for target in account.sessions:
        if is_there(target):
            target.splice(parcel, False)
    return 0


cdef int pass_error(Exchange exchange, Session session, Account account, const Parcel* parcel) except -1:
    """To the resource that it is for. To all that are here where it answers a subscription request, which is sent from
    the bare JID: such errors come from other servers alone."""
    if account is None or (parcel.to.resource.p == NULL and session is not None):
        return 0
    return hand_out(exchange, account, parcel)


# Blocking (XEP-0191 3.3, 3.4).

cdef list forget_listed(Session session, set jids):
    """Who of these had directed presence and is no contact that sees us anyway."""
    cdef dict directed = session.directed
    cdef JidParts parts
    cdef bytes to
    cdef list found = []
    if directed is None:
        return found
    for to in [to for to in directed if listed(jids, str_of(to))]:
        del directed[to]
        jid_split(str_of(to), &parts)
        if not (is_there(session) and session.account.bits(parts.bare.p[:parts.bare.n]) & SUB_FROM):
            found.append(to)
    return found


cdef int part(Exchange exchange, Account account, set jids) except -1:
    cdef Account contact
    cdef Session session, watcher
    cdef PyObject* jid
    cdef PyObject* bits
    cdef Py_ssize_t at = 0
    cdef bytes to
    if not jids:
        return 0
    while PyDict_Next(account.contacts, &at, &jid, &bits):
        contact = exchange.accounts.find(str_of(<bytes>jid)) if <int><object>bits & SUB_FROM else None
        if contact is not None:
            for watcher in contact.sessions:
                if is_there(watcher) and listed(jids, str_of(watcher.full)):
                    hide(account, watcher)
    for session in account.sessions:
        for to in forget_listed(session, jids):
            exchange.own(unavailable(session, str_of(to)))
    return 0


cdef int rejoin(Exchange exchange, Account account, set jids) except -1:
    cdef Account contact
    cdef PyObject* jid
    cdef PyObject* bits
    cdef Py_ssize_t at = 0
    if not jids:
        return 0
    while PyDict_Next(account.contacts, &at, &jid, &bits):
        contact = exchange.accounts.find(str_of(<bytes>jid))
        if contact is not None:
            meet(account, contact, jids, <int><object>bits)
    return 0


cdef int meet(Account account, Account contact, set jids, int bits) except -1:
    """The account and those of the contact's resources that these JIDs name see each other as far as they may."""
    cdef Session session, other
    for other in contact.sessions:
        if not is_there(other) or not listed(jids, str_of(other.full)):
            continue
        if bits & SUB_FROM:
            show(account, other)
        if bits & SUB_TO and contact.bits(account.jid) & SUB_FROM:
            for session in account.sessions:
                if is_there(session):
                    show_one(other, session)
    return 0
