"""Message Carbons (XEP-0280).

Which messages are copied, by the rules of its section 6.1 (urn:xmpp:carbons:rules:0), in this order:

    with <private/> or <no-copy/> (XEP-0334), of type groupchat     never
    received: from an occupant of a room (muc#user), no invitation  never: the room sends to all who have joined
    of type error                                                   if it answers a message that was copied
    of type chat; normal with a body; with a receipt, chat state
    or marker; with a direct or mediated invitation to a room       yes

A copy goes neither to who sent the message nor to who gets it anyway. Of a message to one's own account there is one,
as sent. A message that waits for somebody to come (P_ABSENT) is copied to those alone who are here and don't take it:
the others get it later, and once.

One copy is written for all, without `to`, and each session's is put in as it is queued.
"""
from libc.stdlib cimport calloc
from libc.string cimport memcpy, memmove, strlen
from headrace.core.buf cimport Buf, buf_free, buf_put, buf_reserve, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.names cimport (
    bit, K_BODY, K_CARBON_PRIVATE, K_CHATSTATE, K_INVITE, K_MARKER, K_MUC_USER_X, K_NO_COPY, K_RECEIPT
)
from headrace.core.tokenizer cimport MAX_CHILDREN, Tokenizer
from headrace.core.writer cimport splice_bound, splice_write
from headrace.router.delivery cimport takes, takes_messages
from headrace.router.parcel cimport (
    MESSAGE_AT, MSG_CHAT, MSG_ERROR, MSG_GROUPCHAT, MSG_HEADLINE, MSG_NORMAL, equal, fill
)
from headrace.router.session cimport S_AVAILABLE, S_CARBONS, S_ENDED
from headrace.router.siphash cimport siphash13

cdef extern from "<string.h>" nogil:
    void* memmem(const void* p, size_t n, const void* wanted, size_t wanted_n)

cdef enum:
    WRAPPING = 256          # bytes around the message and its namespace, the account's JID aside

cdef extern from *:
    """
    #define CARBON_OPEN(name) "><" name " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
    #define CARBON_CLOSE(name) "</forwarded></" name "></message>"
    static const char carbon_xmlns[] = " xmlns='jabber:client'";
    static const char *const carbon_open[] = { CARBON_OPEN("received"), CARBON_OPEN("sent") };
    static const char *const carbon_close[] = { CARBON_CLOSE("received"), CARBON_CLOSE("sent") };
    """
    const char carbon_xmlns[23]
    const char* carbon_open[2]
    const char* carbon_close[2]


# Which.

cdef bint names_invite(const char* p, const char* end) noexcept nogil:
    """A tag of that name, prefixed or not. Text can't look like it, a CDATA section may: then a copy is made."""
    while end - p > 6:
        p = <const char*>memmem(p + 1, end - p - 1, b"invite", 6)
        if p == NULL:
            return False
        if (p - 1)[0] == c'<' or (p - 1)[0] == c':':
            return True
    return False


cdef bint mediated(const Parcel* parcel) noexcept nogil:
    """Has it a mediated invitation (XEP-0045 7.8.2): an <invite/> in muc#user's <x/>?"""
    cdef int i
    cdef const char* base = parcel.view.base
    for i in range(min(<int>parcel.view.children, <int>MAX_CHILDREN)):
        if parcel.view.child[i].known == K_MUC_USER_X:
            if names_invite(base + parcel.view.child[i].inner, base + parcel.view.child[i].inner_end):
                return True
    return False


cdef bint from_occupant(const Parcel* parcel) noexcept nogil:
    cdef JidParts parts
    jid_split(parcel.head.from_, &parts)
    return parts.resource.p != NULL


cdef bint eligible(const Parcel* parcel, bint received) noexcept nogil:
    """All rules but that of errors."""
    cdef uint64_t known = parcel.view.known
    cdef bint invites = False
    if parcel.type == MSG_GROUPCHAT or known & (bit(K_CARBON_PRIVATE) | bit(K_NO_COPY)):
        return False
    if known & bit(K_MUC_USER_X):
        invites = mediated(parcel)
        if received and not invites and from_occupant(parcel):
            return False
    if parcel.type == MSG_ERROR:
        return False
    if parcel.type == MSG_CHAT or (parcel.type == MSG_NORMAL and known & bit(K_BODY)):
        return True
    return invites or known & (bit(K_RECEIPT) | bit(K_CHATSTATE) | bit(K_MARKER) | bit(K_INVITE)) != 0


# Errors answer what was copied: by the other's account and the message's id.

cdef uint64_t known_by(Exchange exchange, Str jid, Str id) noexcept:
    cdef JidParts parts
    jid_split(jid, &parts)
    return siphash13(siphash13(exchange.accounts.k0, exchange.accounts.k1, id.p, id.n), exchange.accounts.k1,
                     parts.bare.p, parts.bare.n)


cdef int remember(Exchange exchange, Account account, const Parcel* parcel) except -1:
    if parcel.head.id.p == NULL:
        return 0
    if account.copied == NULL:
        account.copied = <uint64_t*>calloc(REMEMBERED, sizeof(uint64_t))
        if account.copied == NULL:
            raise MemoryError
    account.copied[account.copies % REMEMBERED] = known_by(exchange, parcel.head.to, parcel.head.id)
    account.copies += 1
    return 0


