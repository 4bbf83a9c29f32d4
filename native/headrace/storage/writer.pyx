# distutils: libraries = sqlite3
"""Commits groups of messages, each appended to one table; owners find them through boxes that are filled later, many
at a time (headrace.storage.sqlite.archive). See writer.pxd."""
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from headrace.core.buf cimport Buf
from headrace.router.group cimport M_ARCHIVE_A, M_ARCHIVE_B, M_OFFLINE, M_SPOOL, Group, Row
from headrace.storage.addresses cimport (
    addresses_clear, addresses_free, addresses_get, addresses_init, addresses_put
)
from headrace.storage.connection cimport once
from headrace.storage.csqlite cimport *


cdef class GroupWriter:
    def __cinit__(self):
        addresses_init(&self.known)

    def __dealloc__(self):
        addresses_free(&self.known)

    def __init__(self, Connection connection):
        self.connection = connection
        self.db = connection.opened()
        self.begin = connection.prepare("BEGIN IMMEDIATE")
        self.commit = connection.prepare("COMMIT")
        self.rollback = connection.prepare("ROLLBACK")
        self.find_address = connection.prepare("SELECT id FROM address WHERE jid = ?")
        self.add_address = connection.prepare("INSERT INTO address(jid) VALUES (?)")
        self.add_message = connection.prepare(
            "INSERT INTO message(id, a, b, flags, sm_key, h, stanza) VALUES (?, ?, ?, ?, ?, ?, ?)")
        self.add_spooled = connection.prepare("INSERT INTO spool(id) VALUES (?)")
        self.drop_spooled = connection.prepare("DELETE FROM spool WHERE id = ?")
        # What is in nobody's archive goes with its row in the spool.
        gone = f"NOT flags & {<int>(M_OFFLINE | M_ARCHIVE_A | M_ARCHIVE_B)}"
        self.drop_message = connection.prepare(f"DELETE FROM message WHERE id = ? AND {gone}")
        self.reserve = connection.prepare("UPDATE meta SET value = ? WHERE key = 'reserved_id'")

    def write(self, Group group not None, int64_t reserved=0):
        cdef int code
        self.connection.opened()
        with nogil:
            code = self.write_all(&group.rows, &group.done, reserved)
        if code != SQLITE_DONE:
            error = self.connection.error(code)     # before the rollback, which has a message of its own
            addresses_clear(&self.known)            # some may just have been given
            if not sqlite3_get_autocommit(self.db):
                with nogil:
                    once(self.rollback.handle)
            raise error

    cdef int write_all(self, const Buf* rows, const Buf* done, int64_t reserved) noexcept nogil:
        cdef int code = once(self.begin.handle)
        if code == SQLITE_DONE:
            code = self.write_rows(rows)
        if code == SQLITE_DONE:
            code = self.finish(done)
        if code == SQLITE_DONE and reserved:
            code = once_with(self.reserve.handle, reserved)
        return once(self.commit.handle) if code == SQLITE_DONE else code

    cdef int write_rows(self, const Buf* rows) noexcept nogil:
        cdef const char* p = rows.p
        cdef const char* end = rows.p + rows.n
        cdef Row row
        cdef int code = SQLITE_DONE
        while code == SQLITE_DONE and p < end:
            memcpy(&row, p, sizeof(Row))
            p += sizeof(Row)
            code = self.write_row(&row, p)
            p += <size_t>row.a + row.b + row.stanza
        return code

    cdef int finish(self, const Buf* done) noexcept nogil:
        cdef const int64_t* ids = <const int64_t*>done.p
        cdef int code = SQLITE_DONE
        cdef size_t i
        for i in range(done.n // sizeof(int64_t)):
            code = once_with(self.drop_spooled.handle, ids[i])
            if code == SQLITE_DONE:
                code = once_with(self.drop_message.handle, ids[i])
            if code != SQLITE_DONE:
                break
        return code

    cdef int write_row(self, const Row* row, const char* p) noexcept nogil:
        cdef int64_t a, b
        cdef sqlite3_stmt* message = self.add_message.handle
        cdef int code = self.address(p, row.a, &a)
        p += row.a
        if code == SQLITE_DONE:
            code = self.address(p, row.b, &b)
        p += row.b
        if code != SQLITE_DONE:
            return code
        sqlite3_bind_int64(message, 1, row.id)
        sqlite3_bind_int64(message, 2, a)
        sqlite3_bind_int64(message, 3, b)
        sqlite3_bind_int64(message, 4, row.flags & ~M_SPOOL)
        sqlite3_bind_int64(message, 5, <int64_t>row.sm_key)
        sqlite3_bind_int64(message, 6, row.h)
        sqlite3_bind_blob(message, 7, p, <int>row.stanza, SQLITE_STATIC)
        code = once(message)
        if code == SQLITE_DONE and row.flags & M_SPOOL:
            code = once_with(self.add_spooled.handle, row.id)
        return code

    cdef int address(self, const char* jid, uint32_t n, int64_t* number) noexcept nogil:
        """The number that stands for a bare JID, given at its first use."""
        cdef int code
        number[0] = addresses_get(&self.known, jid, n)
        if number[0]:
            return SQLITE_DONE
        code = self.stored_address(jid, n, number)
        if code == SQLITE_DONE:
            addresses_put(&self.known, jid, n, number[0])
        return code

    cdef int stored_address(self, const char* jid, uint32_t n, int64_t* number) noexcept nogil:
        cdef sqlite3_stmt* find = self.find_address.handle
        cdef int code
        sqlite3_bind_text(find, 1, jid, <int>n, SQLITE_STATIC)
        code = sqlite3_step(find)
        if code == SQLITE_ROW:
            number[0] = sqlite3_column_int64(find, 0)
            code = SQLITE_DONE
        elif code == SQLITE_DONE:
            sqlite3_bind_text(self.add_address.handle, 1, jid, <int>n, SQLITE_STATIC)
            code = once(self.add_address.handle)
            number[0] = sqlite3_last_insert_rowid(self.db)
        sqlite3_reset(find)
        return code


cdef int once_with(sqlite3_stmt* handle, int64_t value) noexcept nogil:
    """Run it with this as its only value."""
    sqlite3_bind_int64(handle, 1, value)
    return once(handle)
