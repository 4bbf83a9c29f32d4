"""One Reactor per event loop: scratch, clock, lists of the turn, deadlines and counters that its links share."""
cimport cython
from libc.stdlib cimport free, malloc
from libc.errno cimport errno
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
from posix.unistd cimport close

from headrace.net.sockets cimport (
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT,
    epoll_create1, epoll_ctl, epoll_event, epoll_wait)

import os
from collections import deque

cdef enum:
    SECOND = 1000000000
    FREE_BYTES = 1 << 20    # kept on each chunk free list: a burst's worth, little beside the scratches
    EVENTS = 256            # taken from epoll at once; the loop comes again for more

cdef size_t* CLASS_SIZE = [512, 4096, 16384]  # set at import


cdef inline int64_t clock_ns() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <int64_t>t.tv_sec * SECOND + t.tv_nsec


cdef class Task:
    cdef int act(self) except -1:
        return 0

    cdef int expire(self) except -1:
        return 0


cdef class Channel(Task):
    cdef int readable(self) except -1:
        return 0

    cdef int writable(self) except -1:
        return 0

    cdef int again(self) except -1:
        return 0

    cdef int handshake(self) except -1:
        return 0

    cdef int flush(self) except -1:
        return 0

    cdef int dispose(self) except -1:
        return 0

    cdef int fail(self) except -1:
        return 0