cdef bint answers_copy(Exchange exchange, Account account, const Parcel* parcel) except -1:
    cdef uint64_t wanted
    cdef int i
    if account.copied == NULL or parcel.head.id.p == NULL:
        return False
    wanted = known_by(exchange, parcel.head.from_, parcel.head.id)
    for i in range(REMEMBERED):
        if account.copied[i] == wanted:
            return True
    return False


# Writing.

cdef int put_type(Buf* out, const Parcel* parcel) except -1:
    """The wrapping message's: the same. An unknown one counts as normal."""
    if parcel.head.type.p == NULL:
        return 0
    if parcel.type == MSG_CHAT:
        return buf_put(out, b" type='chat'", 12)
    if parcel.type == MSG_ERROR:
        return buf_put(out, b" type='error'", 13)
    if parcel.type == MSG_HEADLINE:
        return buf_put(out, b" type='headline'", 16)
    return buf_put(out, b" type='normal'", 14)


cdef void put_inner(Buf* out, const Parcel* parcel, Str piece) noexcept:
    """The message itself; it stands below no stream root, so it says its namespace. There is room for it."""
    cdef size_t n = sizeof(carbon_xmlns) - 1
    cdef char* start = out.p + out.n
    cdef char* end = splice_write(start + n, &parcel.head, parcel.view, piece.p, piece.n)
    memmove(start, start + n, MESSAGE_AT)
    memcpy(start + MESSAGE_AT, carbon_xmlns, n)
    out.n = end - out.p


cdef int write_copy(Buf* out, Account account, const Parcel* parcel, Str piece, bint sent) except -1:
    """Without `to`."""
    cdef const char* opening = carbon_open[sent]
    cdef const char* closing = carbon_close[sent]
    buf_reserve(out, WRAPPING + len(account.jid) + splice_bound(&parcel.head, parcel.view, piece.n))
    buf_put(out, b"<message from='", 15)
    buf_put(out, <char*>account.jid, len(account.jid))     # nothing in it to escape: see Account.to_attr
    buf_put(out, b"'", 1)
    put_type(out, parcel)
    buf_put(out, opening, strlen(opening))
    put_inner(out, parcel, piece)
    return buf_put(out, closing, strlen(closing))


# To whom.

cdef bint others_want(Account account, Session but) noexcept:
    return account.carbons != 0 and (account.carbons > 1 or but is None or not but.flags & S_CARBONS)


cdef bint wanted_by(Session session, Session sender, Session target, bint bare, bint absent) noexcept:
    if session.flags & (S_CARBONS | S_ENDED) != S_CARBONS or session is sender or session is target:
        return False
    if not bare:
        return True
    return not takes(session) and (not absent or session.flags & S_AVAILABLE)


cdef int hand_out(Exchange exchange, Account account, const Parcel* parcel, Session sender, Session target, bint bare,
                  bint sent) except -1:
    """How many got it whose number is done with when they are."""
    cdef Session session
    cdef bint absent = bare and (account.catching_up or not takes_messages(account, None))
    cdef Str piece = parcel.sent_piece if sent else parcel.piece
    cdef uint64_t number = 0 if sent else parcel.number
    cdef int takers = 0
    cdef Buf out
    out.p, out.n, out.cap = NULL, 0, 0
    try:
        for session in account.sessions:
            if not wanted_by(session, sender, target, bare, absent):
                continue
            if out.n == 0:
                write_copy(&out, account, parcel, piece, sent)
                if out.n > LARGEST:
                    break
            session.put_copy(parcel, out.p, out.n, number)
            takers += number != 0 and not session.apart()
    finally:
        buf_free(&out)
    return takers


cdef int copy_received(
        Exchange exchange, Session sender, Account account, const Parcel* parcel, Session target) except -1:
    cdef bint own = sender is not None and sender.account is account
    if not others_want(account, target):
        return 0
    if parcel.type == MSG_ERROR:
        if target is None or not answers_copy(exchange, account, parcel):
            return 0
    elif not eligible(parcel, not own):
        return 0
    return hand_out(exchange, account, parcel, sender, target, target is None, own)


cdef int copy_sent(Exchange exchange, Session sender, const Parcel* parcel) except -1:
    if sender is None or not others_want(sender.account, sender):
        return 0
    return copy_to_others(exchange, sender.account, sender, parcel)


cdef int copy_to_others(Exchange exchange, Account account, Session sender, const Parcel* parcel) except -1:
    cdef JidParts to
    if not eligible(parcel, False):
        return 0
    remember(exchange, account, parcel)
    jid_split(parcel.head.to, &to)
    if equal(to.bare, str_of(account.jid)):
        return 0            # one copy is enough: copy_received makes it
    return hand_out(exchange, account, parcel, sender, None, False, True)


cdef int copy_error(Exchange exchange, Reader reader, Session target, bytes stanza) except -1:
    cdef Parcel parcel
    cdef Tokenizer tok = reader.take(stanza)
    try:
        fill(&parcel, tok.view, tok.view.from_, None)
        return copy_received(exchange, None, target.account, &parcel, target)
    finally:
        reader.give(tok)
