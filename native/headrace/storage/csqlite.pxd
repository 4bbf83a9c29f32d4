# What we use of SQLite's C interface.
from libc.stdint cimport int64_t

cdef extern from "sqlite3.h" nogil:
    ctypedef struct sqlite3
    ctypedef struct sqlite3_stmt
    ctypedef void (*sqlite3_destructor_type)(void*)

    int SQLITE_OK, SQLITE_ROW, SQLITE_DONE, SQLITE_NOMEM
    int SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB, SQLITE_NULL
    int SQLITE_OPEN_READWRITE, SQLITE_OPEN_CREATE, SQLITE_OPEN_NOMUTEX, SQLITE_OPEN_EXRESCODE
    sqlite3_destructor_type SQLITE_STATIC       # the bound bytes stay where they are until the statement is reset

    int sqlite3_open_v2(const char* path, sqlite3** db, int flags, const char* vfs)
    int sqlite3_close(sqlite3* db)
    int sqlite3_close_v2(sqlite3* db)
    int sqlite3_busy_timeout(sqlite3* db, int ms)
    const char* sqlite3_errmsg(sqlite3* db)
    const char* sqlite3_errstr(int code)
    int sqlite3_exec(sqlite3* db, const char* sql, void* callback, void* arg, char** message)
    void* sqlite3_wal_hook(sqlite3* db, int (*hook)(void*, sqlite3*, const char*, int) noexcept, void* arg)
    int sqlite3_get_autocommit(sqlite3* db)
    int sqlite3_changes(sqlite3* db)
    int SQLITE_STMTSTATUS_VM_STEP
    int sqlite3_stmt_status(sqlite3_stmt* statement, int what, int reset)
    int64_t sqlite3_last_insert_rowid(sqlite3* db)

    int sqlite3_prepare_v2(sqlite3* db, const char* sql, int n, sqlite3_stmt** statement, const char** tail)
    int sqlite3_finalize(sqlite3_stmt* statement)
    int sqlite3_step(sqlite3_stmt* statement)
    int sqlite3_reset(sqlite3_stmt* statement)
    int sqlite3_clear_bindings(sqlite3_stmt* statement)
    int sqlite3_bind_parameter_count(sqlite3_stmt* statement)
    int sqlite3_bind_int64(sqlite3_stmt* statement, int at, int64_t value)
    int sqlite3_bind_double(sqlite3_stmt* statement, int at, double value)
    int sqlite3_bind_null(sqlite3_stmt* statement, int at)
    int sqlite3_bind_text(sqlite3_stmt* statement, int at, const char* p, int n, sqlite3_destructor_type done)
    int sqlite3_bind_blob(sqlite3_stmt* statement, int at, const void* p, int n, sqlite3_destructor_type done)
    int sqlite3_column_count(sqlite3_stmt* statement)
    int sqlite3_column_type(sqlite3_stmt* statement, int at)
    int64_t sqlite3_column_int64(sqlite3_stmt* statement, int at)
    double sqlite3_column_double(sqlite3_stmt* statement, int at)
    const void* sqlite3_column_blob(sqlite3_stmt* statement, int at)
    int sqlite3_column_bytes(sqlite3_stmt* statement, int at)
