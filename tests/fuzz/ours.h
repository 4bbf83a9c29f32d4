/* One document through the tokenizer, cut and stopped as a plan says. */
#ifndef HEADRACE_FUZZ_OURS_H
#define HEADRACE_FUZZ_OURS_H

#include "headrace/core/pull.h"
#include "log.h"

typedef struct Plan {
    enum Mode mode;
    Limits limits;
    uint32_t cuts;          /* state of the generator of piece sizes; 0: one piece */
    uint32_t largest;       /* piece */
    int stops;              /* now and then pulling stops before the input is used up */
    int reset_at;           /* the document ends behind this event, another begins; 0: never */
    int drops;              /* what has been fed but not read is dropped there */
    uint8_t content;        /* namespace until a header declares another */
} Plan;

typedef struct Result {
    Log events;             /* what expat can say too */
    Log facts;              /* what only we say: views, flags, places */
    size_t begin;           /* of the document in the input */
    uint8_t content;        /* namespace before it */
    const char *condition;
    uint64_t error_at;
    int closed, count;
} Result;

#define HOLDS(condition) do { if (!(condition)) { \
    fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); abort(); } } while (0)

static uint32_t plan_random(Plan *plan) {
    plan->cuts ^= plan->cuts << 13;
    plan->cuts ^= plan->cuts >> 17;
    plan->cuts ^= plan->cuts << 5;
    return plan->cuts;
}

static void fact(Result *r, uint64_t number) { log_bytes(&r->facts, &number, sizeof number); }

static void fact_str(Result *r, Str s) {
    fact(r, s.p ? s.n + 1 : 0);
    log_bytes(&r->facts, s.p, s.n);
}

static void log_name(Log *log, const Machine *m, const Record *r) {
    Str uri = uri_of(m, m->frame, m->base, r->ns);
    log_part(log, uri.p, uri.n);
    log_part(log, m->base + r->name, r->name_n);
}

/* A record's value in memory of exactly the size that decode_value() may use. To be freed. */
static char *decoded(const Machine *m, const Record *r, size_t *n) {
    char *text = malloc(r->value_n);
    *n = r->value_n;
    if (r->flags & R_REFS)
        *n = decode_value(text, m->base + r->value, r->value_n, r->kind == T_ATTR, r->flags & R_CDATA);
    else if (*n)
        memcpy(text, m->base + r->value, *n);
    HOLDS(*n <= r->value_n);
    return text;
}

static void log_record(Log *log, const Machine *m, const Record *r) {
    size_t n;
    char *text;
    switch (r->kind) {
    case T_START:
        log_mark(log, L_START);
        log_name(log, m, r);
        return;
    case T_ATTR:
        log_mark(log, L_ATTR);
        log_name(log, m, r);
        text = decoded(m, r, &n);
        log_part(log, text, n);
        break;
    case T_TEXT:
        text = decoded(m, r, &n);
        log_text(log, text, n);
        break;
    default:
        HOLDS(r->kind == T_END);
        log_mark(log, L_END);
        log_name(log, m, r);
        return;
    }
    free(text);
}

/* The view's values are those of the tape. */
static void check_head(const Machine *m) {
    const StanzaView *v = &m->frame->view;
    const struct { const char *name; Str value; } heads[] = {
        {"to", v->to}, {"from", v->from_}, {"id", v->id}, {"type", v->type},
    };
    for (size_t h = 0; h < 4; h++) {
        int found = 0;
        for (uint32_t i = 1; i <= m->frame->head_attrs; i++) {
            const Record *r = &m->frame->tape[i];
            HOLDS(r->kind == T_ATTR);
            if (r->flags & R_PREFIXED || !same(v->base + r->name, r->name_n, heads[h].name, (uint32_t)strlen(heads[h].name)))
                continue;
            size_t n;
            char *text = decoded(m, r, &n);
            HOLDS(heads[h].value.p && heads[h].value.n == n && memcmp(heads[h].value.p, text, n) == 0);
            free(text);
            found = 1;
        }
        HOLDS(found == (heads[h].value.p != NULL));
    }
}

static void take_facts(Result *r, const Machine *m, int event) {
    const StanzaView *v = &m->frame->view;
    const uint64_t numbers[] = {m->base_at, v->size, v->kind, v->ns, v->flags, v->body, event == EV_OPEN ? 0 : v->body_end, v->known, v->children,
                                v->elements, v->decls, m->content, m->consumed};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fact(r, numbers[i]);
    const Str texts[] = {v->name, v->uri, v->to, v->from_, v->id, v->type, v->lang};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fact_str(r, texts[i]);
    for (uint32_t i = 0; i < v->children && i < MAX_CHILDREN; i++) {
        const Child *c = &v->child[i];
        const uint64_t places[] = {c->known, c->ns, c->start, c->end, c->inner, c->inner_end};
        for (size_t k = 0; k < sizeof places / sizeof *places; k++)
            fact(r, places[k]);
        fact_str(r, c->name);
        fact_str(r, c->uri);
        HOLDS(c->start < c->inner && c->inner <= c->end && c->inner_end <= c->end && c->end <= v->body_end);
        HOLDS(v->base[c->start] == '<' && v->base[c->end - 1] == '>');
    }
    for (uint32_t i = 0; i < v->decls; i++)
        fact_str(r, (Str){v->base + v->decl[i], v->decl_n[i]});
}

