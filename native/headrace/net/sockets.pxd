# The socket calls that we make ourselves, and accept() for the listener.
from libc.stdint cimport uint16_t

cdef extern from "sys/uio.h" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    struct sockaddr_storage:
        pass
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    int AF_INET, AF_INET6, SOCK_NONBLOCK, SOCK_CLOEXEC, SOL_SOCKET, SO_KEEPALIVE, MSG_NOSIGNAL, MSG_PEEK, SHUT_WR
    ssize_t recv(int fd, void* p, size_t n, int flags)
    ssize_t send(int fd, const void* p, size_t n, int flags)
    ssize_t sendmsg(int fd, const msghdr* message, int flags)
    int accept4(int fd, sockaddr* address, socklen_t* n, int flags)
    int setsockopt(int fd, int level, int name, const void* value, socklen_t n)
    int shutdown(int fd, int how)

cdef extern from "netinet/in.h" nogil:
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        in_addr sin_addr
        uint16_t sin_port
    struct sockaddr_in6:
        in6_addr sin6_addr
        uint16_t sin6_port
    int IPPROTO_TCP, INET6_ADDRSTRLEN
    uint16_t ntohs(uint16_t)

cdef extern from "netinet/tcp.h" nogil:
    int TCP_NODELAY, TCP_USER_TIMEOUT

cdef extern from "arpa/inet.h" nogil:
    const char* inet_ntop(int family, const void* address, char* text, socklen_t n)

cdef extern from "<sys/epoll.h>" nogil:
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD
    unsigned int EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT

    ctypedef union epoll_data_t:
        int fd

    struct epoll_event:
        unsigned int events
        epoll_data_t data

    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int what, int fd, epoll_event* event)
    int epoll_wait(int epoll, epoll_event* events, int most, int ms)
