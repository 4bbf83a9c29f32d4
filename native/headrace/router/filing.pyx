"""Where a message that must be kept is kept."""
from libc.stdint cimport uint32_t, uint64_t
from headrace.core.buf cimport buf_free, buf_put, buf_reserve, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.writer cimport splice_bound, splice_write
from headrace.router.account cimport archives
from headrace.router.archive cimport STANZA_ID
from headrace.router.group cimport M_ARCHIVE_A, M_ARCHIVE_B, M_GIVEN, M_OFFLINE, M_SPOOL
from headrace.router.keeping cimport KEEP_ARCHIVE


cdef bint sender_keeps(Session session, object visitor, const Parcel* parcel) except -1:
    if session is not None:
        return archives(session.account, parcel.head.to)
    return visitor is not None and visitor.archives


cdef uint32_t whose(Session session, object visitor, Account account, const Parcel* parcel, int kept) except? 0xFFFF:
    """In which archives the message belongs; a recipient's who keeps none waits as an offline row. What goes elsewhere
    waits in the spool, whatever archive has it."""
    cdef uint32_t flags = 0
    if kept == KEEP_ARCHIVE and sender_keeps(session, visitor, parcel):
        flags |= M_ARCHIVE_A
    if account is None:
        return flags | M_SPOOL
    if kept == KEEP_ARCHIVE and archives(account, parcel.head.from_):
        return flags | M_ARCHIVE_B | M_GIVEN
    return flags | M_OFFLINE


cdef class Filing:
    def __dealloc__(self):
        buf_free(&self.text)
        buf_free(&self.piece)
        buf_free(&self.sent_piece)

    cdef bint file(self, Archive archive, Session session, object visitor, Account account, Parcel* parcel,
                   int kept) except -1:
        cdef Str a, b
        cdef JidParts parts
        cdef uint32_t flags
        cdef uint64_t number
        jid_split(parcel.head.from_, &parts)
        a = parts.bare
        if account is not None:
            b = str_of(account.jid)
        else:
            jid_split(parcel.head.to, &parts)
            b = parts.bare
        flags = whose(session, visitor, account, parcel, kept)
        number = archive.next()
        if number == 0:
            return False
        self.queue(archive, session, visitor, account, parcel, number, a, b, flags)
        if flags & (M_ARCHIVE_B | M_OFFLINE | M_SPOOL):
            parcel.number = number
            parcel.offline = flags & M_OFFLINE != 0
        if flags & M_ARCHIVE_B:
            parcel.piece = self.stanza_id(archive, &self.piece, number, b)
        if flags & M_ARCHIVE_A:
            parcel.sent_piece = self.stanza_id(archive, &self.sent_piece, number, a)
        return True

    cdef int queue(self, Archive archive, Session session, object visitor, Account account, const Parcel* parcel,
                   uint64_t number, Str a, Str b, uint32_t flags) except -1:
        cdef size_t n
        cdef uint64_t ticket = 0, sm_key = 0
        cdef uint32_t h = 0
        cdef object sender = session
        if session is not None:
            ticket = session.hold()
            if ticket:
                sm_key = session.sm_key
                h = session.committing(ticket)
        elif visitor is not None:
            sender = visitor
            ticket, sm_key, h = visitor.kept(number)
        self.text.n = 0
        buf_reserve(&self.text, splice_bound(&parcel.head, parcel.view, 0))
        n = splice_write(self.text.p, &parcel.head, parcel.view, NULL, 0) - self.text.p
        archive.add(number, self.text.p, n, a, b, flags, account, sender, ticket, sm_key, h)
        return 0

    cdef Str stanza_id(self, Archive archive, Buf* out, uint64_t number, Str owner) except *:
        """XEP-0359. A prepared bare JID has nothing in it that must be escaped."""
        cdef char id[STANZA_ID]
        cdef Str made
        archive.stanza_id(number, owner, id)
        out.n = 0
        buf_put(out, b"<stanza-id xmlns='urn:xmpp:sid:0' by='", 38)
        buf_put(out, owner.p, owner.n)
        buf_put(out, b"' id='", 6)
        buf_put(out, id, STANZA_ID)
        buf_put(out, b"'/>", 3)
        made.p, made.n = out.p, out.n
        return made
