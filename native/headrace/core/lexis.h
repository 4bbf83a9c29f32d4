/* Tokens of which few have more than a handful of bytes: references, characters beyond ASCII in names, literals, the
 * XML declaration. Each goes on where the input ended the last time. */
#ifndef HEADRACE_LEXIS_H
#define HEADRACE_LEXIS_H

#include "headrace/core/machine.h"

/* Where the machine can stop for more input, and what it waits for there. */
enum State {
    S_LT = 0,           /* what kind of markup: '<' has come */
    S_NAME,             /* rest of a start tag's name */
    S_AFTER_NAME,       /* white space, '/' or '>' */
    S_TAG_SPACE,        /* an attribute, '/' or '>': white space has come */
    S_ATTR_NAME,
    S_EQUALS,
    S_QUOTE,
    S_VALUE,
    S_SLASH,            /* '>' behind '/' */
    S_END_NAME,
    S_END_SPACE,
    S_CONTENT,          /* text or markup: behind a tag */
    S_TOP_SPACE,        /* the same directly below the top element, after white space */
    S_TEXT,
    S_REF,
    S_BANG,             /* behind "<!" */
    S_LITERAL,          /* the rest of "[CDATA[", "--" or "DOCTYPE" */
    S_CDATA,
    S_PI,               /* behind "<?" */
    S_DECLARATION,      /* '>' of the XML declaration */
};

/* Bytes of one of the most frequent references, which begins at p; 0: it is another, or not all there. */
static inline uint32_t ref_plain(const char *p, const char *end) {
    if (end - p < 8)
        return 0;
    uint64_t v = load64(p);
    if ((uint32_t)v == UINT32_C(0x3B746C26) || (uint32_t)v == UINT32_C(0x3B746726))    /* &lt; &gt; */
        return 4;
    if ((v & UINT64_C(0xFFFFFFFFFF)) == UINT64_C(0x3B706D6126))                        /* &amp; */
        return 5;
    v &= UINT64_C(0xFFFFFFFFFFFF);
    return v == UINT64_C(0x3B746F757126) || v == UINT64_C(0x3B736F706126) ? 6 : 0;     /* &quot; &apos; */
}

/* Takes the bytes of a reference behind its '&', up to and with the ';'. */
static int ref_scan(Frame *f, const char *base, const char **at, const char *end) {
    const char *p = *at;
    int digit;
    for (; p < end; p++) {
        char c = *p;
        *at = p;
        switch (f->ref) {
        case REF_AMP:
            if (c == '#') {
                f->ref = REF_HASH;
                f->code = 0;
            } else if ((uint8_t)c >= 0x80)
                return REF_ENTITY;
            else if (CHAR_CLASS[(uint8_t)c] & C_START) {
                f->ref = REF_NAME;
                f->ref_at = (uint32_t)(p - base);
            } else
                return REF_WRONG;
            break;
        case REF_NAME:
            if (c == ';') {
                *at = p + 1;
                return ref_named(base + f->ref_at, (uint32_t)(p - base) - f->ref_at) ? REF_DONE : REF_ENTITY;
            }
            if ((uint8_t)c >= 0x80)
                return REF_ENTITY;
            if (!(CHAR_CLASS[(uint8_t)c] & C_NAME))
                return c == ':' ? REF_ENTITY : REF_WRONG;
            break;
        case REF_HASH:
            if (c == 'x') {
                f->ref = REF_X;
                break;
            }
            f->ref = REF_DECIMAL;
            if (c == ';')
                return REF_WRONG;
            /* fall through */
        case REF_DECIMAL:
        case REF_X:
        case REF_HEX:
            if (c == ';' && f->ref != REF_X) {
                *at = p + 1;
                return is_char(f->code) ? REF_DONE : REF_WRONG;
            }
            digit = hex_digit(c);
            if (digit < 0 || (f->ref == REF_DECIMAL && (digit > 9)))
                return REF_WRONG;
            if (f->ref == REF_X)
                f->ref = REF_HEX;
            f->code = f->code * (f->ref == REF_HEX ? 16 : 10) + (uint32_t)digit;
            if (f->code > 0x10FFFF)  /* no further: it might wrap */
                return REF_WRONG;
            break;
        }
    }
    *at = p;
    return REF_MORE;
}