@cython.final
cdef class Reactor:
    def __cinit__(self):
        self.poll_fd = -1
        self.scratch = <char*>malloc(SCRATCH)
        self.plain = <char*>malloc(PLAIN)
        self.wire = <char*>malloc(WIRE)
        if self.scratch == NULL or self.plain == NULL or self.wire == NULL:
            raise MemoryError

    def __init__(self, loop, *, size_t read_size=SCRATCH, double handshake_seconds=0.002, int handshakes=64,
                 double handshake_timeout=10.0):
        # read_size: one busy link reads this much and then lets the others have their turn.
        # handshake_seconds: 10 handshakes of 0.2 ms; 500 in one turn held up an established pair by 85 to 204 ms.
        # handshakes in progress as a server (protocol.md 9): each holds some 50 KiB of OpenSSL's. Those that we begin
        # are not counted: they would wait for each other where both ends are ours.
        # handshake_timeout: three round trips on a bad mobile link, with retransmissions.
        if not 0 < read_size <= SCRATCH:
            raise ValueError(f"read_size must be 1 to {SCRATCH}")
        self.loop = loop
        self.call_soon = loop.call_soon
        self.work = Workspace()
        self.jids = JidCache()
        self.names = Names()
        self.read_size = read_size
        self.handshake_ns = <int64_t>(handshake_seconds * SECOND)
        self.handshake_limit = handshakes
        self.handshake_patience = <int64_t>(handshake_timeout * SECOND)
        self.again_list = []
        self.tasks = []
        self.dirty_list = []
        self.closing = []
        self.watched = []
        self.ready = deque()
        self.waiting = {}
        self.wheel = [set() for _ in range(WHEEL)]
        self._read_clock()
        self.second = self.now // SECOND
        self.poll_fd = epoll_create1(EPOLL_CLOEXEC)
        if self.poll_fd < 0:
            raise OSError(errno, os.strerror(errno))
        loop.add_reader(self.poll_fd, self._ready)

    def __dealloc__(self):
        cdef int i
        cdef void* p
        for i in range(3):
            while self.free[i] != NULL:
                p = self.free[i]
                self.free[i] = (<void**>p)[0]
                free(p)
        free(self.scratch)
        free(self.plain)
        free(self.wire)
        if self.poll_fd >= 0:
            close(self.poll_fd)

    def close(self):
        if self.poll_fd >= 0:
            self.loop.remove_reader(self.poll_fd)
            close(self.poll_fd)
            self.poll_fd = -1
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def counters(self):
        return {
            "links": self.links, "sessions": self.sessions, "chunks": self.chunks,
            "stanzas_received": self.received, "stanzas_sent": self.sent,
            "bytes_received": self.bytes_in, "bytes_sent": self.bytes_out,
            "handshakes": self.handshakes, "handshakes_in_progress": self.handshaking,
            "handshakes_waiting": len(self.waiting), "deadlines": self.timed,
        }

    # The turn.

    cdef void _read_clock(self) noexcept:
        cdef timespec t
        self.now = clock_ns()
        clock_gettime(CLOCK_REALTIME, &t)
        self.time = t.tv_sec + t.tv_nsec * 1e-9

    cdef int touch(self) except -1:
        if not self.fresh:
            self.call_soon(self)
            self.fresh = True
            self._read_clock()
        return 0

    def __call__(self):
        """The end of a turn. What it leaves over is served by the next turn, which touch() has then asked for."""
        self._read_clock()
        self.fresh = False
        if self.again_list:
            self._serve_again()
        if self.ready:
            self._serve_handshakes()
        if self.tasks:
            self._serve_tasks()
        if self.dirty_list:
            self._serve_dirty()
        if self.closing:
            self._serve_closing()

    cdef int _serve_again(self) except -1:
        cdef list channels = self.again_list
        cdef Channel channel
        self.again_list = []
        for channel in channels:
            channel.on_again = False
            try:
                channel.again()
            except Exception as error:
                self.report("reading failed", error)
                channel.fail()
        return 0

    cdef int _serve_handshakes(self) except -1:
        cdef int64_t end = self.now + self.handshake_ns
        cdef Channel channel
        while self.ready:
            channel = self.ready.popleft()
            channel.on_ready = False
            try:
                channel.handshake()
            except Exception as error:
                self.report("a TLS handshake failed", error)
                channel.fail()
            if clock_ns() >= end:
                break
        if self.ready:
            self.touch()
        return 0

    cdef int _serve_tasks(self) except -1:
        cdef list tasks = self.tasks
        cdef Task task
        self.tasks = []
        for task in tasks:
            task.queued = False
            try:
                task.act()
            except Exception as error:
                self.report("the end of a turn failed", error)
        return 0

    cdef int _serve_dirty(self) except -1:
        cdef list channels = self.dirty_list
        cdef Channel channel
        self.dirty_list = []
        for channel in channels:
            channel.on_dirty = False
            try:
                channel.flush()
            except Exception as error:
                self.report("writing failed", error)
                channel.fail()
        return 0

    cdef int _serve_closing(self) except -1:
        cdef list channels = self.closing
        cdef Channel channel
        self.closing = []
        for channel in channels:
            try:
                channel.dispose()
            except Exception as error:
                self.report("closing failed", error)
        return 0

    cdef int report(self, str what, object error) except -1:
        self.loop.call_exception_handler({"message": f"headrace: {what}", "exception": error})
        return 0

    # Descriptors.

    cdef int watch(self, Channel channel, int fd, uint32_t events) except -1:
        cdef epoll_event event
        cdef int what = EPOLL_CTL_MOD
        if events == channel.events or fd < 0:
            return 0
        if channel.events == 0:
            what = EPOLL_CTL_ADD
            if fd >= len(self.watched):
                self.watched.extend([None] * (fd + 1 - len(self.watched)))
        elif events == 0:
            what = EPOLL_CTL_DEL
        event.events = events
        event.data.fd = fd
        if epoll_ctl(self.poll_fd, what, fd, &event) < 0:
            raise OSError(errno, os.strerror(errno))
        self.watched[fd] = channel if events else None
        channel.events = events
        return 0

    def _ready(self):
        cdef epoll_event events[EVENTS]
        cdef Channel channel
        cdef uint32_t came
        cdef int i, n
        self.touch()
        n = epoll_wait(self.poll_fd, events, EVENTS, 0)
        for i in range(n):
            channel = self.watched[events[i].data.fd]
            if channel is None:     # another one of this round has made it wait for nothing
                continue
            came = events[i].events
            if channel.events & EPOLLIN and came & (EPOLLIN | EPOLLHUP | EPOLLERR):
                channel.readable()
            if channel.events & EPOLLOUT and came & (EPOLLOUT | EPOLLHUP | EPOLLERR):
                channel.writable()

    # The lists.

    cdef int later(self, Task task) except -1:
        if not task.queued:
            self.tasks.append(task)
            task.queued = True
            self.touch()
        return 0

    cdef int add_again(self, Channel channel) except -1:
        if not channel.on_again:
            self.again_list.append(channel)
            channel.on_again = True
            self.touch()
        return 0

    cdef int add_dirty(self, Channel channel) except -1:
        if not channel.on_dirty:
            self.dirty_list.append(channel)
            channel.on_dirty = True
            self.touch()
        return 0

    cdef int add_closing(self, Channel channel) except -1:
        if not channel.on_close:
            self.closing.append(channel)
            channel.on_close = True
            self.touch()
        return 0

    cdef int add_ready(self, Channel channel) except -1:
        if not channel.on_ready:
            self.ready.append(channel)
            channel.on_ready = True
            self.touch()
        return 0

    cdef bint handshake_begin(self, Channel channel) except -1:
        if not channel.in_handshake:
            if self.handshaking >= self.handshake_limit:
                self.waiting[channel] = None
                return False
            self.handshaking += 1
            channel.in_handshake = True
        return True

    cdef int handshake_end(self, Channel channel) except -1:
        if not channel.in_handshake:
            self.waiting.pop(channel, None)
            return 0
        channel.in_handshake = False
        self.handshaking -= 1
        if self.waiting:
            channel = next(iter(self.waiting))
            del self.waiting[channel]
            self.handshake_begin(channel)
            self.add_ready(channel)
        return 0

    # Chunks.

    cdef char* chunk_take(self, size_t size, size_t* got) except NULL:
        cdef int i
        cdef void* p
        for i in range(3):
            if size <= CLASS_SIZE[i]:
                got[0] = CLASS_SIZE[i]
                p = self.free[i]
                if p != NULL:
                    self.free[i] = (<void**>p)[0]
                    self.free_n[i] -= 1
                    self.chunks += 1
                    return <char*>p
                break
        else:
            got[0] = size
        p = malloc(got[0])
        if p == NULL:
            raise MemoryError
        self.chunks += 1
        return <char*>p

    cdef void chunk_give(self, char* p, size_t size) noexcept:
        cdef int i
        self.chunks -= 1
        for i in range(3):
            if size == CLASS_SIZE[i] and self.free_n[i] < FREE_BYTES // size:
                (<void**>p)[0] = self.free[i]
                self.free[i] = p
                self.free_n[i] += 1
                return
        free(p)

    # Deadlines: a wheel of one-second sets. A deadline that only moves away (an idle time-out, on every stanza) touches
    # no set: the task is looked at where it stands and goes on from there.

    cdef int deadline(self, Task task, int64_t ns) except -1:
        cdef int64_t second
        if ns <= 0:
            task.due = 0
            if task.slot:
                self._pull(task)
            return 0
        self.touch()
        task.due = self.now + ns
        second = task.due // SECOND + 1
        if task.slot and task.slot <= second:
            return 0
        if task.slot:
            self._pull(task)
        return self._put(task, second)

    cdef int _put(self, Task task, int64_t second) except -1:
        if not self.timed:
            self.second = max(self.second, self.now // SECOND)
        second = min(max(second, self.second + 1), self.second + WHEEL - 1)
        (<set>self.wheel[second % WHEEL]).add(task)
        task.slot = second
        self.timed += 1
        if self.timer is None:
            self._arm()
        return 0

    cdef int _pull(self, Task task) except -1:
        (<set>self.wheel[task.slot % WHEEL]).discard(task)
        task.slot = 0
        self.timed -= 1
        return 0

    cdef int _arm(self) except -1:
        # Just behind the next full second: a timer of the loop's may be a millisecond early.
        self.timer = self.loop.call_later((SECOND - self.now % SECOND) / <double>SECOND + 0.002, self._tick)
        return 0

    def _tick(self):
        """Serves the seconds that have passed; called about once a second while there is a deadline."""
        cdef int64_t until
        cdef set tasks
        cdef Task task
        self.timer = None
        self.touch()
        until = self.now // SECOND
        # A process that was stopped for long serves each set once.
        self.second = max(self.second, until - WHEEL)
        while self.second < until:
            self.second += 1
            tasks = self.wheel[self.second % WHEEL]
            if not tasks:
                continue
            self.wheel[self.second % WHEEL] = set()
            self.timed -= len(tasks)
            for task in tasks:
                task.slot = 0
            for task in tasks:
                self._reached(task)
        if self.timed and self.timer is None:
            self._arm()

    cdef int _reached(self, Task task) except -1:
        if task.due == 0 or task.slot:
            return 0
        if task.due > self.now:
            return self._put(task, task.due // SECOND + 1)
        task.due = 0
        try:
            task.expire()
        except Exception as error:
            self.report("a time-out failed", error)
        return 0
