"""Skeleton; its owner fills it."""

cdef class Task:
    cdef int act(self) except -1:
        return 0

cdef class Reactor:
    cdef char* chunk_take(self, size_t size, size_t* got) except NULL:
        raise NotImplementedError
    cdef void chunk_give(self, char* p, size_t size) noexcept:
        pass
    cdef int later(self, Task task) except -1:
        return 0
    cdef void touch(self):
        pass
