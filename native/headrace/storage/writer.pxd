# The hot write: a packed group of messages, committed in one transaction without the GIL (native.md, "Archive and
# offline storage").
from libc.stdint cimport int64_t, uint32_t

from headrace.core.buf cimport Buf
from headrace.router.group cimport Row
from headrace.storage.addresses cimport Addresses
from headrace.storage.connection cimport Connection, Statement
from headrace.storage.csqlite cimport sqlite3, sqlite3_stmt


cdef class GroupWriter:
    cdef Connection connection
    cdef sqlite3* db
    cdef Statement begin, commit, rollback, find_address, add_address, add_message, reserve
    cdef Statement add_spooled, drop_spooled, drop_message
    cdef Addresses known

    # All of them: SQLite's result code.
    cdef int write_all(self, const Buf* rows, const Buf* done, int64_t reserved) noexcept nogil
    cdef int write_rows(self, const Buf* rows) noexcept nogil
    cdef int finish(self, const Buf* done) noexcept nogil
    cdef int write_row(self, const Row* row, const char* p) noexcept nogil
    cdef int address(self, const char* jid, uint32_t n, int64_t* number) noexcept nogil
    cdef int stored_address(self, const char* jid, uint32_t n, int64_t* number) noexcept nogil
