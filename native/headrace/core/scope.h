/* Namespaces in XML 1.0: what a tag declares, what its names resolve to, and which attributes come twice. */
#ifndef HEADRACE_SCOPE_H
#define HEADRACE_SCOPE_H

#include "headrace/core/machine.h"

#define KEY_XMLNS UINT64_C(0x736E6C6D78)    /* name_key() of "xmlns", and so on */
#define KEY_TO UINT64_C(0x6F74)
#define KEY_FROM UINT64_C(0x6D6F7266)
#define KEY_ID UINT64_C(0x6469)
#define KEY_TYPE UINT64_C(0x65707974)

enum { UNBOUND = -1 };

static inline int same(const char *a, uint32_t a_n, const char *b, uint32_t b_n) {
    return a_n == b_n && memcmp(a, b, a_n) == 0;
}

/* Number of the namespace that a prefix is bound to, or UNBOUND. Notes in the view's flags when the binding was made
 * outside of the top-level element. */
static int resolve_prefix(Machine *m, Frame *f, const char *base, const char *prefix, uint32_t n) {
    if (f->bind_n) {
        uint32_t hash = hash_bytes(m->work->seed, prefix, n);
        for (uint32_t i = f->chain[hash % BIND_CHAINS]; i; i = f->bind[i - 1].next) {
            const Bind *b = &f->bind[i - 1];
            if (b->hash == hash && same(base + b->prefix, b->prefix_n, prefix, n))
                return b->ns;
        }
    }
    if (n == 3 && memcmp(prefix, "xml", 3) == 0)
        return NS_XML;
    for (uint32_t i = 0; m->outer && i < m->outer->binds; i++) {
        const OuterBind *b = &m->outer->bind[i];
        if (same(m->outer->text + b->prefix, b->prefix_n, prefix, n)) {
            f->view.flags |= F_OUTER_BINDING;
            return b->ns;
        }
    }
    return UNBOUND;
}

static int bind_prefix(Machine *m, Frame *f, const char *base, uint32_t prefix, uint32_t n, int ns) {
    if (ROOM(f, bind, 1))
        return no_memory(m, prefix);
    Bind *b = &f->bind[f->bind_n++];
    b->prefix = prefix;
    b->prefix_n = (uint16_t)n;
    b->ns = (uint16_t)ns;
    b->hash = hash_bytes(m->work->seed, base + prefix, n);
    b->next = f->chain[b->hash % BIND_CHAINS];
    f->chain[b->hash % BIND_CHAINS] = f->bind_n;
    return 0;
}

static inline void unbind(Frame *f, uint32_t before) {
    while (f->bind_n > before) {
        const Bind *b = &f->bind[--f->bind_n];
        f->chain[b->hash % BIND_CHAINS] = b->next;
    }
}

/* Number for a URI that has none yet; negative after an error. */
static int number_uri(Machine *m, Frame *f, Uri u, uint32_t at) {
    uint32_t number = NS_COUNT + (m->outer ? m->outer->uris : 0) + f->uri_n;
    if (number > UINT16_MAX)
        return wrong(m, at, E_POLICY, "too many namespaces in one element"), -1;
    if (ROOM(f, uri, 1))
        return no_memory(m, at), -1;
    f->uri[f->uri_n++] = u;
    return (int)number;
}

/* Number for the URI of a declaration; negative after an error. */
static int declared_namespace(Machine *m, Frame *f, const char *base, const Decl *d, uint32_t at) {
    const char *text = base + d->value;
    Uri u = {d->value, d->value_n, 0, 0};
    if (d->refs) {
        if (ROOM(f, text, d->value_n))
            return no_memory(m, at), -1;
        text = f->text + f->text_n;
        u = (Uri){f->text_n, (uint32_t)decode_value(f->text + f->text_n, base + d->value, d->value_n, 1, 0), 0, 1};
        f->text_n += u.n;
    }
    int ns = ns_lookup(m->work, text, u.n);
    return ns != NS_OTHER ? ns : number_uri(m, f, u, at);
}

/* Binds what one declaration says; *inside becomes its own default namespace if it declares one. */
static int declare_one(Machine *m, Frame *f, const char *base, const Decl *d, uint32_t at, int *inside) {
    int ns = declared_namespace(m, f, base, d, at);
    if (ns < 0)
        return EV_ERROR;
    const char *prefix = base + d->name + 6;  /* behind "xmlns:" */
    uint32_t n = d->name_n > 5 ? d->name_n - 6u : 0;
    int is_xml = n == 3 && memcmp(prefix, "xml", 3) == 0;
    if (is_xml != (ns == NS_XML) || ns == NS_XMLNS || (n == 5 && memcmp(prefix, "xmlns", 5) == 0))
        return wrong(m, at, E_NOT_WELL_FORMED, "the prefixes and namespaces xml and xmlns are reserved");
    if (n == 0)
        *inside = ns;
    else if (ns == NS_NONE)
        return wrong(m, at, E_NOT_WELL_FORMED, "a prefix can't be undeclared");
    else if (!is_xml)
        return bind_prefix(m, f, base, d->name + 6, n, ns);
    return 0;
}

