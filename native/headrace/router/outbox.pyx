"""The queue of stanzas towards one session."""

cdef enum:
    ROOM = sizeof(Chunk) + sizeof(Entry)    # of a chunk, beside the bytes of its first stanza
    SLACK = 1024            # a stanza is reserved with room for escapes that it rarely has
    BEHIND = 0x80000000     # h is a number modulo 2^32: what is so far ahead lies behind


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
        chunk.fill = chunk.sent = chunk.stanzas = chunk.done = chunk.past = 0
        if self.head == NULL:
            self.head = self.at = chunk
        else:
            self.tail.next = chunk
        self.tail = chunk
        return chunk

    cdef int commit(self, size_t n, int sole, uint64_t number) except -1:
        cdef Chunk* chunk = self.tail
        cdef Entry* entry = entry_of(chunk, chunk.stanzas)
        entry.size = <uint32_t>n
        entry.sole = <uint32_t>sole
        entry.queued = self.reactor.now
        entry.number = number
        self.alone += sole & ALONE != 0
        chunk.fill += <uint32_t>n
        chunk.stanzas += 1
        if self.unsent == 0:
            self.progress = self.reactor.now
        self.unsent_bytes += n
        self.unsent += 1
        self.burst += n + sizeof(Entry)
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        cdef Chunk* chunk = self.at
        cdef size_t n
        if chunk == NULL:
            return 0
        if chunk.sent == chunk.fill and chunk.next != NULL:
            chunk = self.at = chunk.next
        p[0] = bytes_of(chunk) + chunk.sent
        n = chunk.fill - chunk.sent
        self.committed = self.written_bytes + n
        return n

    cdef void written(self, size_t n) noexcept:
        """Of one run of pending()."""
        cdef Chunk* chunk = self.at
        cdef size_t step
        if n == 0:
            return
        self.progress = self.reactor.now
        self.unsent_bytes -= n
        self.written_bytes += n
        while n:
            if self.left == 0:
                self.left = entry_of(chunk, chunk.done).size
            step = min(n, self.left)
            self.left -= step
            chunk.sent += <uint32_t>step
            n -= step
            if self.managed and not self.skip:
                self.unacknowledged_bytes += step
            if self.left:
                return
            if entry_of(chunk, chunk.done).sole == LENT:
                entry_of(chunk, chunk.done).sole = SOLE
            chunk.done += 1
            self.unsent -= 1
            if self.managed and not self.skip:
                self.unacknowledged += 1
            else:
                self.skip = False
                self.pass_entry()

    cdef void pass_entry(self) noexcept:
        cdef Chunk* chunk = self.head
        cdef Entry* entry = entry_of(chunk, chunk.past)
        if entry.number > self.reached and not entry.sole & APART:
            self.reached = entry.number
        if entry.sole & ALONE:
            self.alone -= 1
        if self.spool is not None and entry.number:
            self.spool.done(entry.number)
        chunk.past += 1
        if chunk.past == chunk.stanzas:
            self.drop_head()

    cdef void drop_head(self) noexcept:
        cdef Chunk* chunk = self.head
        self.head = chunk.next
        if self.at == chunk:
            self.at = self.head
        self.reactor.chunk_give(<char*>chunk, chunk.size)
        if self.head == NULL:
            self.tail = NULL
            self.first = self.burst + SLACK
            self.burst = 0

    cdef size_t to_border(self) noexcept:
        return self.left

    cdef void manage(self) noexcept:
        self.managed = True
        self.skip = self.left > 0

    cdef bint acknowledge(self, uint32_t h) noexcept:
        cdef uint32_t n = h - <uint32_t>self.acknowledged
        if n > self.unacknowledged:
            return n > <uint32_t>BEHIND
        self.acknowledged += n
        self.unacknowledged -= n
        while n:
            self.unacknowledged_bytes -= entry_of(self.head, self.head.past).size
            self.pass_entry()
            n -= 1
        return True

    cdef void adopt(self) noexcept:
        cdef Chunk* chunk = self.head
        cdef uint32_t i
        while chunk != NULL:
            for i in range(chunk.stanzas):
                if entry_of(chunk, i).sole == LENT:
                    entry_of(chunk, i).sole = SOLE
            chunk = chunk.next

    cdef void rewind(self) noexcept:
        cdef Chunk* chunk = self.head
        cdef uint32_t i
        self.at = chunk
        while chunk != NULL:
            chunk.done = chunk.past
            chunk.sent = 0
            for i in range(chunk.past):
                chunk.sent += entry_of(chunk, i).size
            chunk = chunk.next
        self.unsent += self.unacknowledged
        self.unsent_bytes += self.unacknowledged_bytes
        self.written_bytes -= self.unacknowledged_bytes
        self.unacknowledged = self.unacknowledged_bytes = self.left = 0
        self.skip = False
        self.committed = self.written_bytes
        self.progress = self.reactor.now

    cdef uint64_t first_alone(self) noexcept:
        cdef Chunk* chunk = self.head if self.alone else NULL
        cdef uint32_t i
        while chunk != NULL:
            for i in range(chunk.past, chunk.stanzas):
                if entry_of(chunk, i).sole & ALONE:
                    return entry_of(chunk, i).number
            chunk = chunk.next
        return 0

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
                if entry.sole & WHOSE == SOLE and i >= chunk.past:
                    found.append((bytes_of(chunk)[at:at + entry.size], entry.number, entry.queued,
                                  entry.sole & ALONE != 0))
                at += entry.size
            chunk = chunk.next
        return found

    cdef void cut(self) noexcept:
        cdef Chunk* chunk = self.at
        cdef Chunk* after
        cdef uint64_t at = self.written_bytes
        cdef uint32_t keep, i
        if chunk == NULL:
            return
        keep = chunk.done
        if self.left:
            at += self.left
            keep += 1
        while keep < chunk.stanzas and at < self.committed:     # a committed run never leaves its chunk
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
        self.unsent = keep - self.at.done
        if self.at.past == keep and self.at == self.head:
            self.drop_head()

    cdef void close(self) noexcept:
        while self.head != NULL:
            self.drop_head()
        self.unsent = self.unsent_bytes = self.left = self.unacknowledged = self.unacknowledged_bytes = 0
