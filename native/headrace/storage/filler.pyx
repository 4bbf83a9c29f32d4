# distutils: libraries = sqlite3
"""Puts messages into the boxes of their owners, many at a time: see sql/sqlite/0012_sheets.sql. Each message is read
once; an owner's new entries go into one sheet, or a few, whatever their number."""
from libc.stdint cimport int64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy

from headrace.core.buf cimport Buf, buf_free, buf_put
from headrace.router.group cimport M_ARCHIVE_A, M_ARCHIVE_B, M_OFFLINE
from headrace.storage.connection cimport Connection, once
from headrace.storage.csqlite cimport *

SHEET = MOST


cdef class Filler:
    def __cinit__(self):
        self.posted = Buf(NULL, 0, 0)

    def __dealloc__(self):
        buf_free(&self.posted)

    def __init__(self, Connection connection):
        self.connection = connection
        self.messages = connection.prepare("SELECT id, a, b, flags FROM message WHERE id > ? AND id <= ?")
        self.last_sheet = connection.prepare(
            "SELECT first, entries FROM box WHERE owner = ? ORDER BY first DESC LIMIT 1")
        self.put_sheet = connection.prepare("REPLACE INTO box(owner, first, entries) VALUES (?, ?, ?)")
        self.put_peer = connection.prepare("INSERT OR IGNORE INTO box_peer(owner, peer, first) VALUES (?, ?, ?)")

    cdef int run(self, int64_t after, int64_t up_to) except -1 nogil:
        """SQLITE_DONE or an error code."""
        cdef const Posted* p
        cdef const Posted* next
        cdef const Posted* end
        cdef int code = self.collect(after, up_to)
        cdef size_t count = self.posted.n // sizeof(Posted)
        if count == 0:
            return code
        qsort(self.posted.p, count, sizeof(Posted), by_owner)
        p = <const Posted*>self.posted.p
        end = p + count
        while code == SQLITE_DONE and p < end:
            next = p + 1
            while next < end and next.owner == p.owner:
                next += 1
            code = self.fill_box(p, next)
            p = next
        return code

    cdef int collect(self, int64_t after, int64_t up_to) except -1 nogil:
        cdef sqlite3_stmt* messages = self.messages.handle
        cdef int code
        sqlite3_bind_int64(messages, 1, after)
        sqlite3_bind_int64(messages, 2, up_to)
        code = sqlite3_step(messages)
        try:
            while code == SQLITE_ROW:
                self.post(messages)
                code = sqlite3_step(messages)
        finally:
            sqlite3_reset(messages)
        return code

    cdef int post(self, sqlite3_stmt* message) except -1 nogil:
        """A message to oneself has one entry."""
        cdef int64_t id = sqlite3_column_int64(message, 0)
        cdef int64_t a = sqlite3_column_int64(message, 1)
        cdef int64_t b = sqlite3_column_int64(message, 2)
        cdef int64_t flags = sqlite3_column_int64(message, 3)
        cdef bint got = flags & (M_OFFLINE | M_ARCHIVE_B) != 0
        cdef bint sent = flags & M_ARCHIVE_A != 0
        if got:
            self.put(b, id, a)
        if sent and not (got and a == b):
            self.put(a, id, b)
        return 0

    cdef int put(self, int64_t owner, int64_t id, int64_t peer) except -1 nogil:
        cdef Posted posted
        posted.owner = owner
        posted.entry.id = id
        posted.entry.peer = peer
        return buf_put(&self.posted, &posted, sizeof(Posted))

    cdef int fill_box(self, const Posted* p, const Posted* end) noexcept nogil:
        cdef int64_t owner = p.owner, first = 0
        cdef int code = self.open_sheet(owner, &first)
        while code == SQLITE_DONE and p < end:
            if self.n == 0:
                first = p.entry.id
            while p < end and self.n < MOST:
                self.sheet[self.n] = p.entry
                self.n += 1
                p += 1
            code = self.store(owner, first)
            if code == SQLITE_DONE and self.n == MOST:
                code = self.index_peers(owner, first)
                self.n = 0
        return code

    cdef int open_sheet(self, int64_t owner, int64_t* first) noexcept nogil:
        cdef sqlite3_stmt* last = self.last_sheet.handle
        cdef int n, code
        self.n = 0
        sqlite3_bind_int64(last, 1, owner)
        code = sqlite3_step(last)
        if code == SQLITE_ROW:
            n = sqlite3_column_bytes(last, 1) // <int>sizeof(Entry)
            if 0 < n < MOST:
                first[0] = sqlite3_column_int64(last, 0)
                memcpy(self.sheet, sqlite3_column_blob(last, 1), n * sizeof(Entry))
                self.n = n
            code = SQLITE_DONE
        sqlite3_reset(last)
        return code

    cdef int store(self, int64_t owner, int64_t first) noexcept nogil:
        cdef sqlite3_stmt* put = self.put_sheet.handle
        sqlite3_bind_int64(put, 1, owner)
        sqlite3_bind_int64(put, 2, first)
        sqlite3_bind_blob(put, 3, self.sheet, self.n * <int>sizeof(Entry), SQLITE_STATIC)
        return once(put)

    cdef int index_peers(self, int64_t owner, int64_t first) noexcept nogil:
        """Of a full sheet: nothing comes to it any more."""
        cdef sqlite3_stmt* put = self.put_peer.handle
        cdef int i, code = SQLITE_DONE
        for i in range(MOST):
            self.peers[i] = self.sheet[i].peer
        qsort(self.peers, MOST, sizeof(int64_t), by_number)
        sqlite3_bind_int64(put, 1, owner)
        sqlite3_bind_int64(put, 3, first)
        for i in range(MOST):
            if code == SQLITE_DONE and (i == 0 or self.peers[i] != self.peers[i - 1]):
                sqlite3_bind_int64(put, 2, self.peers[i])
                code = once(put)
        return code


cdef int by_number(const void* a, const void* b) noexcept nogil:
    cdef int64_t x = (<const int64_t*>a)[0], y = (<const int64_t*>b)[0]
    return (x > y) - (x < y)


cdef int by_owner(const void* a, const void* b) noexcept nogil:
    """And by id."""
    cdef const Posted* x = <const Posted*>a
    cdef const Posted* y = <const Posted*>b
    if x.owner != y.owner:
        return 1 if x.owner > y.owner else -1
    return (x.entry.id > y.entry.id) - (x.entry.id < y.entry.id)


def fill(Connection connection not None, int64_t after, int64_t up_to):
    cdef Filler filler = Filler(connection)
    cdef int code
    with nogil:
        code = filler.run(after, up_to)
    if code != SQLITE_DONE:
        raise connection.error(code)
