"""A packed group in PostgreSQL's binary COPY format. See pgcopy.pxd."""
from libc.stdint cimport int16_t, int32_t, int64_t
from libc.string cimport memcpy

from headrace.core.buf cimport Buf, buf_free, buf_put
from headrace.router.group cimport M_ARCHIVE_A, M_ARCHIVE_B, M_OFFLINE, M_SPOOL, Group, Row

cdef extern from "<endian.h>" nogil:
    int16_t htobe16(int16_t)
    int32_t htobe32(int32_t)
    int64_t htobe64(int64_t)


def jids(Group group not None):
    cdef const char* p = group.rows.p
    cdef const char* end = p + group.rows.n
    cdef set found = set()
    cdef Row row
    while p < end:
        memcpy(&row, p, sizeof(Row))
        p += sizeof(Row)
        found.add(p[:row.a])
        p += row.a
        found.add(p[:row.b])
        p += <size_t>row.b + row.stanza
    return found


def copies(Group group not None, dict numbers not None):
    cdef const char* p = group.rows.p
    cdef const char* end = p + group.rows.n
    cdef int64_t a, b
    cdef Buf messages = Buf(NULL, 0, 0)
    cdef Buf boxes = Buf(NULL, 0, 0)
    cdef Buf spooled = Buf(NULL, 0, 0)
    cdef Row row
    try:
        put_head(&messages)
        put_head(&boxes)
        while p < end:
            memcpy(&row, p, sizeof(Row))
            p += sizeof(Row)
            a = numbers[p[:row.a]]
            p += row.a
            b = numbers[p[:row.b]]
            p += row.b
            put_message(&messages, &row, a, b, p)
            p += row.stanza
            if row.flags & (M_OFFLINE | M_ARCHIVE_B) or (row.flags & M_ARCHIVE_A and a == b):
                put_box(&boxes, row.id, b, a)
            if (row.flags & M_ARCHIVE_A or row.sm_key) and a != b:
                put_box(&boxes, row.id, a, b)
            if row.flags & M_SPOOL:
                if spooled.n == 0:
                    put_head(&spooled)
                put_int16(&spooled, 1)
                put_number(&spooled, row.id)
        put_int16(&messages, -1)
        put_int16(&boxes, -1)
        if spooled.n:
            put_int16(&spooled, -1)
        return messages.p[:messages.n], boxes.p[:boxes.n], spooled.p[:spooled.n]
    finally:
        buf_free(&messages)
        buf_free(&boxes)
        buf_free(&spooled)


cdef int put_head(Buf* out) except -1 nogil:
    buf_put(out, b"PGCOPY\n\xff\r\n\0", 11)
    put_int32(out, 0)       # flags
    return put_int32(out, 0)    # bytes of extension


cdef int put_message(Buf* out, const Row* row, int64_t a, int64_t b, const char* stanza) except -1 nogil:
    put_int16(out, 7)
    put_number(out, row.id)
    put_number(out, a)
    put_number(out, b)
    put_int32(out, 4)
    put_int32(out, <int32_t>row.flags & ~<int32_t>M_SPOOL)
    put_int32(out, <int32_t>row.stanza)
    buf_put(out, stanza, row.stanza)
    put_number(out, <int64_t>row.sm_key)
    return put_number(out, row.h)


cdef int put_box(Buf* out, int64_t id, int64_t owner, int64_t peer) except -1 nogil:
    put_int16(out, 3)
    put_number(out, owner)
    put_number(out, id)
    return put_number(out, peer)


cdef int put_int16(Buf* out, int16_t value) except -1 nogil:
    value = htobe16(value)
    return buf_put(out, &value, 2)


cdef int put_int32(Buf* out, int32_t value) except -1 nogil:
    value = htobe32(value)
    return buf_put(out, &value, 4)


cdef int put_int64(Buf* out, int64_t value) except -1 nogil:
    value = htobe64(value)
    return buf_put(out, &value, 8)


cdef int put_number(Buf* out, int64_t value) except -1 nogil:
    put_int32(out, 8)
    return put_int64(out, value)
