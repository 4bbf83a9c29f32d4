# Hash of what strangers choose the keys of.
from libc.stdint cimport uint64_t

cdef extern from "headrace/router/siphash.h":
    uint64_t siphash13(uint64_t k0, uint64_t k1, const char* p, size_t n) noexcept nogil
