/* One client's descriptor: connecting, TLS, reading into its buffer, writing what is queued. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

void die(const struct client *c, const char *format, ...) {
    va_list args;
    if (c)
        fprintf(stderr, "client %d: ", c->index);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void reserve(struct buffer *b, size_t more) {
    if (b->n + more <= b->cap)
        return;
    b->cap = b->n + more > 2 * b->cap ? b->n + more : 2 * b->cap;
    b->p = realloc(b->p, b->cap);
    if (!b->p)
        die(NULL, "out of memory");
}

void put(struct buffer *b, const void *p, size_t n) {
    reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void put_text(struct buffer *b, const char *text) { put(b, text, strlen(text)); }

static void watch(struct load *load, struct client *c, bool for_write) {
    if (c->polled_for_write == for_write)
        return;
    struct epoll_event event = {.events = EPOLLIN | (for_write ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->polled_for_write = for_write;
}

void client_connect(struct load *load, struct client *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || inet_pton(AF_INET, load->options.address, &to.sin_addr) != 1)
        die(c, "socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        die(c, "connect: %s", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event);
    c->polled_for_write = true;
    c->state = CONNECT;
}

void client_close(struct client *c) {
    if (c->ssl) {
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else its session is not to be resumed */
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->in.n = c->out.n = c->scanned = 0;
}

void client_start_tls(struct load *load, struct client *c) {
    c->ssl = SSL_new(load->tls);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || !SSL_set_tlsext_host_name(c->ssl, load->options.domain))
        die(c, "cannot make a TLS connection");
    SSL_set_connect_state(c->ssl);
    if (load->users) {
        struct user *user = &load->users[c->index];
        SSL_set_app_data(c->ssl, user);
        if (user->session)
            SSL_set_session(c->ssl, user->session);
    }
    c->state = HANDSHAKE;
}

static void handshake(struct load *load, struct client *c) {
    int done = SSL_do_handshake(c->ssl);
    if (done == 1) {
        xmpp_open(load, c);
        return;
    }
    int why = SSL_get_error(c->ssl, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        die(c, "TLS handshake failed");
    watch(load, c, why == SSL_ERROR_WANT_WRITE);
}

/* Bytes read, 0 if there are none now. */
static size_t read_some(struct client *c, char *p, size_t n) {
    if (c->ssl) {
        int got = SSL_read(c->ssl, p, (int)n);
        if (got > 0)
            return (size_t)got;
        int why = SSL_get_error(c->ssl, got);
        if (why != SSL_ERROR_WANT_READ)
            die(c, "closed by the server (TLS error %d)", why);
        return 0;
    }
    ssize_t got = recv(c->fd, p, n, 0);
    if (got > 0)
        return (size_t)got;
    if (got == 0 || errno != EAGAIN)
        die(c, "closed by the server (%s)", got ? strerror(errno) : "end of stream");
    return 0;
}

/* Bytes written, 0 if the socket is full. */
static size_t write_some(struct client *c, const char *p, size_t n) {
    if (c->ssl) {
        int put_n = SSL_write(c->ssl, p, (int)n);
        if (put_n > 0)
            return (size_t)put_n;
        int why = SSL_get_error(c->ssl, put_n);
        if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ)
            die(c, "cannot write (TLS error %d)", why);
        return 0;
    }
    ssize_t put_n = send(c->fd, p, n, MSG_NOSIGNAL);
    if (put_n < 0 && errno != EAGAIN)
        die(c, "cannot write: %s", strerror(errno));
    return put_n < 0 ? 0 : (size_t)put_n;
}

void client_flush(struct load *load, struct client *c) {
    size_t done = 0;
    while (done < c->out.n) {
        size_t n = write_some(c, c->out.p + done, c->out.n - done);
        if (!n)
            break;
        done += n;
    }
    memmove(c->out.p, c->out.p + done, c->out.n - done);
    c->out.n -= done;
    watch(load, c, c->out.n > 0);
}

static void read_all(struct load *load, struct client *c) {
    for (;;) {
        reserve(&c->in, READ_SIZE);
        size_t space = c->in.cap - c->in.n, n = read_some(c, c->in.p + c->in.n, space);
        if (!n)
            return;
        c->in.n += n;
        xmpp_received(load, c);
        if (c->state == CONNECT) /* it has logged in and begun again */
            return;
        if (c->state == HANDSHAKE || (!c->ssl && n < space)) /* a short read of a plain socket emptied it */
            return;
    }
}

void client_event(struct load *load, struct client *c, uint32_t events) {
    if (c->state == CONNECT) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            die(c, "connect: %s", strerror(error));
        xmpp_open(load, c);
        return;
    }
    if (c->state == HANDSHAKE) {
        handshake(load, c);
        return;
    }
    if (events & EPOLLOUT)
        mark_dirty(load, c);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_all(load, c);
    if (c->state == HANDSHAKE)
        handshake(load, c);
}
