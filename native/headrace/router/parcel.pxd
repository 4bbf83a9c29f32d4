# One stanza on its way: what routing found out about it, on the stack of the call that routes it.
from libc.stdint cimport uint64_t
from libc.string cimport memcmp
from headrace.core.buf cimport Str
from headrace.core.jid cimport JidParts
from headrace.core.tokenizer cimport StanzaView
from headrace.core.writer cimport Head

cdef enum:
    # Where the attributes of such a stanza begin, if we have written it.
    MESSAGE_AT = 8          # "<message"
    PRESENCE_AT = 9         # "<presence"

cdef enum Type:
    # Values of `type`, by kind of stanza.
    UNKNOWN_TYPE = 0
    MSG_NORMAL              # also absent and unknown ones (RFC 6121 5.2.2)
    MSG_CHAT
    MSG_GROUPCHAT
    MSG_HEADLINE
    MSG_ERROR
    IQ_GET
    IQ_SET
    IQ_RESULT
    IQ_ERROR
    PRES_AVAILABLE          # absent
    PRES_UNAVAILABLE
    PRES_ERROR
    PRES_PROBE
    PRES_SUBSCRIBE          # this and the following ones change a subscription
    PRES_SUBSCRIBED
    PRES_UNSUBSCRIBE
    PRES_UNSUBSCRIBED

cdef struct Parcel:
    const StanzaView* view
    int type                # Type
    Head head               # as it will be written: from_ and to prepared
    JidParts to             # of head.to; bare.p == NULL without one
    Str piece               # XML that goes in behind the body of the recipient's copies (its stanza-id); p NULL: none
    Str sent_piece          # likewise of the copies for the sender's other sessions
    uint64_t number         # of the recipient's copy in the archive, or of the message in the spool; 0: in neither
    bint offline            # the number is that of an offline message: no archive of the recipient's has it

# lang: of the sender's stream; the caller keeps it and what sender looks at. Whose `to` it is has to be found out.
cdef int fill(Parcel* parcel, const StanzaView* view, Str sender, bytes lang) except -1
cdef int stanza_type(int kind, Str type) noexcept nogil
# No error is ever sent for this one (RFC 6120 8.3.1): it is an error or a result itself.
cdef bint is_answer(const Parcel* parcel) noexcept nogil
# Presence that only says good-bye or no: if it gets nowhere, its sender need not know.
cdef bint is_last_word(const Parcel* parcel) noexcept nogil
cdef bint equal(Str a, Str b) noexcept nogil
cdef inline bint named(Str value, const char* name, size_t n) noexcept nogil:
    return value.n == n and not memcmp(value.p, name, n)
# A self-contained copy, as it goes to the receiver: new head, no xmlns.
cdef bytes packed(const Parcel* parcel)
