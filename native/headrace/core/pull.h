/* Around the machine: where its bytes come from, the limits on them, what lies between elements, and what is handed out. */
#ifndef HEADRACE_PULL_H
#define HEADRACE_PULL_H

#include "headrace/core/element.h"
#include "headrace/core/lexis.h"
#include "headrace/core/scan.h"

#define RUN static inline
#define RUN_CALLED static __attribute__((noinline))
#define SCAN(name) name##_portable
#include "headrace/core/run.h"
#undef SCAN
#if defined(__x86_64__)
#define SCAN(name) name##_sse2
#include "headrace/core/run.h"
#undef SCAN
#undef RUN
#undef RUN_CALLED
#define RUN __attribute__((target("avx2,bmi,bmi2"))) static inline
#define RUN_CALLED static __attribute__((target("avx2,bmi,bmi2"), noinline))
#define SCAN(name) name##_avx2
#include "headrace/core/run.h"
#undef SCAN
#elif defined(__aarch64__)
#define SCAN(name) name##_neon
#include "headrace/core/run.h"
#undef SCAN
#endif
#undef RUN
#undef RUN_CALLED

typedef struct Scanner { const char *name; Run run; } Scanner;

/* The scanners that this machine can run, best first; answers how many. */
static int scanners(Scanner out[4]) {
    int n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        out[n++] = (Scanner){"avx2", run_avx2};
    out[n++] = (Scanner){"sse2", run_sse2};
#elif defined(__aarch64__)
    out[n++] = (Scanner){"neon", run_neon};
#endif
    out[n++] = (Scanner){"portable", run_portable};
    return n;
}

enum { FIRST_PIECE = 1024 };    /* bytes first added to a partial element: most end within */

static void drop_pend(Machine *m) {
    free(m->pend);
    m->pend = NULL;
    m->pend_n = 0;
    m->in = m->in_end = NULL;
}

/* Makes the frame ready for another element. */
static inline void clear_frame(Machine *m) {
    frame_reset(m->frame);
    m->base = NULL;
    m->done = 0;
}

static void drop_frame(Machine *m) {
    if (m->frame) {
        clear_frame(m);
        frame_give(m->work, m->frame);
    }
    m->frame = NULL;
}

static int machine_keep(Machine *m) {
    size_t n = (size_t)(m->in_end - m->in);
    if (n == 0 || m->pend)
        return 0;
    char *copy = malloc(n);
    if (copy == NULL)
        return -1;
    memcpy(copy, m->in, n);
    m->pend = copy;
    m->pend_n = n;
    m->in = copy;
    m->in_end = copy + n;
    return 0;
}

static void machine_feed(Machine *m, const char *data, size_t n) {
    size_t unread = (size_t)(m->in_end - m->in);
    if (m->failed)
        return;
    if (m->done)
        drop_frame(m);
    if (m->mode != MODE_STREAM) {
        if (unread)
            (void)fail(m, m->consumed, E_NOT_WELL_FORMED, "bytes behind the element of a frame");
        m->fed = 1;
    }
    if (unread == 0) {
        drop_pend(m);
        m->in = data;
        m->in_end = data + n;
        return;
    }
    char *joined = m->pend ? malloc(unread + n) : NULL;
    if (joined == NULL) {
        (void)fail(m, m->consumed, m->pend ? E_NO_MEMORY : "internal-server-error", "input that could not be kept");
        return;
    }
    memcpy(joined, m->in, unread);
    memcpy(joined + unread, data, n);
    free(m->pend);
    m->pend = joined;
    m->pend_n = unread + n;
    m->in = joined;
    m->in_end = joined + m->pend_n;
}

static void machine_reset(Machine *m, int drop_rest) {
    drop_frame(m);
    free(m->outer);
    m->outer = NULL;
    m->before += m->consumed;
    m->consumed = 0;
    m->phase = m->mode == MODE_FRAME ? PHASE_INSIDE : PHASE_START;
    m->mark = m->closing = m->fed = m->failed = 0;
    if (drop_rest)
        drop_pend(m);
}

/* Bytes of namespaces, prefixes and name that have to outlive the root's start tag. */
static size_t outer_text(const Machine *m, const Frame *f, uint32_t name_n) {
    size_t n = name_n;
    for (uint32_t i = 0; i < f->bind_n; i++)
        n += f->bind[i].prefix_n;
    for (uint32_t i = 0; i < f->uri_n; i++)
        n += uri_of(m, f, m->base, NS_COUNT + i).n;
    return n;
}

