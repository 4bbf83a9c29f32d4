"""A client connection that counts and checks what comes: see client.pyi."""
cimport cython
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memmove

from headrace.bench.flow cimport (
    CHANGED, MISCOUNTED, PAGE, PAGED, QUERY, REFUSED, REORDERED, REPEATED, SENDER, STATUS, STRAY, UNARCHIVED,
    read_mark)
from headrace.bench.tally cimport clock_ns
from headrace.core.buf cimport buf_free, buf_put
from headrace.core.names cimport (
    K_BODY, K_CARBON_RECEIVED, K_CARBON_SENT, K_MAM_RESULT, K_STANZA_ID, K_STATUS, NS_CLIENT, NS_SM, bit)
from headrace.core.stanza cimport stanza_copy
from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, KIND_IQ, KIND_MESSAGE, KIND_PRESENCE, MODE_STREAM, StanzaView, T_ATTR,
    T_START, T_TEXT, Record)

from headrace.core.limits import FROM_SERVER

cdef enum:
    ROOMY = 65536       # bytes of the out buffer that an idle client keeps

cdef const char* ASK = "<r xmlns='urn:xmpp:sm:3'/>"
cdef const char* ANSWER = "<a xmlns='urn:xmpp:sm:3' h='%d'/>"


cdef extern from "stdio.h" nogil:
    int snprintf(char* out, size_t n, const char* format, ...)


cdef inline bint is_word(Str s, const char* word, size_t n) noexcept nogil:
    return s.n == n and memcmp(s.p, word, n) == 0


cdef inline bint same(Str s, bytes other) noexcept:
    return other is not None and s.n == <size_t>len(other) and memcmp(s.p, <const char*>other, s.n) == 0


cdef Str child_text(StanzaView* view, int known) noexcept:
    """The raw text of the first such child."""
    cdef Str text
    cdef uint32_t i
    text.p = NULL
    text.n = 0
    for i in range(min(view.children, <uint32_t>16)):
        if view.child[i].known == known:
            text.p = view.base + view.child[i].inner
            text.n = view.child[i].inner_end - view.child[i].inner
            break
    return text


