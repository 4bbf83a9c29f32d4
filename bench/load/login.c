/* Logins for their own sake: each client logs in, up to a bound resource, goes, and comes back as another user. */
#define _GNU_SOURCE
#include "load.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define SASL2 "xmlns='urn:xmpp:sasl:2'"

enum { HASH = 32 };

static size_t encode(char *to, const void *p, size_t n) { return (size_t)EVP_EncodeBlock((unsigned char *)to, p, (int)n); }

/* Bytes, without what the padding stands for. */
static size_t decode(unsigned char *to, size_t room, struct span s) {
    if (!s.p || s.n % 4 || s.n / 4 * 3 > room)
        die(NULL, "not base64, or too much of it: %.*s", (int)s.n, s.p ? s.p : "");
    int n = EVP_DecodeBlock(to, (const unsigned char *)s.p, (int)s.n);
    return (size_t)n - (s.n && s.p[s.n - 1] == '=') - (s.n > 1 && s.p[s.n - 2] == '=');
}

static void hmac(unsigned char *to, const void *key, size_t key_n, const void *p, size_t n) {
    unsigned int size = HASH;
    HMAC(EVP_sha256(), key, (int)key_n, p, n, to, &size);
}

static void derive(struct load *load, struct user *user, const unsigned char *salt, size_t salt_n, int count) {
    unsigned char salted[HASH];
    const char *password = load->options.password;
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_n, count, EVP_sha256(), HASH, salted);
    hmac(user->client_key, salted, HASH, "Client Key", 10);
    EVP_Digest(user->client_key, HASH, user->stored_key, NULL, EVP_sha256(), NULL);
    user->derived = true;
}

/* The client's first message, in the profile that the login goes by. */
static void authenticate(struct load *load, struct client *c) {
    struct user *user = &load->users[c->index];
    unsigned char random[18], message[256];
    char text[512], nonce[32], more[1024];
    const char *name = "SCRAM-SHA-256";
    size_t n;
    c->by_token = user->token[0];
    if (load->options.mechanism == PLAIN) {
        name = "PLAIN";
        n = (size_t)sprintf((char *)message, "%cu%d%c%s", 0, c->index, 0, load->options.password);
    } else if (c->by_token) {
        name = "HT-SHA-256-NONE";
        n = (size_t)sprintf((char *)message, "u%d", c->index) + 1;
        hmac(message + n, user->token, strlen(user->token), "Initiator", 9);
        n += HASH;
    } else {
        RAND_bytes(random, sizeof random);
        encode(nonce, random, sizeof random);
        snprintf(c->first, sizeof c->first, "n=u%d,r=%s", c->index, nonce);
        n = (size_t)sprintf((char *)message, "n,,%s", c->first);
    }
    encode(text, message, n);
    if (load->options.mechanism == FAST)
        snprintf(more, sizeof more, "<authenticate " SASL2 " mechanism='%s'><initial-response>%s</initial-response>"
                 "<user-agent id='b1d3c6a2-6f2e-4b0e-8a51-%012d'/>%s<bind xmlns='urn:xmpp:bind:0'/></authenticate>", name,
                 text, c->index, c->by_token ? "<fast xmlns='urn:xmpp:fast:0'/>"
                 : "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>");
    else
        snprintf(more, sizeof more, "<auth " SASL " mechanism='%s'>%s</auth>", name, text);
    say(load, c, more, load->options.mechanism == PLAIN || c->by_token ? AUTH : CHALLENGE);
}

static void answer(struct load *load, struct client *c, struct span s) {
    struct user *user = &load->users[c->index];
    unsigned char challenge[512], salt[64], signature[HASH];
    char proof[64], final[512], text[1024], signed_text[1024], more[1200];
    size_t n = decode(challenge, sizeof challenge - 1, between(s, ">", "</challenge>"));
    challenge[n] = 0;
    struct span whole = {(const char *)challenge, n + 1};
    struct span nonce = between(whole, "r=", ","), salt_text = between(whole, ",s=", ","), count = between(whole, ",i=", "");
    if (!nonce.p || !count.p)
        die(c, "not a challenge: %s", challenge);
    size_t salt_n = decode(salt, sizeof salt, salt_text);
    if (!user->derived)
        derive(load, user, salt, salt_n, atoi(count.p));
    int final_n = snprintf(final, sizeof final, "c=biws,r=%.*s", (int)nonce.n, nonce.p);
    int signed_n = snprintf(signed_text, sizeof signed_text, "%s,%s,%s", c->first, challenge, final);
    hmac(signature, user->stored_key, HASH, signed_text, (size_t)signed_n);
    for (int i = 0; i < HASH; i++)
        signature[i] ^= user->client_key[i];
    encode(proof, signature, HASH);
    final_n += snprintf(final + final_n, sizeof final - (size_t)final_n, ",p=%s", proof);
    encode(text, final, (size_t)final_n);
    snprintf(more, sizeof more, "<response %s>%s</response>", load->options.mechanism == FAST ? SASL2 : SASL, text);
    say(load, c, more, AUTH);
}

static void done(struct load *load, struct client *c) {
    load->logins++;
    if (c->ssl && SSL_session_reused(c->ssl))
        load->resumed++;
    client_close(c);
    login_begin(load, c);
}

/* XEP-0388: the resource is bound and the token there. */
static void entered(struct load *load, struct client *c, struct span s) {
    struct span token = between(s, " token='", "'");
    struct user *user = &load->users[c->index];
    if (token.p && token.n < sizeof user->token)
        memcpy(user->token, token.p, token.n);
    else if (!c->by_token)
        die(c, "no token: %.*s", (int)s.n, s.p);
    if (!between(s, "<bound ", ">").p)
        die(c, "no resource: %.*s", (int)s.n, s.p);
    c->state = READY; /* the features follow */
}

void login_element(struct load *load, struct client *c, struct span s) {
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
    case CHALLENGE:
        if (!starts(s, "<challenge"))
            die(c, "no challenge: %.*s", (int)s.n, s.p);
        answer(load, c, s);
        break;
    case AUTH:
        if (!starts(s, "<success"))
            die(c, "not authenticated: %.*s", (int)s.n, s.p);
        if (load->options.mechanism == FAST) {
            entered(load, c, s);
            break;
        }
        xmpp_open(load, c);
        say(load, c, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", BIND_FEATURES);
        break;
    case BIND_FEATURES:
        c->state = BIND;
        break;
    case BIND:
        if (!starts(s, "<iq") || !between(s, "<jid>", "</jid>").p)
            die(c, "not bound: %.*s", (int)s.n, s.p);
        done(load, c);
        break;
    case READY:
        done(load, c);
        break;
    default:
        break;
    }
}

/* A ticket for the next time. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct user *user = SSL_get_app_data(ssl);
    SSL_SESSION_free(user->session);
    user->session = session;
    return 1; /* it is ours now */
}

void login_prepare(struct load *load) {
    load->users = calloc((size_t)load->options.logins, sizeof *load->users);
    if (!load->users)
        die(NULL, "out of memory");
    SSL_CTX_set_min_proto_version(load->tls, TLS1_3_VERSION);
    if (load->options.resume) {
        SSL_CTX_set_session_cache_mode(load->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(load->tls, keep_session);
    }
}

void login_begin(struct load *load, struct client *c) {
    c->index = load->next_user;
    load->next_user = (load->next_user + 1) % load->options.logins;
    client_connect(load, c);
}