static char *put_text(char **to, const char *p, size_t n) {
    char *at = *to;
    memcpy(at, p, n);
    *to += n;
    return at;
}

/* Keeps what the root's start tag binds. */
static int outer_make(Machine *m, Frame *f) {
    const Record *tag = f->tag;
    uint32_t name_n = (uint32_t)tag->name_n + (f->colon_at ? f->colon_at - f->start : 0);
    size_t text = outer_text(m, f, name_n);
    size_t size = sizeof(Outer) + f->bind_n * sizeof(OuterBind) + f->uri_n * sizeof(Uri) + text;
    Outer *o = malloc(size);
    if (o == NULL)
        return no_memory(m, f->view.size);
    *o = (Outer){.name_n = name_n, .binds = (uint16_t)f->bind_n, .uris = (uint16_t)f->uri_n, .ns = f->ns};
    o->size = (uint32_t)size;
    o->uri = (Uri *)(o + 1);
    o->bind = (OuterBind *)(o->uri + f->uri_n);
    o->text = (char *)(o->bind + f->bind_n);
    char *to = o->text;
    put_text(&to, m->base + f->start + 1, name_n);
    for (uint32_t i = 0; i < f->bind_n; i++) {
        const Bind *b = &f->bind[i];
        uint32_t at = (uint32_t)(put_text(&to, m->base + b->prefix, b->prefix_n) - o->text);
        o->bind[i] = (OuterBind){at, b->prefix_n, b->ns};
    }
    for (uint32_t i = 0; i < f->uri_n; i++) {
        Str s = uri_of(m, f, m->base, NS_COUNT + i);
        o->uri[i] = (Uri){(uint32_t)(put_text(&to, s.p, s.n) - o->text), (uint32_t)s.n, 0, 0};
    }
    m->outer = o;
    return 0;
}

/* Decoded value of an attribute of the top tag. Each has its own place in Frame.head, so all of them last as long as
 * the view does. p == NULL without memory. */
static Str head_value(const Frame *f, const Record *r) {
    Str s = {f->view.base + r->value, r->value_n};
    if (r->flags & R_REFS) {
        char *place = f->head + (r->value - f->tape[0].value);
        s.n = decode_value(place, s.p, s.n, 1, 0);
        s.p = place;
    }
    return s;
}

static inline Str head_at(const Frame *f, int i) {
    if (f->head_record[i] == 0)
        return (Str){NULL, 0};
    const Record *r = tape_at(f, f->head_record[i]);
    return UNLIKELY(r->flags & R_REFS) ? head_value(f, r) : (Str){f->view.base + r->value, r->value_n};
}

static int kind_of(const StanzaView *v) {
    if (same(v->name.p, (uint32_t)v->name.n, "message", 7))
        return KIND_MESSAGE;
    if (same(v->name.p, (uint32_t)v->name.n, "presence", 8))
        return KIND_PRESENCE;
    return same(v->name.p, (uint32_t)v->name.n, "iq", 2) ? KIND_IQ : KIND_OTHER;
}

/* Turns the offsets of a complete element (or root start tag) into the view. */
static int fill_view(Machine *m, Frame *f) {
    StanzaView *v = &f->view;
    const Record *tag = &f->tape[0];
    f->tape_n = (uint32_t)(f->tape_next - f->tape);
    v->base = m->base;
    v->name = (Str){m->base + tag->name, tag->name_n};
    v->uri = uri_of(m, f, m->base, tag->ns);
    v->ns = tag->ns < NS_COUNT ? (uint8_t)tag->ns : NS_OTHER;
    v->kind = (uint8_t)(tag->ns == m->content ? kind_of(v) : KIND_OTHER);
    v->elements = f->elements;
    if (UNLIKELY(f->head_refs) && ROOM(f, head, v->body))
        return -1;
    v->to = head_at(f, 0);
    v->from_ = head_at(f, 1);
    v->id = head_at(f, 2);
    v->type = head_at(f, 3);
    v->lang = head_at(f, 4);
    for (uint32_t i = 0; i < v->children && i < MAX_CHILDREN; i++) {
        const Record *r = tape_at(f, f->child_record[i]);
        v->child[i].name = (Str){m->base + r->name, r->name_n};
        v->child[i].uri = uri_of(m, f, m->base, r->ns);
    }
    return 0;
}

