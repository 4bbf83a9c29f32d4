"""What the data plane knows by name; the tables are in names.h."""

cdef extern from "headrace/core/names.h":
    const Str NS_URI[NS_COUNT]
    int ns_find(const char* uri, size_t n) noexcept nogil
    int known_find(int ns, const char* name, size_t n, int content) noexcept nogil

globals().update(Ns.__members__)
globals().update(Known.__members__)

URIS = tuple([NS_URI[_i].p[:NS_URI[_i].n].decode() for _i in range(NS_COUNT)])  # set at import


cdef int ns_number(const char* uri, size_t n) noexcept nogil:
    return ns_find(uri, n)


cdef Str ns_uri(int ns) noexcept nogil:
    return NS_URI[ns]


cdef int known_child(int ns, const char* name, size_t name_n, int content) noexcept nogil:
    return known_find(ns, name, name_n, content)


def namespace_number(str uri):
    cdef bytes raw = uri.encode()
    return ns_find(raw, len(raw))


def namespace_uri(int number):
    if not 0 <= number < NS_COUNT:
        raise ValueError(f"no namespace has the number {number}")
    return NS_URI[number].p[:NS_URI[number].n].decode()


def child_number(int namespace, str name, int content=NS_CLIENT):
    cdef bytes raw = name.encode()
    return known_find(namespace, raw, len(raw), content)