/* One element or root: `data` is the document as it was fed. */
static void take_element(Result *r, const Machine *m, int event, const char *data) {
    const Frame *f = m->frame;
    const StanzaView *v = &f->view;
    uint32_t open = 0;
    HOLDS(memcmp(v->base, data + r->begin + m->base_at, v->size) == 0);
    for (uint32_t i = 0; i < f->tape_n; i++) {
        const Record *t = &f->tape[i];
        open += t->kind == T_START;
        HOLDS(t->depth == open - (m->outer == NULL) || event == EV_OPEN || m->mode == MODE_FRAME);
        open -= t->kind == T_END;
        if (i == 0 && event == EV_OPEN) {
            log_mark(&r->events, L_OPEN);
            log_name(&r->events, m, t);
        } else if (event != EV_OPEN || t->kind == T_ATTR)
            log_record(&r->events, m, t);
    }
    HOLDS(event == EV_OPEN || open == 0);
    check_head(m);
    take_facts(r, m, event);
}

static void take_event(Result *r, const Machine *m, int event, const char *data) {
    r->count++;
    HOLDS(r->condition == NULL);
    switch (event) {
    case EV_OPEN:
    case EV_ELEMENT:
        take_element(r, m, event, data);
        r->closed = m->mode == MODE_FRAME;
        break;
    case EV_CLOSE:
        log_mark(&r->events, L_CLOSE);
        r->closed = 1;
        break;
    default:
        HOLDS(event == EV_ERROR && m->condition && m->message);
        r->condition = m->condition;
        r->error_at = m->error_at;
    }
}

/* Pulls at most `most` events; answers whether the tokenizer wants more input. first, then: before and after the reset.
 * fed: bytes of `data` that the tokenizer has been given. */
static int pull(Machine *m, Plan *plan, Result **result, const char *data, size_t fed, uint32_t most) {
    while (most--) {
        int event = machine_next(m);
        if (event == EV_MORE) {
            HOLDS(m->frame == NULL || m->base != NULL);
            return 1;
        }
        Result *r = *result;
        take_event(r, m, event, data);
        if (plan->reset_at && r->count == plan->reset_at && event != EV_ERROR) {
            r[1].begin = plan->drops ? fed : r->begin + (size_t)m->consumed;
            r[1].content = m->content;
            plan->reset_at = 0;
            machine_reset(m, plan->drops);
            *result = r + 1;
        }
    }
    return 0;
}

static void free_work(Work *w) {
    while (w->free) {
        Frame *f = w->free;
        w->free = f->next;
        frame_free(f);
    }
    free(w->value);
}

/* Reads data[0:n] into results[0] and, behind a reset, results[1]. Each piece is in memory of its exact size, gone once
 * the tokenizer has said that it has read it or has been told to keep what is left. */
static void read_ours(const Scanner *scanner, Plan plan, const char *data, size_t n, Result results[2]) {
    Work work = {.run = scanner->run, .scan = scanner->name, .seed = UINT64_C(0x1234567887654321)};
    Machine m = {.work = &work, .mode = (uint8_t)plan.mode, .content = plan.content};
    Result *result = results;
    int read = 1;
    ns_slots_fill(&work);
    machine_limits(&m, &plan.limits);
    machine_reset(&m, 1);
    for (size_t at = 0, size; at < n; at += size) {
        size = plan.cuts && plan.mode == MODE_STREAM ? plan_random(&plan) % plan.largest + 1 : n;
        size = size < n - at ? size : n - at;
        char *piece = malloc(size);
        memcpy(piece, data + at, size);
        machine_feed(&m, piece, size);
        read = pull(&m, &plan, &result, data, at + size, plan.stops ? plan_random(&plan) % 3 : UINT32_MAX);
        if (!read)
            HOLDS(machine_keep(&m) == 0);
        free(piece);
    }
    if (!read)
        pull(&m, &plan, &result, data, n, UINT32_MAX);
    HOLDS(m.in_end == m.in);
    machine_reset(&m, 1);
    free_work(&work);
}

static void free_result(Result *r) {
    log_free(&r->events);
    log_free(&r->facts);
}

#endif