@cython.final
cdef class Client(Sender):
    def __cinit__(self, Link link not None, dialog):
        self.link = link
        self.dialog = dialog
        self.tok = Tokenizer(link.reactor.work, MODE_STREAM, FROM_SERVER)

    def __dealloc__(self):
        buf_free(&self.out)
        free(self.expect)

    # What dialogs ask for.

    def send(self, bytes data not None):
        self._say(data, len(data))

    def send_stanza(self, bytes stanza not None):
        self.put(stanza, len(stanza))

    def restart(self):
        self.tok.reset(False)

    def start_tls(self, context):
        self.tok.reset(True)
        self.link.start_tls(context)

    def take_part(self, Load load not None, str bare not None):
        self.load = load
        self.bare = bare.encode()

    def receives(self, Flow flow not None, uint32_t number=0):
        cdef uint32_t i = self.expects
        cdef Expect* grown = <Expect*>realloc(self.expect, (i + 1) * sizeof(Expect))
        if grown == NULL:
            raise MemoryError
        self.expect = grown
        while i and self.expect[i - 1].flow > flow.index:
            i -= 1
        memmove(&self.expect[i + 1], &self.expect[i], (self.expects - i) * sizeof(Expect))
        self.expect[i].flow = flow.index
        self.expect[i].number = number
        self.expect[i].skipped = 0
        self.expects += 1

    def adopt(self, Client other not None):
        """Goes on where the other's link broke (XEP-0198 5)."""
        self.load, self.bare = other.load, other.bare
        self.heard, self.said, self.acked = other.heard, other.said, other.acked
        free(self.expect)
        self.expect, self.expects = other.expect, other.expects
        other.expect, other.expects = NULL, 0

    # Sending.

    cdef int _say(self, const char* p, size_t n) except -1:
        if self.gone:
            return 0
        buf_put(&self.out, p, n)
        return self.link.dirty()

    cdef int put(self, const char* p, size_t n) except -1:
        self._say(p, n)
        self.said += self.managed
        if self.managed and not self.asked:
            self.asked = True
            self._say(ASK, 26)
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        p[0] = self.out.p + self.taken
        return self.out.n - self.taken

    cdef void sent(self, size_t n) noexcept:
        self.taken += n
        if self.taken == self.out.n:
            self.taken = self.out.n = 0
            if self.out.cap > ROOMY or self.load is None:
                buf_free(&self.out)

    # What the link tells.

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        self.tok.feed(data, n)
        return self._pump()

    cdef int on_secure(self) except -1:
        self.dialog.secured()
        return 0

    cdef int on_gone(self, bint clean) except -1:
        self.gone = True
        self.tok.close()
        self.dialog.gone(self.link.error)
        return 0

    cdef int _pump(self) except -1:
        cdef int ev
        cdef int64_t now = clock_ns()
        while not self.link.closing:
            ev = self.tok.next()
            if ev == EV_MORE:
                return 0
            if ev == EV_ELEMENT:
                self._element(now)
            elif ev == EV_OPEN:
                self.dialog.opened()
            elif ev == EV_CLOSE:
                self.dialog.closed()
            else:
                condition, text, _ = self.tok.error
                self.dialog.failed(condition, text)
        self.tok.keep()
        return 0

    cdef int _element(self, int64_t now) except -1:
        cdef int kind = self.tok.view.kind
        if kind == KIND_MESSAGE:
            self.heard += self.managed
            return self._message(now)
        if kind == KIND_PRESENCE:
            self.heard += self.managed
            return self._presence(now)
        if kind == KIND_IQ:
            self.heard += self.managed
            return self._iq(now)
        return self._nonza()

    cdef int _tell(self) except -1:
        self.dialog.element(stanza_copy(self.tok, None, None))
        return 0

    cdef int _blame(self, int fault) except -1:
        cdef Str stanza
        stanza.p = self.tok.view.base
        stanza.n = self.tok.view.size
        return self.load.blame(fault, stanza)

    cdef int _nonza(self) except -1:
        cdef StanzaView* view = self.tok.view
        cdef Str h
        cdef char answer[64]
        cdef uint32_t i, acked = 0
        if not self.managed:
            for i in range(self.tok.tape_n):    # also inside of a SASL2 <success/>: stanzas follow at once
                if (self.tok.tape[i].kind == T_START and self.tok.tape[i].ns == NS_SM
                        and self.tok.tape[i].name_n in (7, 8) and view.base[self.tok.tape[i].name] != c's'):
                    self.managed = view.base[self.tok.tape[i].name] in (c'e', c'r')
        elif view.ns == NS_SM and is_word(view.name, b"r", 1):
            return self._say(answer, snprintf(answer, sizeof(answer), ANSWER, self.heard))
        elif view.ns == NS_SM and is_word(view.name, b"a", 1):
            h = self.tok.attr("h")
            for i in range(h.n):
                acked = 10 * acked + (h.p[i] - c'0')
            self.asked = False
            if self.load is not None:
                self.load.acks += 1
                if acked - self.acked > self.said - self.acked:     # modulo 2**32
                    self._blame(MISCOUNTED)
            self.acked = acked
            if self.acked != self.said:
                self.asked = True
                self._say(ASK, 26)
            return 0
        return self._tell()

    # Checks.

    cdef Flow _flow(self, uint32_t index):
        return <Flow>self.load.flows[index] if index < <uint32_t>len(self.load.flows) else None

    cdef Expect* _expected(self, uint32_t flow) noexcept:
        cdef uint32_t low = 0, high = self.expects, middle
        if self.last < self.expects and self.expect[self.last].flow == flow:
            return &self.expect[self.last]
        while low < high:
            middle = (low + high) // 2
            if self.expect[middle].flow < flow:
                low = middle + 1
            else:
                high = middle
        if low == self.expects or self.expect[low].flow != flow:
            return NULL
        self.last = low
        return &self.expect[low]

    cdef int _text(self, Str text, Str source, int64_t now) except -1:
        """A stanza of a flow: is it from its sender, is it the next one, is it unchanged?"""
        cdef uint32_t number = 0, index = 0
        cdef Flow flow
        cdef Expect* expect
        if not read_mark(text, &number, &index):
            self.load.other += 1
            return 0
        if not self.load.is_ours(text):
            self.load.stale += 1
            return 0
        flow = self._flow(index)
        expect = self._expected(index)
        if flow is None or expect == NULL:
            if flow is not None and flow.shape == STATUS:   # one's own (RFC 6121 4.4.2), or an old contact's
                self.load.other += 1
                return 0
            return self._blame(STRAY)
        if not same(source, flow.source):
            return self._blame(SENDER)
        if not flow.is_text(text):
            return self._blame(CHANGED)
        return self._in_turn(flow, expect, number, now)

    cdef int _in_turn(self, Flow flow, Expect* expect, uint32_t number, int64_t now) except -1:
        cdef uint32_t missed
        if number < expect.number:
            if expect.skipped == 0:
                return self._blame(REPEATED)
            expect.skipped -= 1
            self.load.skipped -= 1
            self.load.delivered += 1
            return self._blame(REORDERED)
        if number >= flow.number:
            return self._blame(STRAY)
        missed = number - expect.number
        if missed and not (flow.shape == STATUS and self.load.superseding):
            expect.skipped += missed
            self.load.skipped += missed
        self.load.delivered += 1
        expect.number = number + 1
        while missed:
            flow.gave_up(number - missed, now)
            missed -= 1
        return flow.arrived(number, now)

    cdef int _message(self, int64_t now) except -1:
        cdef StanzaView* view = self.tok.view
        if self.load is None:
            return 0
        if is_word(view.type, b"error", 5):
            return self._refused()
        if view.known & bit(K_MAM_RESULT):
            return self._archived()
        if view.known & (bit(K_CARBON_RECEIVED) | bit(K_CARBON_SENT)):
            return self._carbon(now)
        if not view.known & bit(K_BODY):
            self.load.other += 1
            return 0
        if (self.load.archived and not view.known & bit(K_STANZA_ID)
                and not is_word(view.type, b"groupchat", 9)):       # that is the room's to archive
            self._blame(UNARCHIVED)
        return self._text(child_text(view, K_BODY), view.from_, now)

    cdef int _refused(self) except -1:
        return self._blame(REFUSED)

    cdef int _carbon(self, int64_t now) except -1:
        """The copy of a message, wrapped (XEP-0280 7): the wrapper must be from one's own account (11)."""
        cdef Str text, source
        if not same(self.tok.view.from_, self.bare):
            return self._blame(SENDER)
        source = forwarded(self.tok.tape, self.tok.tape_n, self.tok.view.base, &text)
        return self._text(text, source, now)

    cdef int _archived(self) except -1:
        """A message of the page that is coming: all of a page are of one flow, in order."""
        cdef Str text, source
        cdef uint32_t number = 0, index = 0
        cdef Flow flow
        source = forwarded(self.tok.tape, self.tok.tape_n, self.tok.view.base, &text)
        if read_mark(text, &number, &index):
            flow = self._flow(index)
        if flow is None or not flow.is_text(text) or not same(source, flow.source):
            return self._blame(CHANGED)
        if self.page and (index != self.page_flow or number != self.page_number + 1):
            self._blame(PAGED)
        self.page += 1
        self.page_flow = index
        self.page_number = number
        return 0

    cdef int _presence(self, int64_t now) except -1:
        cdef StanzaView* view = self.tok.view
        if self.load is None:
            return self._tell()
        if is_word(view.type, b"error", 5):
            return self._refused()
        if view.known & bit(K_STATUS):
            return self._text(child_text(view, K_STATUS), view.from_, now)
        self.load.other += 1
        return self._tell()

    cdef int _iq(self, int64_t now) except -1:
        cdef StanzaView* view = self.tok.view
        cdef uint32_t number = 0, index = 0
        cdef Flow flow
        if self.load is None or not read_mark(view.id, &number, &index) or not self.load.is_ours(view.id):
            return self._tell()
        flow = self._flow(index)
        if flow is None or flow.sender is not self or flow.shape not in (QUERY, PAGE):
            return self._blame(STRAY)
        if view.from_.p != NULL and flow.source is not None and not same(view.from_, flow.source):
            return self._blame(SENDER)
        if not is_word(view.type, b"result", 6):
            return self._refused()
        if flow.find(number) == NULL:
            return self._blame(REPEATED)
        if flow.shape == PAGE:
            if self.page != flow.page:
                self._blame(PAGED)
            self.page = 0
        self.load.delivered += 1
        return flow.arrived(number, now)


