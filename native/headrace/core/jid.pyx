"""JIDs: an ASCII fast path that needs no memory, a bounded cache for the rest, and the class for the control plane.

The rule itself is headrace.core.prep; the fast path must agree with it on every ASCII text (tests/core/test_jid.py).
"""

cimport cython
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memchr, memcmp, memcpy

from headrace.core.buf cimport str_bytes, str_of

import os

cdef extern from "headrace/core/jid.h" nogil:
    enum:
        IN_LOCAL
        IN_DOMAIN
        IN_RESOURCE
        IS_UPPER
        NOT_ASCII
    const unsigned char headrace_jid_class[256]
    unsigned headrace_jid_classes(const char* p, size_t n, unsigned* any)

cdef enum Verdict:
    REFUSED = -1
    ITSELF = 0          # prepared as it is
    FOLDED = 1          # has to be written anew: upper case or a trailing dot
    ASK = 2             # the fast path can't tell: the rule has to be asked


cdef inline int judge_part(const char* p, size_t n, unsigned wanted) noexcept nogil:
    """By its characters and length alone."""
    cdef unsigned some, all_ = headrace_jid_classes(p, n, &some)
    if some & NOT_ASCII:        # also beside a bad character: < and U+0338 compose to something good
        return ASK
    if n == 0 or n > PART_BYTES or not all_ & wanted:
        return REFUSED
    return FOLDED if some & IS_UPPER and wanted != IN_RESOURCE else ITSELF


cdef inline int judge_label(const char* p, size_t n) noexcept nogil:
    """One label of a domain, known to have only characters that may stand there."""
    if n == 0 or n > 63 or p[0] == c'-' or p[n - 1] == c'-':
        return REFUSED
    if n > 4 and (p[0] | 0x20) == c'x' and (p[1] | 0x20) == c'n' and p[2] == c'-' and p[3] == c'-':
        return ASK
    return ITSELF


cdef int judge_domain(const char* p, size_t n) noexcept nogil:
    cdef const char* end = p + n
    cdef const char* dot
    cdef bint rooted = n > 1 and p[n - 1] == c'.'
    cdef int verdict, label
    if n and p[0] == c'[':
        return ASK
    if rooted:
        end -= 1
    verdict = judge_part(p, end - p, IN_DOMAIN)
    if verdict == REFUSED or verdict == ASK:
        return verdict
    while True:
        dot = <const char*>memchr(p, c'.', end - p)
        label = judge_label(p, (end if dot == NULL else dot) - p)
        if label != ITSELF:
            return label
        if dot == NULL:
            return FOLDED if rooted else verdict
        p = dot + 1


cdef void split(Str text, JidParts* out) noexcept nogil:
    """RFC 7622 3.1: the first / ends the bare JID, the first @ before it ends the localpart."""
    cdef const char* mark = NULL
    if text.n:      # an absent one has no bytes to look at
        mark = <const char*>memchr(text.p, c'/', text.n)
    out.bare = text
    out.node.p = out.resource.p = NULL
    out.node.n = out.resource.n = 0
    if mark != NULL:
        out.bare.n = mark - text.p
        out.resource.p = mark + 1
        out.resource.n = text.n - out.bare.n - 1
    out.domain = out.bare
    if out.bare.n == 0:
        return
    mark = <const char*>memchr(out.bare.p, c'@', out.bare.n)
    if mark != NULL:
        out.node.p = out.bare.p
        out.node.n = mark - out.bare.p
        out.domain.p = mark + 1
        out.domain.n = out.bare.n - out.node.n - 1


cdef int judge(const JidParts* parts) noexcept nogil:
    """The verdict on the whole: refused beats ask beats folded; what has to be asked may be refused there."""
    cdef int domain = judge_domain(parts.domain.p, parts.domain.n)
    cdef int local = ITSELF, resource = ITSELF
    if parts.node.p != NULL:
        local = judge_part(parts.node.p, parts.node.n, IN_LOCAL)
    if parts.resource.p != NULL:
        resource = judge_part(parts.resource.p, parts.resource.n, IN_RESOURCE)
    if domain == REFUSED or local == REFUSED or resource == REFUSED:
        return REFUSED
    return max(domain, local, resource)


cdef void jid_split(Str prepared, JidParts* out) noexcept nogil:
    split(prepared, out)


cdef inline uint64_t hash_bytes(uint64_t seed, const char* p, size_t n) noexcept nogil:
    """Enough for a cache whose sets are bounded: eight bytes at a time, multiplied and folded."""
    cdef uint64_t h = seed ^ (n * <uint64_t>0x9e3779b97f4a7c15), word
    while n:
        word = 0
        memcpy(&word, p, min(n, <size_t>8))
        h = (h ^ word) * <uint64_t>0xff51afd7ed558ccd
        h ^= h >> 32
        p += min(n, <size_t>8)
        n -= min(n, <size_t>8)
    return h


cdef bytes prepare_slowly(Str raw):
    """The prepared form by the rule; None for what is not a JID."""
    from headrace.core.prep import prepare

    try:
        return prepare(raw.p[:raw.n].decode()).encode()
    except BaseException:       # JIDError mostly; the callers are noexcept and take no half-done answer
        return None


