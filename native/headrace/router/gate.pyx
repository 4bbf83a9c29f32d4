"""What stands between a stanza and an outbox.

What an inactive session need not have at once waits in front of its outbox (headrace.router.quiet). Of the first
message for a session without a link its user is told in another way (Control.missed): once until it has one again.
"""
from libc.string cimport memcpy
from headrace.core.buf cimport str_bytes
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.names cimport bit, K_BODY, K_JINGLE_MESSAGE, K_STORE
from headrace.core.tokenizer cimport KIND_MESSAGE, Tokenizer
from headrace.router.outbox cimport SHARED
from headrace.router.parcel cimport MSG_CHAT, MSG_NORMAL, PRESENCE_AT, equal, fill, packed
from headrace.router.quiet cimport Quiet, V_EVENT, V_NOW, V_PRESENCE, verdict
from headrace.router.session cimport S_CARBONS, S_ENDED, S_HIBERNATED, S_INACTIVE, S_PUSHED


cdef bint opens(Session session, const Parcel* parcel) except -1:
    cdef int found = V_NOW
    if session.flags & S_ENDED:
        return False
    if parcel != NULL and session.flags & (S_HIBERNATED | S_PUSHED) == S_HIBERNATED:
        tell_missed(session, parcel)
    if not session.flags & S_INACTIVE:
        return True
    if parcel != NULL:
        found = verdict(parcel)
        if not session.router.waiting & (1 << found):
            found = V_NOW
    if found == V_PRESENCE:
        session.quiet.hold(str_bytes(parcel.head.from_), packed(parcel))
    elif found == V_EVENT:
        session.quiet.hold_event(packed(parcel))
    if found == V_NOW or session.quiet.full():
        release(session)
    return found == V_NOW


cdef bint opens_for(Session session, Reader reader, bytes stanza) except -1:
    cdef Parcel parcel
    cdef Tokenizer tok = reader.take(stanza)
    try:
        fill(&parcel, tok.view, tok.view.from_, None)
        return opens(session, &parcel)
    finally:
        reader.give(tok)


cdef bint hold_presence(Session session, bytes stanza, bytes to_attr, bytes sender) except -1:
    if not session.router.waiting & (1 << V_PRESENCE) or session.flags & S_ENDED:
        return False
    session.quiet.hold(sender, stanza[:PRESENCE_AT] + to_attr + stanza[PRESENCE_AT:])
    if session.quiet.full():
        release(session)
    return True


cdef int release(Session session) except -1:
    """What waits enters the outbox, in order."""
    cdef bytes stanza
    cdef Py_ssize_t n
    for stanza in session.quiet.take():
        n = len(stanza)
        memcpy(session.outbox.reserve(n), <char*>stanza, n)
        session.added(n, SHARED, 0)
    return 0


cdef int indicate(Session session, bint active) except -1:
    session.flags &= ~S_PUSHED
    if not active and not session.flags & (S_INACTIVE | S_ENDED):
        session.quiet = Quiet()
        session.flags |= S_INACTIVE
    elif active and session.flags & S_INACTIVE:
        release(session)
        session.quiet = None
        session.flags &= ~S_INACTIVE
    return 0


cdef int want_copies(Session session, bint on) except -1:
    if bool(session.flags & S_CARBONS) != on:
        session.account.carbons += 1 if on else -1
        session.flags ^= S_CARBONS
    return 0


cdef int tell_missed(Session session, const Parcel* parcel) except -1:
    """Of what others say to its user: a message that would be shown, or a call (XEP-0353)."""
    cdef JidParts sender
    if parcel.head.kind != KIND_MESSAGE or parcel.type not in (MSG_NORMAL, MSG_CHAT) or parcel.head.from_.p == NULL:
        return 0
    jid_split(parcel.head.from_, &sender)
    if equal(sender.bare, session.bare_str()) or not parcel.view.known & (
            bit(K_BODY) | bit(K_STORE) | bit(K_JINGLE_MESSAGE)):
        return 0
    session.flags |= S_PUSHED
    return session.router.missed(session, parcel)


cdef int tell_of_held(Session session, Reader reader) except -1:
    cdef Parcel parcel
    cdef Tokenizer tok
    cdef bytes stanza
    for stanza, *_ in session.outbox.orphans():
        tok = reader.take(stanza)
        try:
            fill(&parcel, tok.view, tok.view.from_, None)
            tell_missed(session, &parcel)
        finally:
            reader.give(tok)
        if session.flags & S_PUSHED:
            return 0
    return 0
