# One SQLite database. A connection of our own instead of the standard library's, for two reasons: a whole statement
# runs and collects its rows without the GIL, and one process must never open a file through two copies of SQLite
# (closing one drops the other's locks), which is what the interpreter's copy and ours may be.
from libc.stdint cimport int64_t
from headrace.storage.csqlite cimport sqlite3, sqlite3_stmt

cdef struct Value:                          # for a parameter; a text's and a blob's bytes are an object's
    int type                                # SQLITE_INTEGER ...
    int n
    const char* p
    int64_t number
    double real

cdef struct Query:                          # one run of a statement, without the GIL
    sqlite3_stmt* handle                    # NULL: it does not run
    const Value* value
    int values, columns, code
    size_t start, end                       # where its rows are among those found


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
    cdef int describe(self, tuple query, Query* it, Value* values) except -1
    cdef int values_of(self, sqlite3_stmt* handle, tuple args, Value* values) except -1
    cdef object error(self, int code)       # the SqliteError for that result code


# Run a statement that gives no rows; SQLITE_DONE or an error code.
cdef int once(sqlite3_stmt* handle) noexcept nogil