@cython.final
@cython.no_gc
cdef class JidCache:
    def __cinit__(self, size_t capacity=2048):
        self.sets = 1
        while self.sets * WAYS < capacity:
            self.sets *= 2
        self.seed = <uint64_t>int.from_bytes(os.urandom(8), "little")
        self.entries = <Remembered*>calloc(self.sets * WAYS, sizeof(Remembered))
        if self.entries == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef size_t i
        if self.entries != NULL:
            for i in range(self.sets * WAYS):
                free(self.entries[i].text)
            free(self.entries)

    def lookup(self, bytes raw not None):
        """The prepared form of `raw`; None for what is not a JID."""
        cdef Str out
        return str_bytes(out) if self.prepare(str_of(raw), &out) == 0 else None

    cdef int prepare(self, Str raw, Str* out) noexcept:
        cdef JidParts parts
        cdef int verdict
        if raw.p == NULL or raw.n == 0 or raw.n > JID_BYTES:
            return -1
        split(raw, &parts)
        verdict = judge(&parts)
        if verdict == ITSELF:
            out[0] = raw
            return 0
        if verdict == FOLDED:
            self.fold(&parts, out)
            return 0
        return -1 if verdict == REFUSED else self.recall(raw, out)

    cdef void fold(self, const JidParts* parts, Str* out) noexcept:
        cdef size_t i, bare = parts.bare.n
        cdef unsigned char c
        for i in range(bare):
            c = <unsigned char>parts.bare.p[i]
            self.folded[i] = c | 0x20 if headrace_jid_class[c] & IS_UPPER else c
        if self.folded[bare - 1] == c'.':
            bare -= 1
        out.p = self.folded
        out.n = bare
        if parts.resource.p != NULL:
            self.folded[bare] = c'/'
            memcpy(self.folded + bare + 1, parts.resource.p, parts.resource.n)
            out.n = bare + 1 + parts.resource.n

    cdef int recall(self, Str raw, Str* out) noexcept:
        cdef uint64_t hash = hash_bytes(self.seed, raw.p, raw.n)
        cdef Remembered* ways = self.entries + (hash & (self.sets - 1)) * WAYS
        cdef Remembered* entry
        cdef Remembered* oldest = ways
        cdef int i
        self.tick += 1
        for i in range(WAYS):
            entry = ways + i
            if entry.text != NULL and entry.hash == hash and entry.raw_n == raw.n and \
                    memcmp(entry.text, raw.p, raw.n) == 0:
                break
            if entry.used < oldest.used:
                oldest = entry
        else:
            entry = oldest
            if self.remember(entry, hash, raw) < 0:
                return -1
        entry.used = self.tick
        out.p = entry.text + raw.n
        out.n = entry.prepared_n
        return 0 if out.n else -1

    cdef int remember(self, Remembered* entry, uint64_t hash, Str raw) noexcept:
        """Also what is not a JID, so that nobody has it worked out again and again. -1: no memory."""
        cdef bytes prepared = prepare_slowly(raw)
        cdef size_t n = 0 if prepared is None else len(prepared)
        cdef char* text = <char*>malloc(raw.n + n)
        if text == NULL:
            return -1
        memcpy(text, raw.p, raw.n)
        if n:
            memcpy(text + raw.n, <const char*>prepared, n)
        if entry.text == NULL:
            self.used += 1
        free(entry.text)
        entry.text = text
        entry.hash = hash
        entry.raw_n = <uint32_t>raw.n
        entry.prepared_n = <uint32_t>n
        return 0


cdef str text_of(Str part):
    return None if part.p == NULL else part.p[:part.n].decode()


cdef JID jid_of(str prepared):
    cdef JID jid = JID.__new__(JID)
    cdef JidParts parts
    cdef Str whole
    cdef Py_ssize_t n
    whole.p = PyUnicode_AsUTF8AndSize(prepared, &n)
    whole.n = n
    split(whole, &parts)
    jid.full = prepared
    jid.local = text_of(parts.node)
    jid.resource = text_of(parts.resource)
    jid.bare = prepared if jid.resource is None else text_of(parts.bare)
    jid.domain = jid.bare if jid.local is None else text_of(parts.domain)
    return jid


cdef str prepare_text(str text, bint assigned):
    """ASCII that is prepared already: itself. The rest, and every complaint: by the rule."""
    cdef JidParts parts
    cdef Str raw
    cdef Py_ssize_t n
    if text.isascii():
        raw.p = PyUnicode_AsUTF8AndSize(text, &n)
        raw.n = n
        split(raw, &parts)
        if judge(&parts) == ITSELF:
            return text
    from headrace.core.prep import prepare

    return prepare(text, assigned)


@cython.final
cdef class JID:
    def __init__(self, str local, str domain not None, str resource=None, *, bint assigned=False):
        if self.full is not None:
            raise AttributeError("a JID is frozen")
        from headrace.core.prep import prepare_domain, prepare_local, prepare_resource

        self.domain = prepare_domain(domain, assigned)
        self.local = None if local is None else prepare_local(local, assigned)
        self.resource = None if resource is None else prepare_resource(resource, assigned)
        self.bare = self.domain if self.local is None else f"{self.local}@{self.domain}"
        self.full = self.bare if self.resource is None else f"{self.bare}/{self.resource}"

    @staticmethod
    def parse(str text not None, *, bint assigned=False):
        """From its text. Raises JIDError with the part and the reason."""
        return jid_of(prepare_text(text, assigned))

    def with_resource(self, str resource):
        """The same account with this resource, or bare. Raises JIDError."""
        if resource is None:
            return jid_of(self.bare)
        from headrace.core.prep import prepare_resource

        return jid_of(f"{self.bare}/{prepare_resource(resource)}")

    def __str__(self):
        return self.full

    def __repr__(self):
        return f"JID.parse({self.full!r})"

    def __hash__(self):
        return hash(self.full)

    def __eq__(self, other):
        return self.full == (<JID>other).full if isinstance(other, JID) else NotImplemented

    def __reduce__(self):
        return JID.parse, (self.full,)