/* What lies outside of elements: a byte order mark, white space, and what may not. Answers EV_MORE at the end of input,
 * EV_ERROR, or -1 on a '<'. */
static int read_outside(Machine *m, const char *end) {
    static const char bom[] = "\xEF\xBB\xBF";
    const char *p = m->in;
    if (p < end && *p == '<' && m->phase == PHASE_INSIDE)
        return -1;
    for (; p < end && m->phase == PHASE_START && m->mark < 3 && m->consumed == m->mark; m->mark++, p++, m->consumed++)
        if (*p != bom[m->mark])
            break;
    if (m->phase == PHASE_START && p < end && m->mark > 0 && m->mark < 3)
        return fail(m, m->consumed, E_NOT_WELL_FORMED, "not the start of a document");
    m->in = p;
    while (p < end && is_space(*p) && m->mode != MODE_FRAME)
        p++;
    if (p > m->in && m->phase == PHASE_START)
        m->phase = PHASE_PROLOG;
    m->consumed += (uint64_t)(p - m->in);
    m->in = p;
    if (in_root(m) && m->consumed >= m->limits.header)
        return fail(m, m->limits.header, E_POLICY, "the stream header is too large");
    if (p == end)
        return EV_MORE;
    if (m->phase == PHASE_END)
        return fail(m, m->consumed, E_NOT_WELL_FORMED, "bytes behind the end of the document");
    if (*p == '<')
        return -1;
    if (m->phase == PHASE_INSIDE)
        return fail(m, m->consumed, E_BAD_FORMAT, "text between top-level elements");
    if (m->phase == PHASE_START && (*p == 0 || (uint8_t)*p >= 0xFE))
        return fail(m, m->consumed, E_ENCODING, "only UTF-8 is spoken here");
    return fail(m, m->consumed, E_NOT_WELL_FORMED, "text outside of the root");
}

/* Runs the machine over an element's bytes in the caller's buffer, and copies them if it is cut. */
static int run_direct(Machine *m, const char *end, uint32_t limit) {
    Frame *f = m->frame;
    const char *stop = (size_t)(end - m->base) > limit ? m->base + limit : end;
    int r = m->work->run(m, m->base, m->base + m->at, stop);
    if (r == EV_ERROR)
        return r;
    if (r != EV_MORE) {
        m->in = m->base + m->at;
        m->consumed = m->base_at + m->at;
        return r;
    }
    if (stop < end)
        return wrong(m, limit, E_POLICY, "an element is too large");
    uint32_t n = (uint32_t)(end - m->base);
    if (ROOM(f, acc, n))
        return no_memory(m, m->at);
    memcpy(f->acc, m->base, n);
    f->acc_n = n;
    m->base = f->acc;
    m->in = end;
    m->consumed = m->base_at + n;
    return EV_MORE;
}

/* Runs it over an element that began in an earlier feed: bytes are added a piece at a time and then read. */
static int run_joined(Machine *m, const char *end, uint32_t limit) {
    Frame *f = m->frame;
    while (m->in < end) {
        if (f->acc_n >= limit)
            return wrong(m, limit, E_POLICY, "an element is too large");
        size_t piece = f->acc_n > FIRST_PIECE ? f->acc_n : FIRST_PIECE;
        if (piece > (size_t)(end - m->in))
            piece = (size_t)(end - m->in);
        if (piece > limit - f->acc_n)
            piece = limit - f->acc_n;
        if (ROOM(f, acc, piece))
            return no_memory(m, m->at);
        memcpy(f->acc + f->acc_n, m->in, piece);
        f->acc_n += (uint32_t)piece;
        m->in += piece;
        m->consumed += piece;
        m->base = f->acc;
        int r = m->work->run(m, f->acc, f->acc + m->at, f->acc + f->acc_n);
        if (r == EV_ERROR)
            return r;
        if (r != EV_MORE) {
            m->in -= f->acc_n - m->at;
            m->consumed -= f->acc_n - m->at;
            return r;
        }
    }
    return EV_MORE;
}

