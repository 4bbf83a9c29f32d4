/* The load driver: many XMPP clients in one thread, each checking every stanza it gets; or each logging in again and
 * again (login.c). */
#ifndef HEADRACE_LOAD_H
#define HEADRACE_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state { CONNECT, FEATURES, STARTTLS, HANDSHAKE, CHALLENGE, AUTH, BIND_FEATURES, BIND, PRESENCE, READY };

enum mechanism { PLAIN, SCRAM, FAST }; /* FAST: SCRAM at first, by the token that it gives from then on */

struct buffer {
    char *p;
    size_t n, cap;
};

struct span {
    const char *p;
    size_t n;
};

/* What a client knows from its last login. */
struct user {
    unsigned char client_key[32], stored_key[32]; /* of its password, the salt and count that it was told */
    bool derived;
    char token[128];      /* XEP-0484; empty while it has none */
    SSL_SESSION *session; /* to be resumed; NULL while there is none */
};

struct client {
    int fd, index;
    enum state state;
    SSL *ssl;             /* NULL while plain */
    struct buffer in;     /* bytes of the element that is not complete yet */
    size_t scanned;       /* bytes of `in` that are behind the scanner */
    int depth;            /* open elements at `scanned`; 1: between stanzas */
    struct buffer out;    /* bytes not yet written */
    bool polled_for_write;
    bool dirty;           /* on the list of those with something to send */
    char jid[256];        /* full JID, as the server gave it */
    struct client *peer;  /* the other one of the pair */
    struct buffer message; /* template towards the peer */
    size_t body_at;       /* where the template's body begins */
    uint32_t sent, received, in_flight;
    char first[128];          /* SCRAM: client-first-message-bare */
    bool by_token;
};

struct options {
    const char *address, *domain, *password, *pids;
    int port, first, clients, window, body, login_at_once, logins, total;
    double warm_up, seconds;
    bool tls, resume, idle;
    enum mechanism mechanism;
};

struct load {
    struct options options;
    SSL_CTX *tls;
    int epoll;
    struct client *clients;
    struct client **dirty; /* clients to flush at the end of the round */
    int dirty_count, ready;
    bool sending;
    uint64_t messages;     /* received and checked */
    struct user *users;    /* options.logins of them */
    uint64_t logins, resumed;
    int next_user;
};

/* client.c: descriptors, TLS, buffers */
void client_connect(struct load *load, struct client *c);
void client_event(struct load *load, struct client *c, uint32_t events);
void client_flush(struct load *load, struct client *c);
void client_start_tls(struct load *load, struct client *c);
void client_close(struct client *c);
void put(struct buffer *b, const void *p, size_t n);
void put_text(struct buffer *b, const char *text);
_Noreturn void die(const struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* xmpp.c: what the bytes mean */
void xmpp_open(struct load *load, struct client *c);
void xmpp_received(struct load *load, struct client *c);
void xmpp_fill(struct load *load, struct client *c);
void mark_dirty(struct load *load, struct client *c);
void say(struct load *load, struct client *c, const char *text, enum state next);
bool starts(struct span s, const char *text);
struct span between(struct span s, const char *left, const char *right);

/* login.c: logins for their own sake */
void login_prepare(struct load *load);
void login_begin(struct load *load, struct client *c);
void login_element(struct load *load, struct client *c, struct span s);

#endif
