/* What the tokenizer hands out: events, records of the tape, the view of one element. tokenizer.pxd mirrors it. */
#ifndef HEADRACE_VIEW_H
#define HEADRACE_VIEW_H

#include <stdint.h>

#include "headrace/core/str.h"

enum Mode { MODE_STREAM = 0, MODE_FRAME, MODE_BODY };
enum Ev { EV_MORE = 0, EV_OPEN, EV_ELEMENT, EV_CLOSE, EV_ERROR };
enum Kind { KIND_OTHER = 0, KIND_MESSAGE, KIND_PRESENCE, KIND_IQ };
enum Flag {
    F_SELF_CLOSED = 1, F_PREFIXED = 2, F_EXTRA_ATTRS = 4, F_OUTER_BINDING = 8,
    F_CONTENT_CHILD = 16, F_TOP_TEXT = 32, F_FOREIGN_DEFAULT = 64, F_OWN_XMLNS = 128
};
enum TapeKind { T_START = 1, T_ATTR, T_TEXT, T_END };
enum { R_REFS = 1, R_CDATA = 2, R_PREFIXED = 4 };
enum { MAX_CHILDREN = 16, MAX_DECLS = 32 };

typedef struct Record {
    uint8_t kind, flags;
    uint16_t depth, ns, name_n;
    uint32_t name, value, value_n;
} Record;

typedef struct Child {
    uint8_t known, ns;
    Str name, uri;
    uint32_t start, end, inner, inner_end;
} Child;

typedef struct StanzaView {
    const char *base;
    uint32_t size;
    uint8_t kind, ns;
    uint16_t flags;
    Str name, uri, to, from_, id, type, lang;
    uint32_t body, body_end;
    uint64_t known;
    uint32_t children, elements;
    Child child[MAX_CHILDREN];
    uint8_t decls;
    uint32_t decl[MAX_DECLS];
    uint32_t decl_n[MAX_DECLS];
} StanzaView;

typedef struct Limits {
    uint32_t stanza, header, elements;
    uint16_t depth, attrs, decls, name;
    uint32_t total, tops;
} Limits;

#endif
