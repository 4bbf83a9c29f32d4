# Entries for the boxes of messages' owners (sql/sqlite/0012_sheets.sql).
from libc.stdint cimport int64_t

from headrace.core.buf cimport Buf
from headrace.storage.connection cimport Connection, Statement
from headrace.storage.csqlite cimport sqlite3_stmt

cdef enum:
    MOST = 500              # entries of a full sheet


cdef struct Entry:
    int64_t id
    int64_t peer


cdef struct Posted:
    int64_t owner
    Entry entry


cdef class Filler:
    """One filling of boxes."""
    cdef Connection connection
    cdef Statement messages, last_sheet, put_sheet, put_peer
    cdef Buf posted             # Posted
    cdef Entry[MOST] sheet      # the one that is written to
    cdef int n                  # its entries
    cdef int64_t[MOST] peers    # its peers, when it is full

    # SQLITE_DONE or an error code, but for what collects.
    cdef int run(self, int64_t after, int64_t up_to) except -1 nogil
    cdef int collect(self, int64_t after, int64_t up_to) except -1 nogil
    cdef int post(self, sqlite3_stmt* message) except -1 nogil
    cdef int put(self, int64_t owner, int64_t id, int64_t peer) except -1 nogil
    cdef int fill_box(self, const Posted* p, const Posted* end) noexcept nogil      # of one owner, in the order of ids
    cdef int open_sheet(self, int64_t owner, int64_t* first) noexcept nogil         # the last one, if it has room
    cdef int store(self, int64_t owner, int64_t first) noexcept nogil
    cdef int index_peers(self, int64_t owner, int64_t first) noexcept nogil         # of a full sheet
