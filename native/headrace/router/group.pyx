"""Messages packed into one buffer, and who waits for their commit. See group.pxd."""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from headrace.core.buf cimport buf_free, buf_put


cdef class Group:
    def __init__(self):
        self.waiting = []
        self.sessions = []
        self.futures = []

    def __dealloc__(self):
        buf_free(&self.rows)
        buf_free(&self.done)
        buf_free(&self.tickets)

    def __len__(self):
        return self.count

    @property
    def size(self):
        return self.rows.n

    def add(self, int64_t id, bytes a not None, bytes b not None, bytes stanza not None, uint32_t flags=M_OFFLINE,
            uint64_t sm_key=0, uint32_t h=0):
        cdef Row row
        row.id = id
        row.sm_key = sm_key
        row.h = h
        row.flags = flags
        row.a = <uint32_t>len(a)
        row.b = <uint32_t>len(b)
        row.stanza = <uint32_t>len(stanza)
        self.put(&row, a, b, stanza, None)

    cdef int put(self, const Row* row, const char* a, const char* b, const char* stanza, Account account) except -1:
        buf_put(&self.rows, row, sizeof(Row))
        buf_put(&self.rows, a, row.a)
        buf_put(&self.rows, b, row.b)
        buf_put(&self.rows, stanza, row.stanza)
        self.count += 1
        if row.flags == M_OFFLINE:
            self.waiting.append(account)
        return 0

    cdef int drop_reached(self) except -1:
        cdef const char* p = self.rows.p
        cdef const char* end = self.rows.p + self.rows.n
        cdef char* to = self.rows.p
        cdef Py_ssize_t at = 0
        cdef size_t n
        cdef Row row
        cdef Account account
        while p < end:
            memcpy(&row, p, sizeof(Row))
            n = sizeof(Row) + <size_t>row.a + row.b + row.stanza
            account = None
            if row.flags == M_OFFLINE:
                account = self.waiting[at]
                at += 1
            if account is not None and account.reached >= <uint64_t>row.id:
                self.count -= 1
            else:
                memmove(to, p, n)
                to += n
            p += n
        self.rows.n = to - self.rows.p
        self.waiting = []
        return 0

    cdef int finish(self, uint64_t id) except -1:
        return buf_put(&self.done, &id, sizeof(id))

    cdef bint empty(self) noexcept:
        return self.count == 0 and self.done.n == 0

    @property
    def finished(self):
        cdef const uint64_t* ids = <const uint64_t*>self.done.p
        cdef size_t i
        return [ids[i] for i in range(self.done.n // sizeof(uint64_t))]

    cdef int wait(self, object session, uint64_t ticket) except -1:
        buf_put(&self.tickets, &ticket, sizeof(ticket))
        self.sessions.append(session)
        return 0

    cdef int settle(self) except -1:
        cdef const uint64_t* tickets = <const uint64_t*>self.tickets.p
        cdef Py_ssize_t i
        cdef object failure = None
        for i in range(len(self.sessions)):
            try:
                self.sessions[i].settle(tickets[i])
            except Exception as error:      # of one; the others wait all the same
                failure = error
        for future, id in self.futures:
            if not future.done():
                future.set_result(id)
        self.drop()
        if failure is not None:
            raise failure
        return 0

    def fail(self, error not None):
        for future, _ in self.futures:
            if not future.done():
                future.set_exception(error)
        self.drop()

    cdef int drop(self) except -1:
        self.sessions = []
        self.futures = []
        self.tickets.n = 0
        return 0
