# distutils: libraries = sqlite3
"""A SQLite connection whose statements run without the GIL: see connection.pxd."""
import os

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from headrace.core.buf cimport Buf, buf_free, buf_put
from headrace.storage.csqlite cimport *


class SqliteError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code        # SQLite's extended result code; code & 255 is the plain one


cdef class Statement:
    def __dealloc__(self):
        sqlite3_finalize(self.handle)


cdef int count_wal_pages(void* count, sqlite3* db, const char* name, int pages) noexcept nogil:
    (<int*>count)[0] = pages
    return SQLITE_OK


cdef class Connection:
    def __init__(self, path, *, double patience=5.0):
        cdef bytes name = os.fsencode(path)
        cdef int code
        self.statements = {}
        code = sqlite3_open_v2(
            name, &self.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
            NULL)
        if code != SQLITE_OK:
            raise self.error(code)
        sqlite3_busy_timeout(self.db, <int>(patience * 1000))
        # Takes the place of SQLite's automatic checkpoint, which would make some commits ten times as long.
        sqlite3_wal_hook(self.db, count_wal_pages, &self.wal_pages)

    def __dealloc__(self):
        sqlite3_close_v2(self.db)   # statements may outlive us here; the last one really closes

    def close(self):
        """The last connection of a file writes the log into it. Harmless when closed already."""
        cdef sqlite3* db = self.db
        cdef Statement statement
        cdef int code
        for statement in self.statements.values():
            sqlite3_finalize(statement.handle)
            statement.handle = NULL
        self.statements.clear()
        with nogil:
            code = sqlite3_close(db)
        if code != SQLITE_OK:
            raise self.error(code)
        self.db = NULL

    @property
    def in_transaction(self):
        return self.db != NULL and not sqlite3_get_autocommit(self.db)

    @property
    def changes(self):
        return sqlite3_changes(self.db) if self.db != NULL else 0

    def execute(self, str sql, tuple args=()):
        [found] = self.find_all([(sql, args)])
        if isinstance(found, SqliteError):
            raise found
        return found

    def find_all(self, list queries not None):
        cdef Py_ssize_t i, n = len(queries), values = sum([len(args) for _, args in queries])
        cdef Query* query = <Query*>calloc(n + 1, sizeof(Query))
        cdef Value* value = <Value*>calloc(values + 1, sizeof(Value))
        cdef Buf rows = Buf(NULL, 0, 0)
        cdef list found = [None] * n
        try:
            if query == NULL or value == NULL:
                raise MemoryError
            values = 0
            for i in range(n):
                try:
                    self.describe(queries[i], &query[i], value + values)
                except SqliteError as error:
                    found[i] = error
                values += query[i].values
            with nogil:
                for i in range(n):
                    if query[i].handle != NULL:
                        query[i].start = rows.n
                        query[i].code = bind_and_run(&query[i], &rows)
                        if query[i].code != SQLITE_DONE:
                            with gil:
                                found[i] = self.error(query[i].code)
                        query[i].end = rows.n
                        self.steps = sqlite3_stmt_status(query[i].handle, SQLITE_STMTSTATUS_VM_STEP, 1)
                        sqlite3_reset(query[i].handle)      # the next one may be of the same statement
            for i in range(n):
                if found[i] is None:
                    found[i] = unpack(rows.p + query[i].start, rows.p + query[i].end, query[i].columns)
            return found
        finally:
            for i in range(n):
                if query != NULL and query[i].handle != NULL:
                    sqlite3_reset(query[i].handle)
                    sqlite3_clear_bindings(query[i].handle)
            buf_free(&rows)
            free(query)
            free(value)

    cdef int describe(self, tuple query, Query* it, Value* values) except -1:
        """What the query's run needs, ready for a time without the GIL; the objects have to live as long."""
        cdef str sql
        cdef tuple args
        cdef Statement statement
        sql, args = query
        statement = self.prepare(sql)
        it.values = self.values_of(statement.handle, args, values)
        it.value = values
        it.columns = sqlite3_column_count(statement.handle)
        it.handle = statement.handle
        return 0

    def script(self, str sql):
        cdef bytes text = sql.encode()
        cdef const char* p = text
        cdef sqlite3* db = self.opened()
        cdef int code
        with nogil:
            code = sqlite3_exec(db, p, NULL, NULL, NULL)
        if code != SQLITE_OK:
            raise self.error(code)

    cdef Statement prepare(self, str sql):
        cdef Statement statement = self.statements.get(sql)
        cdef bytes text
        cdef const char* p
        cdef sqlite3* db = self.opened()
        cdef int code
        if statement is None:
            statement = Statement.__new__(Statement)
            text = sql.encode()
            p = text
            with nogil:
                code = sqlite3_prepare_v2(db, p, -1, &statement.handle, NULL)
            if code != SQLITE_OK:
                raise self.error(code)
            self.statements[sql] = statement
        return statement

    cdef sqlite3* opened(self) except NULL:
        if self.db == NULL:
            raise ValueError("the connection is closed")
        return self.db

    cdef int values_of(self, sqlite3_stmt* handle, tuple args, Value* values) except -1:
        """How many they are."""
        cdef int at
        if len(args) != sqlite3_bind_parameter_count(handle):
            raise ValueError(f"{len(args)} values for {sqlite3_bind_parameter_count(handle)} parameters")
        for at in range(len(args)):
            value_of(args[at], &values[at])
        return len(args)

    cdef object error(self, int code):
        if self.db == NULL:
            return SqliteError(code, sqlite3_errstr(code).decode())
        return SqliteError(code, sqlite3_errmsg(self.db).decode("utf-8", "replace"))


