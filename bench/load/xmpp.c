/* What the bytes mean: finding whole elements, logging in, and the chat with its checks. */
#define _GNU_SOURCE
#include "load.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { SEQUENCE_DIGITS = 10 };

void mark_dirty(struct load *load, struct client *c) {
    if (c->dirty)
        return;
    c->dirty = true;
    load->dirty[load->dirty_count++] = c;
}

void say(struct load *load, struct client *c, const char *text, enum state next) {
    put_text(&c->out, text);
    c->state = next;
    mark_dirty(load, c);
}

/* A new document: the first, after STARTTLS, after SASL. */
void xmpp_open(struct load *load, struct client *c) {
    char header[512];
    snprintf(header, sizeof header,
             "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
             "xmlns:stream='http://etherx.jabber.org/streams'>", load->options.domain);
    c->depth = 0;
    say(load, c, header, c->state == AUTH ? BIND_FEATURES : FEATURES);
}

bool starts(struct span s, const char *text) {
    size_t n = strlen(text);
    return s.n >= n && !memcmp(s.p, text, n);
}

struct span between(struct span s, const char *left, const char *right) {
    const char *from = memmem(s.p, s.n, left, strlen(left));
    if (!from)
        return (struct span){NULL, 0};
    from += strlen(left);
    const char *to = memmem(from, s.n - (size_t)(from - s.p), right, strlen(right));
    return to ? (struct span){from, (size_t)(to - from)} : (struct span){NULL, 0};
}

/* Value of an attribute of the top tag, in either kind of quote; `name` with a space before and '=' behind. */
static struct span attribute(struct span s, const char *name) {
    const char *end = memchr(s.p, '>', s.n), *at;
    struct span tag = {s.p, end ? (size_t)(end - s.p) : s.n};
    if (!(at = memmem(tag.p, tag.n, name, strlen(name))))
        return (struct span){NULL, 0};
    at += strlen(name);
    const char *close = memchr(at + 1, *at, tag.n - (size_t)(at + 1 - tag.p));
    return close ? (struct span){at + 1, (size_t)(close - at - 1)} : (struct span){NULL, 0};
}

static bool same(struct span s, const char *text) { return s.p && s.n == strlen(text) && !memcmp(s.p, text, s.n); }

static void authenticate(struct load *load, struct client *c) {
    char plain[256], text[512], base64[400];
    int n = snprintf(plain, sizeof plain, "%cu%d%c%s", 0, c->index, 0, load->options.password);
    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)plain, n);
    snprintf(text, sizeof text, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", base64);
    say(load, c, text, AUTH);
}

static void bound(struct load *load, struct client *c, struct span s) {
    struct span jid = between(s, "<jid>", "</jid>");
    if (!same(attribute(s, " type="), "result") || !jid.p || jid.n >= sizeof c->jid)
        die(c, "not bound: %.*s", (int)s.n, s.p);
    memcpy(c->jid, jid.p, jid.n);
    say(load, c, "<presence/>", PRESENCE);
}

/* Once both of a pair know their JIDs: the message that is sent over and over, but for its number. */
static void make_message(struct load *load, struct client *c) {
    char head[512];
    c->message.n = 0;
    snprintf(head, sizeof head, "<message to='%s' type='chat' id='m'><body>", c->peer->jid);
    put_text(&c->message, head);
    c->body_at = c->message.n;
    for (int i = 0; i < load->options.body; i++)
        put(&c->message, i % 8 == 7 ? " " : &"abcdefghijklmnopqrstuvwxyz"[(i + c->index) % 26], 1);
    put_text(&c->message, "</body></message>");
}

static void number(char *at, uint32_t value) {
    for (int i = SEQUENCE_DIGITS; i--; value /= 10)
        at[i] = (char)('0' + value % 10);
}

/* Sender, order, loss, repeats and every byte of the body: all in one comparison with what must come next. */
static void check_message(struct load *load, struct client *c, struct span s) {
    struct client *from = c->peer;
    struct span body = between(s, "<body>", "</body>");
    if (!same(attribute(s, " from="), from->jid) || body.n != (size_t)load->options.body)
        die(c, "unexpected: %.*s", (int)s.n, s.p);
    number(from->message.p + from->body_at, c->received);
    if (memcmp(body.p, from->message.p + from->body_at, body.n))
        die(c, "lost, repeated or changed; message %u should have come: %.*s", c->received, (int)s.n, s.p);
    c->received++;
    from->in_flight--;
    load->messages++;
    if (load->sending)
        mark_dirty(load, from);
}

void xmpp_fill(struct load *load, struct client *c) {
    if (!c->message.n)
        make_message(load, c);
    for (; c->in_flight < (uint32_t)load->options.window; c->in_flight++) {
        number(c->message.p + c->body_at, c->sent++);
        put(&c->out, c->message.p, c->message.n);
    }
}

static void element(struct load *load, struct client *c, struct span s) {
    if (starts(s, "<stream:error"))
        die(c, "stream error: %.*s", (int)s.n, s.p);
    if (load->users) {
        login_element(load, c, s);
        return;
    }
    switch (c->state) {
    case FEATURES:
        if (load->options.tls && !c->ssl)
            say(load, c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", STARTTLS);
        else
            authenticate(load, c);
        break;
    case STARTTLS:
        if (!starts(s, "<proceed"))
            die(c, "no TLS: %.*s", (int)s.n, s.p);
        client_start_tls(load, c);
        break;
    case AUTH:
        if (!starts(s, "<success"))
            die(c, "not authenticated: %.*s", (int)s.n, s.p);
        xmpp_open(load, c);
        break;
    case BIND_FEATURES:
        say(load, c, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<resource>load</resource></bind></iq>", BIND);
        break;
    case BIND:
        bound(load, c, s);
        break;
    case PRESENCE: /* one's own presence comes back once the session is available */
        if (starts(s, "<presence") && same(attribute(s, " from="), c->jid)) {
            c->state = READY;
            load->ready++;
        }
        break;
    case READY:
        if (starts(s, "<message"))
            check_message(load, c, s);
        break;
    case CONNECT:
    case HANDSHAKE:
    case CHALLENGE:
        break;
    }
}

/* Hands each complete top-level element to element(). Servers escape '>' in attributes, so a tag ends at the next one. */
void xmpp_received(struct load *load, struct client *c) {
    size_t start = 0; /* of the current top-level element */
    const char *lt, *gt;
    while ((lt = memchr(c->in.p + c->scanned, '<', c->in.n - c->scanned))) {
        const char *end = c->in.p + c->in.n;
        if (!(gt = memchr(lt, '>', (size_t)(end - lt))))
            break;
        if (c->depth == 1 && lt[1] != '/')
            start = (size_t)(lt - c->in.p);
        c->scanned = (size_t)(gt + 1 - c->in.p);
        if (lt[1] == '/')
            c->depth--;
        else if (lt[1] != '?' && gt[-1] != '/')
            c->depth++;
        else if (lt[1] == '?' || c->depth != 1)
            continue;
        if (c->depth == 0)
            die(c, "the server closed the stream");
        bool complete = c->depth == 1 && start < c->scanned && (lt[1] == '/' || gt[-1] == '/');
        if (complete) {
            element(load, c, (struct span){c->in.p + start, c->scanned - start});
            if (c->state == CONNECT)
                return;
            start = c->scanned;
        } else if (c->depth == 1) {
            start = c->scanned; /* the stream header */
        }
    }
    size_t keep = c->depth > 1 ? start : c->scanned;
    memmove(c->in.p, c->in.p + keep, c->in.n - keep);
    c->in.n -= keep;
    c->scanned -= keep;
}
