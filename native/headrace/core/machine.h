/* One stream's state, and what all parts of the machine share: errors, places, limits. */
#ifndef HEADRACE_MACHINE_H
#define HEADRACE_MACHINE_H

#include "headrace/core/frame.h"
#include "headrace/core/refs.h"
#include "headrace/core/utf8.h"

enum Phase {
    PHASE_START = 0,        /* nothing but a byte order mark has come */
    PHASE_PROLOG,           /* before the root */
    PHASE_INSIDE,           /* below the root; a frame is there from the start */
    PHASE_END,              /* behind the root, or behind the one element of a frame */
};

enum { RUN_DECLARATION = 100 };     /* beside Ev: the XML declaration ended */

typedef struct OuterBind { uint32_t prefix; uint16_t prefix_n, ns; } OuterBind;

/* What the root's start tag leaves behind: its name and its bindings, in one allocation. */
typedef struct Outer {
    uint32_t name_n;        /* raw name of the root, at the start of text */
    uint16_t binds, uris;
    uint16_t ns;            /* default namespace */
    uint32_t size;
    OuterBind *bind;
    Uri *uri;
    char *text;
} Outer;

struct Machine {
    Work *work;
    Frame *frame;           /* NULL: nothing begun, and nothing to look at */
    Outer *outer;           /* NULL: no root, or one that binds nothing beside content and stream namespaces */
    const char *in, *in_end;    /* input that is unread, and not in frame->acc */
    uint64_t consumed;      /* bytes of the document before `in` */
    uint64_t before;        /* bytes of earlier documents (Limits.total) */
    uint64_t base_at;       /* offset of the element's first byte in the document */
    const char *base;       /* the element's first byte; NULL: not begun */
    uint32_t at;            /* where reading goes on, from base */
    uint64_t tops;          /* top-level elements so far, restarts included */
    uint8_t mode, phase, content, mark;     /* mark: bytes of a byte order mark that have come */
    uint8_t done;           /* the event in frame->view has been given out; the frame is free after that */
    uint8_t closing;        /* the root was self-closed: EV_CLOSE comes next */
    uint8_t fed;            /* a frame or body was given and not yet begun */
    uint8_t failed;         /* 1: to be told, 2: told */
    uint8_t memo;           /* the limits allow each tag that memo.h keeps */
    Limits limits;          /* 0 replaced by the largest value */
    uint64_t total_allowed, tops_allowed;
    const char *condition, *message;
    uint64_t error_at;
    char *pend;             /* unread input that the caller did not wait for; `in` points into it */
    size_t pend_n;
};

__attribute__((cold, noinline, unused)) static int fail(Machine *m, uint64_t offset, const char *condition, const char *message) {
    m->condition = condition;
    m->message = message;
    m->error_at = offset;
    m->failed = 1;
    return EV_ERROR;
}

#define E_NOT_WELL_FORMED "not-well-formed"
#define E_RESTRICTED "restricted-xml"
#define E_POLICY "policy-violation"
#define E_BAD_FORMAT "bad-format"
#define E_ENCODING "unsupported-encoding"
#define E_NO_MEMORY "resource-constraint"

/* An error inside an element; `at` counts from its first byte. */
static inline int wrong(Machine *m, uint32_t at, const char *condition, const char *message) {
    return fail(m, m->base_at + at, condition, message);
}

static inline int no_memory(Machine *m, uint32_t at) { return wrong(m, at, E_NO_MEMORY, "out of memory"); }

/* A namespace beside those of names.h: the root's first, then those of the element. */
static inline Uri *uri_entry(const Machine *m, const Frame *f, uint32_t ns) {
    uint32_t outer = m->outer ? m->outer->uris : 0;
    ns -= NS_COUNT;
    return ns < outer ? &m->outer->uri[ns] : &f->uri[ns - outer];
}

static inline Str uri_of(const Machine *m, const Frame *f, const char *base, uint32_t ns) {
    if (ns < NS_COUNT)
        return NS_URI[ns];
    const Uri *u = uri_entry(m, f, ns);
    int outer = m->outer && ns - NS_COUNT < m->outer->uris;
    return (Str){(outer ? m->outer->text : u->decoded ? f->text : base) + u->at, u->n};
}

/* Equal for equal URIs. */
static inline uint32_t uri_hash(const Machine *m, const Frame *f, const char *base, uint32_t ns) {
    if (ns < NS_COUNT)
        return ns;
    Uri *u = uri_entry(m, f, ns);
    if (u->hash == 0) {
        Str s = uri_of(m, f, base, ns);
        u->hash = hash_bytes(m->work->seed, s.p, s.n) | 1;
    }
    return u->hash;
}

#endif
