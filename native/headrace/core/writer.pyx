"""Skeleton; its owner fills it."""


cdef bint splice_allowed(const StanzaView* view) noexcept nogil:
    return 0


cdef size_t splice_size(const Head* head, const StanzaView* view, size_t pieces) noexcept nogil:
    return 0


cdef char* splice_write(char* dst, const Head* head, const StanzaView* view, const char* piece, size_t pieces, size_t* attrs_at) noexcept nogil:
    return NULL


cdef int write_stanza(Buf* out, const Head* head, const char* body, size_t body_n, size_t* attrs_at) except -1 nogil:
    return 0


cdef int put_escaped(Buf* out, Str value) except -1 nogil:
    return 0


cdef size_t escaped_size(Str value) noexcept nogil:
    return 0