/* Puts the tag's declarations in force. */
static inline int declare(Machine *m, Frame *f, const char *base, uint32_t at, int *inside) {
    for (uint32_t i = 0; i < f->decls; i++) {
        const Decl *d = &f->decl[i];
        for (uint32_t j = 0; j < i; j++)
            if (same(base + d->name, d->name_n, base + f->decl[j].name, f->decl[j].name_n))
                return wrong(m, at, E_NOT_WELL_FORMED, "a namespace declaration comes twice in a tag");
        if (declare_one(m, f, base, d, at, inside))
            return EV_ERROR;
    }
    return 0;
}

static inline int same_attr(const char *base, const Record *a, const Record *b) {
    return same(base + a->name, a->name_n, base + b->name, b->name_n);
}

/* Slots for n items at most half full, all empty; 0 without memory. */
static uint32_t set_clear(Frame *f, uint32_t n) {
    uint32_t size = 32;
    while (size < n * 2)
        size *= 2;
    if (ROOM(f, set, size))
        return 0;
    memset(f->set, 0, size * sizeof *f->set);
    return size;
}

/* Raw names that come twice; compared before prefixes are resolved. */
static int attrs_repeat(Machine *m, Frame *f, const char *base, uint32_t at) {
    const Record *attrs = f->tag + 1;
    uint32_t n = f->attrs;
    if (n <= FEW_ATTRS) {
        for (uint32_t i = 1; i < n; i++)
            for (uint32_t j = 0; j < i; j++)
                if (same_attr(base, &attrs[i], &attrs[j]))
                    return wrong(m, at, E_NOT_WELL_FORMED, "an attribute comes twice in a tag");
        return 0;
    }
    uint32_t size = set_clear(f, n);
    if (size == 0)
        return no_memory(m, at);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = hash_bytes(m->work->seed, base + attrs[i].name, attrs[i].name_n) & (size - 1);
        for (; f->set[slot]; slot = (slot + 1) & (size - 1))
            if (same_attr(base, &attrs[i], &attrs[f->set[slot] - 1]))
                return wrong(m, at, E_NOT_WELL_FORMED, "an attribute comes twice in a tag");
        f->set[slot] = i + 1;
    }
    return 0;
}

static inline int same_resolved(const Machine *m, const Frame *f, const char *base, const Record *a, const Record *b) {
    if (!same(base + a->name, a->name_n, base + b->name, b->name_n) ||
        uri_hash(m, f, base, a->ns) != uri_hash(m, f, base, b->ns))
        return 0;
    Str x = uri_of(m, f, base, a->ns), y = uri_of(m, f, base, b->ns);
    return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

/* Prefixed attributes that are the same once resolved. */
static int resolved_repeat(Machine *m, Frame *f, const char *base, const Record *attrs, uint32_t n, uint32_t at) {
    uint32_t size = set_clear(f, n);
    if (size == 0)
        return no_memory(m, at);
    for (uint32_t i = 0; i < n; i++) {
        if (!(attrs[i].flags & R_PREFIXED))
            continue;
        uint32_t hash = hash_bytes(m->work->seed, base + attrs[i].name, attrs[i].name_n);
        uint32_t slot = (hash ^ uri_hash(m, f, base, attrs[i].ns) * 0x9E3779B1u) & (size - 1);
        for (; f->set[slot]; slot = (slot + 1) & (size - 1))
            if (same_resolved(m, f, base, &attrs[i], &attrs[f->set[slot] - 1]))
                return wrong(m, at, E_NOT_WELL_FORMED, "an attribute comes twice in a tag, by its namespace");
        f->set[slot] = i + 1;
    }
    return 0;
}

/* Resolves the names of a tag's prefixed attributes; until then their Record.ns holds the bytes of the prefix. */
static int resolve_attrs(Machine *m, Frame *f, const char *base, uint32_t at) {
    Record *attrs = f->tag + 1;
    uint32_t n = f->attrs;
    for (uint32_t i = 0; i < n; i++) {
        Record *a = &attrs[i];
        if (!(a->flags & R_PREFIXED))
            continue;
        uint16_t prefix_n = a->ns;
        int ns = resolve_prefix(m, f, base, base + a->name, prefix_n);
        if (ns == UNBOUND)
            return wrong(m, at, E_NOT_WELL_FORMED, "an attribute's prefix is not bound");
        a->ns = (uint16_t)ns;
        a->name += prefix_n + 1u;
        a->name_n = (uint16_t)(a->name_n - prefix_n - 1);
    }
    return f->prefixed > 1 ? resolved_repeat(m, f, base, attrs, n, at) : 0;
}

#endif
