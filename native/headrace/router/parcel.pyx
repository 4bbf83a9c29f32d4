"""One stanza on its way."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcmp
from headrace.core.buf cimport str_of
from headrace.core.tokenizer cimport KIND_IQ, KIND_MESSAGE, KIND_PRESENCE
from headrace.core.writer cimport splice_size, splice_write


cdef inline int message_type(Str type) noexcept nogil:
    if named(type, "chat", 4):
        return MSG_CHAT
    if named(type, "error", 5):
        return MSG_ERROR
    if named(type, "headline", 8):
        return MSG_HEADLINE
    if named(type, "groupchat", 9):
        return MSG_GROUPCHAT
    return MSG_NORMAL


cdef inline int iq_type(Str type) noexcept nogil:
    if named(type, "get", 3):
        return IQ_GET
    if named(type, "set", 3):
        return IQ_SET
    if named(type, "result", 6):
        return IQ_RESULT
    if named(type, "error", 5):
        return IQ_ERROR
    return UNKNOWN_TYPE


cdef inline int presence_type(Str type) noexcept nogil:
    if type.p == NULL:
        return PRES_AVAILABLE
    if named(type, "unavailable", 11):
        return PRES_UNAVAILABLE
    if named(type, "error", 5):
        return PRES_ERROR
    if named(type, "probe", 5):
        return PRES_PROBE
    if named(type, "subscribe", 9):
        return PRES_SUBSCRIBE
    if named(type, "subscribed", 10):
        return PRES_SUBSCRIBED
    if named(type, "unsubscribe", 11):
        return PRES_UNSUBSCRIBE
    if named(type, "unsubscribed", 12):
        return PRES_UNSUBSCRIBED
    return UNKNOWN_TYPE


cdef int stanza_type(int kind, Str type) noexcept nogil:
    if kind == KIND_MESSAGE:
        return message_type(type)
    return iq_type(type) if kind == KIND_IQ else presence_type(type)


cdef bint is_answer(const Parcel* parcel) noexcept nogil:
    return parcel.type in (MSG_ERROR, IQ_RESULT, IQ_ERROR, PRES_ERROR)


cdef bint is_last_word(const Parcel* parcel) noexcept nogil:
    return parcel.head.kind == KIND_PRESENCE and parcel.type not in (PRES_AVAILABLE, PRES_PROBE, PRES_SUBSCRIBE)


cdef bint equal(Str a, Str b) noexcept nogil:
    return a.n == b.n and not memcmp(a.p, b.p, a.n)


cdef bytes packed(const Parcel* parcel):
    cdef bytes copy = PyBytes_FromStringAndSize(NULL, splice_size(&parcel.head, parcel.view, 0))
    splice_write(PyBytes_AS_STRING(copy), &parcel.head, parcel.view, NULL, 0)
    return copy


cdef int fill(Parcel* parcel, const StanzaView* view, Str sender, bytes lang) except -1:
    parcel.view = view
    parcel.type = stanza_type(view.kind, view.type)
    parcel.head.kind = view.kind
    parcel.head.from_ = sender
    parcel.head.to = view.to
    parcel.head.id = view.id
    parcel.head.type = view.type
    parcel.head.lang = view.lang if view.lang.p != NULL else str_of(lang)
    parcel.to.bare.p = parcel.piece.p = parcel.sent_piece.p = NULL
    parcel.piece.n = parcel.sent_piece.n = 0
    parcel.number = 0
    parcel.offline = False
    return 0
