"""accept(), and the options that every stream socket of ours has."""
from libc.errno cimport EAGAIN, ECONNABORTED, EINTR, errno
from posix.unistd cimport close

import os

cdef enum:
    USER_TIMEOUT = 60000    # ms without acknowledgement until the kernel gives a connection up: a lost radio comes back


cdef int set_option(int fd, int level, int name, int value) noexcept:
    return setsockopt(fd, level, name, &value, sizeof(value))


def tune(int fd):
    """Small writes at once, dead peers noticed. An option that a socket doesn't know (AF_UNIX) is left alone."""
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT)


cdef tuple peer_of(const sockaddr* address):
    cdef char text[64]
    if address.sa_family == AF_INET:
        inet_ntop(AF_INET, &(<const sockaddr_in*>address).sin_addr, text, sizeof(text))
        return text.decode("ascii"), ntohs((<const sockaddr_in*>address).sin_port)
    if address.sa_family == AF_INET6:
        inet_ntop(AF_INET6, &(<const sockaddr_in6*>address).sin6_addr, text, sizeof(text))
        return text.decode("ascii"), ntohs((<const sockaddr_in6*>address).sin6_port)
    return "", 0


def accept(int fd):
    cdef sockaddr_storage address
    cdef socklen_t n = sizeof(address)
    cdef int got = accept4(fd, <sockaddr*>&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if got < 0:
        # A connection that is gone again before we took it says nothing about the next one, but the loop asks again.
        if errno in (EAGAIN, EINTR, ECONNABORTED):
            return None
        raise OSError(errno, os.strerror(errno))
    try:
        return got, peer_of(<sockaddr*>&address)
    except BaseException:
        close(got)
        raise