cdef Str forwarded(const Record* tape, uint32_t n, const char* base, Str* text) noexcept:
    """`from` of the first <message/> inside, and the raw text of the first <body/>; absent ones with p == NULL."""
    cdef Str source
    cdef uint32_t i
    source.p = text.p = NULL
    source.n = text.n = 0
    for i in range(1, n):
        if tape[i].kind == T_ATTR and source.p == NULL and inside_message(tape, i, base):
            if tape[i].name_n == 4 and memcmp(base + tape[i].name, b"from", 4) == 0:
                source.p = base + tape[i].value
                source.n = tape[i].value_n
        elif (tape[i].kind == T_TEXT and tape[i - 1].kind == T_START and tape[i - 1].ns == NS_CLIENT
                and tape[i - 1].name_n == 4 and memcmp(base + tape[i - 1].name, b"body", 4) == 0):
            text.p = base + tape[i].value
            text.n = tape[i].value_n
            break
    return source


cdef bint inside_message(const Record* tape, uint32_t i, const char* base) noexcept:
    """Is this an attribute of a <message/> below the top element?"""
    while i and tape[i].kind == T_ATTR:
        i -= 1
    return (tape[i].depth > 1 and tape[i].ns == NS_CLIENT and tape[i].name_n == 7
            and memcmp(base + tape[i].name, b"message", 7) == 0)
