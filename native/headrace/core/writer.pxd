# Writing: heads, splices, escapes. Sizes are computed exactly first: a stanza is written straight into its place.
from headrace.core.buf cimport Buf, Str
from headrace.core.tokenizer cimport StanzaView


cdef struct Head:
    # The head of a stanza as we write it: decoded, prepared values; absent ones are left out.
    int kind            # Kind: message, presence or iq
    Str from_
    Str to
    Str id
    Str type
    Str lang

# May this element be copied under a new head? (protocol.md 1, points 1-4; judged children are the router's business)
cdef bint splice_allowed(const StanzaView* view) noexcept nogil
# Exact size of head + declarations + pieces + body of view, without xmlns.
cdef size_t splice_size(const Head* head, const StanzaView* view, size_t pieces) noexcept nogil
# Never less than splice_size(), and much cheaper: nothing is looked at. Six bytes is the longest escape; 64 hold the
# names, quotes and brackets of a stanza.
cdef inline size_t splice_bound(const Head* head, const StanzaView* view, size_t pieces) noexcept nogil:
    cdef size_t size = 64 + 6 * (head.from_.n + head.to.n + head.id.n + head.type.n + head.lang.n)
    cdef int i
    for i in range(view.decls):
        size += 1 + view.decl_n[i]
    return size + view.body_end - view.body + pieces

# Writes it at dst (splice_size bytes) and returns the end. piece/pieces: bytes spliced in before the end tag, or
# NULL, 0.
cdef char* splice_write(
    char* dst, const Head* head, const StanzaView* view, const char* piece, size_t pieces) noexcept nogil
# A stanza written by ourselves, appended: head, then body as given (already XML), closed properly.
cdef int write_stanza(Buf* out, const Head* head, const char* body, size_t body_n) except -1 nogil
# Text or attribute value, escaped (& < > " ' and the controls that a parser would normalise).
cdef int put_escaped(Buf* out, Str value) except -1 nogil
cdef size_t escaped_size(Str value) noexcept nogil
