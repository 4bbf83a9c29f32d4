"""Skeleton; its owner fills it."""

cdef class Router:
    cdef int route_from(self, Session session, const StanzaView* view) except -1:
        return 0