/* One character beyond ASCII in a name: its bytes, UTF8_MORE or UTF8_BAD. */
static int wide_in_name(const char *p, const char *end, int start) {
    uint32_t code;
    int n = utf8_decode(p, end, &code);
    if (n <= 0)
        return n;
    return (start ? is_wide_start(code) : is_wide_name(code)) ? n : UTF8_BAD;
}

static const char *bang_literal(char first) {
    return first == '[' ? "[CDATA[" : first == '-' ? "--" : first == 'D' ? "DOCTYPE" : NULL;
}

/* What is wrong once the literal behind "<!" is complete; CDATA is fine inside of an element. */
static int bang_verdict(Machine *m, Frame *f, uint32_t at) {
    if (f->quote == '-')
        return wrong(m, at, E_RESTRICTED, "comments are not allowed");
    if (f->quote == 'D')
        return wrong(m, at, E_RESTRICTED, "a document type declaration is not allowed");
    if (f->open_n)
        return 0;
    return m->phase == PHASE_INSIDE ? wrong(m, at, E_BAD_FORMAT, "text between top-level elements")
                                    : wrong(m, at, E_NOT_WELL_FORMED, "text outside of the root");
}

/* One `name = 'value'` of the XML declaration, behind white space; *value is set. 0 if it isn't there. */
static int declared(const char **at, const char *end, const char *name, Str *value) {
    const char *p = *at;
    size_t n = strlen(name);
    if (p == end || !is_space(*p))
        return 0;
    while (p < end && is_space(*p))
        p++;
    if ((size_t)(end - p) < n || memcmp(p, name, n) != 0)
        return 0;
    for (p += n; p < end && is_space(*p);)
        p++;
    if (p == end || *p++ != '=')
        return 0;
    while (p < end && is_space(*p))
        p++;
    if (p == end || (*p != '"' && *p != '\''))
        return 0;
    const char *quote = memchr(p + 1, *p, (size_t)(end - p - 1));
    if (quote == NULL)
        return 0;
    value->p = p + 1;
    value->n = (size_t)(quote - p - 1);
    *at = quote + 1;
    return 1;
}

static int says(Str s, const char *text) { return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0; }

static int says_utf8(Str s) {
    if (s.n != 5)
        return 0;
    return (s.p[0] | 32) == 'u' && (s.p[1] | 32) == 't' && (s.p[2] | 32) == 'f' && s.p[3] == '-' && s.p[4] == '8';
}

static int is_encoding_name(Str s) {
    if (s.n == 0 || (uint8_t)((s.p[0] | 32) - 'a') > 25)
        return 0;
    for (size_t i = 1; i < s.n; i++)
        if ((uint8_t)s.p[i] >= 0x80 || !(CHAR_CLASS[(uint8_t)s.p[i]] & C_NAME))
            return 0;
    return 1;
}

/* The XML declaration, from its '<' to its '>' (XML 1.0 2.8). */
static int read_declaration(Machine *m, const char *base, const char *end) {
    const char *p = base + 5;  /* behind "<?xml" */
    uint32_t at = (uint32_t)(end - base) - 1;
    Str value;
    if (!declared(&p, end, "version", &value) || !says(value, "1.0"))
        return wrong(m, at, E_NOT_WELL_FORMED, "the XML declaration must say version 1.0");
    if (declared(&p, end, "encoding", &value)) {
        if (!is_encoding_name(value))
            return wrong(m, at, E_NOT_WELL_FORMED, "malformed XML declaration");
        if (!says_utf8(value))
            return wrong(m, at, E_ENCODING, "only UTF-8 is spoken here");
    }
    if (declared(&p, end, "standalone", &value) && !says(value, "yes") && !says(value, "no"))
        return wrong(m, at, E_NOT_WELL_FORMED, "malformed XML declaration");
    while (p < end && is_space(*p))
        p++;
    if (end - p != 2 || p[0] != '?')
        return wrong(m, at, E_NOT_WELL_FORMED, "malformed XML declaration");
    return RUN_DECLARATION;
}

#endif