cdef int value_of(object given, Value* value) except -1:
    """The object has to stay alive as long as the value."""
    cdef Py_ssize_t n = 0
    if given is None:
        value.type = SQLITE_NULL
    elif isinstance(given, str):
        value.type = SQLITE_TEXT
        value.p = PyUnicode_AsUTF8AndSize(given, &n)
    elif isinstance(given, bytes):
        value.type = SQLITE_BLOB
        value.p = given
        n = len(given)
    elif isinstance(given, float):
        value.type = SQLITE_FLOAT
        value.real = given
    else:
        value.type = SQLITE_INTEGER
        value.number = given
    value.n = <int>checked(n)
    return 0


cdef int bind(sqlite3_stmt* handle, int at, const Value* value) noexcept nogil:
    if value.type == SQLITE_TEXT:
        return sqlite3_bind_text(handle, at, value.p, value.n, SQLITE_STATIC)
    if value.type == SQLITE_BLOB:
        return sqlite3_bind_blob(handle, at, value.p, value.n, SQLITE_STATIC)
    if value.type == SQLITE_FLOAT:
        return sqlite3_bind_double(handle, at, value.real)
    if value.type == SQLITE_INTEGER:
        return sqlite3_bind_int64(handle, at, value.number)
    return sqlite3_bind_null(handle, at)


cdef int bind_and_run(const Query* query, Buf* rows) except -1 nogil:
    """To the end; SQLITE_DONE or an error code."""
    cdef int at, code
    for at in range(query.values):
        code = bind(query.handle, at + 1, query.value + at)
        if code != SQLITE_OK:
            return code
    return run(query.handle, query.columns, rows)


cdef int once(sqlite3_stmt* handle) noexcept nogil:
    cdef int code = sqlite3_step(handle)
    sqlite3_reset(handle)
    return code


cdef Py_ssize_t checked(Py_ssize_t n) except -1:
    if n > 0x7fffffff:
        raise OverflowError("a value over 2 GiB")
    return n


# Rows are collected as cells: a type byte, then 8 bytes of number or length, then a text's or blob's bytes.
cdef struct Cell:
    int64_t number      # an integer, a float's bits, or the length that follows
    uint8_t type        # SQLITE_INTEGER ...


cdef int run(sqlite3_stmt* handle, int columns, Buf* rows) except -1 nogil:
    """Steps to the end; SQLITE_DONE or an error code."""
    cdef int code = sqlite3_step(handle)
    cdef int at
    while code == SQLITE_ROW:
        for at in range(columns):
            put_cell(handle, at, rows)
        code = sqlite3_step(handle)
    return code


cdef int put_cell(sqlite3_stmt* handle, int at, Buf* rows) except -1 nogil:
    cdef Cell cell
    cdef const void* p = NULL
    cdef double number
    cell.type = <uint8_t>sqlite3_column_type(handle, at)
    cell.number = 0
    if cell.type == SQLITE_INTEGER:
        cell.number = sqlite3_column_int64(handle, at)
    elif cell.type == SQLITE_FLOAT:
        number = sqlite3_column_double(handle, at)
        memcpy(&cell.number, &number, sizeof(double))
    elif cell.type != SQLITE_NULL:
        p = sqlite3_column_blob(handle, at)     # a text's is its UTF-8
        cell.number = sqlite3_column_bytes(handle, at)
    buf_put(rows, &cell, sizeof(Cell))
    if p != NULL:
        buf_put(rows, p, <size_t>cell.number)
    return 0


cdef list unpack(const char* p, const char* end, int columns):
    cdef list found = []
    cdef list row
    cdef Cell cell
    while p < end:
        row = []
        for _ in range(columns):
            memcpy(&cell, p, sizeof(Cell))
            p += sizeof(Cell)
            row.append(cell_value(&cell, p))
            if cell.type == SQLITE_TEXT or cell.type == SQLITE_BLOB:
                p += cell.number
        found.append(tuple(row))
    return found


cdef object cell_value(const Cell* cell, const char* p):
    cdef double number
    if cell.type == SQLITE_INTEGER:
        return cell.number
    if cell.type == SQLITE_TEXT:
        return p[:cell.number].decode()
    if cell.type == SQLITE_BLOB:
        return p[:cell.number]
    if cell.type == SQLITE_FLOAT:
        memcpy(&number, &cell.number, sizeof(double))
        return number
    return None
