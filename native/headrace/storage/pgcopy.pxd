# A packed group as PostgreSQL's COPY takes it (binary format): its documentation, "COPY", "File Formats".
from libc.stdint cimport int16_t, int32_t, int64_t

from headrace.core.buf cimport Buf
from headrace.router.group cimport Group


cdef int put_int16(Buf* out, int16_t value) except -1 nogil     # these: big endian
cdef int put_int32(Buf* out, int32_t value) except -1 nogil
cdef int put_int64(Buf* out, int64_t value) except -1 nogil
cdef int put_number(Buf* out, int64_t value) except -1 nogil    # a bigint field: its length, then itself
