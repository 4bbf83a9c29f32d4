# One SQLite database. A connection of our own instead of the standard library's, for two reasons: a whole statement
# runs and collects its rows without the GIL, and one process must never open a file through two copies of SQLite
# (closing one drops the other's locks), which is what the interpreter's copy and ours may be.
from headrace.storage.csqlite cimport sqlite3, sqlite3_stmt


cdef class Statement:
    cdef sqlite3_stmt* handle               # NULL once finalised


cdef class Connection:
    """Used by one thread at a time."""
    cdef sqlite3* db                        # NULL once closed
    cdef dict statements                    # SQL text -> Statement: texts are literals, so their number is bounded
    cdef readonly int steps                 # of SQLite's machine, for the last statement
    cdef readonly int wal_pages             # pages in the write-ahead log after the last commit (a hook's)

    cdef sqlite3* opened(self) except NULL  # ValueError once closed
    cdef Statement prepare(self, str sql)   # raises SqliteError
    cdef int bind(self, sqlite3_stmt* handle, tuple args) except -1
    cdef object error(self, int code)       # the SqliteError for that result code
