# Which messages must be kept (protocol.md 3): what XEP-0313 5.1.2, XEP-0160 or <store/> would store, and no hint
# forbids.
from libc.stdint cimport uint64_t
from headrace.core.tokenizer cimport StanzaView
from headrace.router.parcel cimport Parcel

cdef enum Keeping:
    KEEP_NOT            # counts as handled at once
    KEEP_OFFLINE        # <no-permanent-store/>: until its receiver has it, in no archive
    KEEP_ARCHIVE

cdef int keeping(const Parcel* parcel) noexcept nogil       # Keeping
# Are all its direct children of these kinds (headrace.core.names.bit)? More of them than are told apart: they aren't.
cdef bint only(const StanzaView* view, uint64_t kinds) noexcept nogil