/* Begins an element or the root at the '<' that m->in points to, or goes on with the one begun. */
static int read_element(Machine *m, const char *end) {
    if (m->base == NULL) {
        if (m->frame == NULL && (m->frame = frame_take(m->work)) == NULL)
            return fail(m, m->consumed, E_NO_MEMORY, "out of memory");
        m->frame->ns = m->outer ? m->outer->ns : NS_NONE;
        m->frame->own = 0;
        m->base = m->in;
        m->base_at = m->consumed;
        m->at = 1;
    }
    uint32_t limit = m->limits.stanza;
    if (in_root(m))
        limit = m->limits.header - (uint32_t)m->base_at;
    return m->frame->acc_n ? run_joined(m, end, limit) : run_direct(m, end, limit);
}

/* What becomes of an event of the machine before it is given out. */
static int finish_event(Machine *m, int event) {
    Frame *f = m->frame;
    switch (event) {
    case RUN_DECLARATION:
        m->phase = PHASE_PROLOG;
        drop_frame(m);
        return event;
    case EV_OPEN:
        if (outer_make(m, f))
            return EV_ERROR;
        if (m->mode == MODE_STREAM && ns_is_content(f->ns))
            m->content = (uint8_t)f->ns;
        m->closing = (f->view.flags & F_SELF_CLOSED) != 0;
        m->phase = PHASE_INSIDE;
        break;
    case EV_CLOSE:
        m->phase = PHASE_END;
        drop_frame(m);
        return event;
    default:
        if (m->mode == MODE_FRAME)
            m->phase = PHASE_END;
        break;
    }
    m->done = 1;
    return fill_view(m, f) ? no_memory(m, m->at) : event;
}

/* The end of input in the modes where a feed is a whole document. */
static int end_of_document(Machine *m) {
    if (m->mode == MODE_STREAM || !m->fed)
        return EV_MORE;
    m->fed = 0;
    if (m->phase != PHASE_END)
        return fail(m, m->consumed, E_NOT_WELL_FORMED, "a frame ends inside its element");
    machine_reset(m, 1);
    return EV_MORE;
}

static int next_event(Machine *m) {
    const char *end = m->in_end;
    uint64_t used = m->before + m->consumed;
    if (m->closing) {
        m->closing = 0;
        m->phase = PHASE_END;
        return EV_CLOSE;
    }
    if (used + (uint64_t)(end - m->in) > m->total_allowed)
        end = used < m->total_allowed ? m->in + (m->total_allowed - used) : m->in;
    for (;;) {
        int r = m->base ? -1 : read_outside(m, end);
        if (r < 0)
            r = read_element(m, end);
        if (r == EV_MORE && end < m->in_end)
            return fail(m, m->consumed, E_POLICY, "too many bytes before authentication");
        if (r == EV_MORE || r == EV_ERROR)
            return r;
        if ((r = finish_event(m, r)) != RUN_DECLARATION)
            return r;
    }
}

/* The next event; an error is told once. */
static int machine_next(Machine *m) {
    if (m->done)
        clear_frame(m);
    int r = m->failed ? EV_ERROR : next_event(m);
    if (r == EV_MORE)
        r = end_of_document(m);
    if (r == EV_ERROR) {
        drop_frame(m);
        drop_pend(m);
        r = m->failed == 1 ? EV_ERROR : EV_MORE;
        m->failed = 2;
    } else if (r == EV_MORE) {
        drop_pend(m);
        if (m->base == NULL && m->frame) {
            frame_give(m->work, m->frame);
            m->frame = NULL;
        }
    }
    return r;
}

static void machine_limits(Machine *m, const Limits *l) {
    Limits *to = &m->limits;
    *to = *l;
#define UNLIMITED(field, largest) if (to->field == 0 || to->field > (largest)) to->field = (largest)
    UNLIMITED(stanza, INT32_MAX);
    UNLIMITED(header, INT32_MAX);
    UNLIMITED(elements, UINT32_MAX);
    UNLIMITED(depth, UINT16_MAX - 1);
    UNLIMITED(attrs, UINT16_MAX);
    UNLIMITED(decls, MAX_DECLS);
    UNLIMITED(name, UINT16_MAX);
#undef UNLIMITED
    m->memo = to->name >= MEMO_TAG && to->decls >= 1;
    m->total_allowed = l->total ? l->total : UINT64_MAX;
    m->tops_allowed = l->tops ? l->tops : UINT64_MAX;
}

#endif
