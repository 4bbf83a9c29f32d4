"""The queue of stanzas towards one session."""

cdef enum:
    ROOM = sizeof(Chunk) + sizeof(Entry)    # of a chunk, beside the bytes of its first stanza
    SLACK = 1024            # a stanza is reserved with room for escapes that it rarely has


cdef inline char* bytes_of(Chunk* chunk) noexcept nogil:
    return <char*>chunk + sizeof(Chunk)


cdef inline Entry* entry_of(Chunk* chunk, uint32_t i) noexcept nogil:
    return <Entry*>(<char*>chunk + chunk.size) - 1 - i


cdef inline bint fits(Chunk* chunk, size_t n) noexcept nogil:
    return sizeof(Chunk) + chunk.fill + n + (chunk.stanzas + 1) * sizeof(Entry) <= chunk.size


cdef class Outbox:
    def __init__(self, Reactor reactor not None):
        self.reactor = reactor

    def __dealloc__(self):
        self.close()

    cdef char* reserve(self, size_t n) except NULL:
        cdef Chunk* chunk = self.tail
        if chunk == NULL or not fits(chunk, n):
            chunk = self.grow(n)
        return bytes_of(chunk) + chunk.fill

    cdef Chunk* grow(self, size_t n) except NULL:
        """A first chunk is as large as the last burst was, so that a burst leaves in one write; later ones grow."""
        cdef size_t wanted = self.first if self.head == NULL else self.tail.size + 1
        cdef size_t got
        cdef Chunk* chunk
        wanted = min(wanted, <size_t>16384)
        wanted = max(wanted, (n + ROOM + 15) & ~<size_t>15)     # entries are aligned at the far end
        chunk = <Chunk*>self.reactor.chunk_take(wanted, &got)
        chunk.next = NULL
        chunk.size = <uint32_t>got
        chunk.fill = chunk.sent = chunk.stanzas = chunk.done = 0
        if self.head == NULL:
            self.head = chunk
        else:
            self.tail.next = chunk
        self.tail = chunk
        return chunk

    cdef int commit(self, size_t n, size_t attrs_at, bint sole) except -1:
        cdef Chunk* chunk = self.tail
        cdef Entry* entry = entry_of(chunk, chunk.stanzas)
        entry.size = <uint32_t>n
        entry.attrs_at = <uint16_t>attrs_at
        entry.sole = sole
        entry.queued = self.reactor.now
        chunk.fill += <uint32_t>n
        chunk.stanzas += 1
        if self.unsent == 0:
            self.progress = self.reactor.now
        self.unsent_bytes += n
        self.unsent += 1
        self.burst += n + sizeof(Entry)
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        cdef Chunk* chunk = self.head
        cdef size_t n
        if chunk == NULL:
            return 0
        p[0] = bytes_of(chunk) + chunk.sent
        n = chunk.fill - chunk.sent
        self.committed = self.written_bytes + n
        return n

    cdef void written(self, size_t n) noexcept:
        cdef Chunk* chunk
        cdef size_t step
        if n == 0:
            return
        self.progress = self.reactor.now
        self.unsent_bytes -= n
        self.written_bytes += n
        while n:
            chunk = self.head
            if self.left == 0:
                self.left = entry_of(chunk, chunk.done).size
            step = min(n, self.left)
            self.left -= step
            chunk.sent += <uint32_t>step
            n -= step
            if self.left == 0:
                chunk.done += 1
                self.unsent -= 1
                if chunk.done == chunk.stanzas:
                    self.drop_head()

    cdef void drop_head(self) noexcept:
        cdef Chunk* chunk = self.head
        self.head = chunk.next
        self.reactor.chunk_give(<char*>chunk, chunk.size)
        if self.head == NULL:
            self.tail = NULL
            self.first = self.burst + SLACK
            self.burst = 0

    cdef size_t to_border(self) noexcept:
        return self.left

    cdef list orphans(self):
        cdef Chunk* chunk = self.head
        cdef Entry* entry
        cdef size_t at = 0
        cdef uint32_t i
        cdef list found = []
        while chunk != NULL:
            at = 0
            for i in range(chunk.stanzas):
                entry = entry_of(chunk, i)
                if entry.sole and i >= chunk.done:
                    found.append(bytes_of(chunk)[at:at + entry.size])
                at += entry.size
            chunk = chunk.next
        return found

    cdef void cut(self) noexcept:
        cdef Chunk* chunk = self.head
        cdef Chunk* after
        cdef uint64_t at = self.written_bytes
        cdef uint32_t keep, i
        if chunk == NULL:
            return
        keep = chunk.done
        if self.left:
            at += self.left
            keep += 1
        while keep < chunk.stanzas and at < self.committed:     # a committed run never leaves the first chunk
            at += entry_of(chunk, keep).size
            keep += 1
        for i in range(keep, chunk.stanzas):
            chunk.fill -= entry_of(chunk, i).size
        chunk.stanzas = keep
        after = chunk.next
        chunk.next = NULL
        self.tail = chunk
        while after != NULL:
            chunk = after
            after = chunk.next
            self.reactor.chunk_give(<char*>chunk, chunk.size)
        self.unsent_bytes = at - self.written_bytes
        self.unsent = keep - self.head.done
        if self.unsent == 0:
            self.drop_head()

    cdef void close(self) noexcept:
        while self.head != NULL:
            self.drop_head()
        self.unsent = self.unsent_bytes = self.left = 0
