/* What may stand in the parts of a JID, for ASCII: one look per character. Tested against headrace.core.prep. */
#ifndef HEADRACE_JID_H
#define HEADRACE_JID_H

#include <stddef.h>

enum {
    IN_LOCAL = 1,    /* nodeprep leaves it, or folds it */
    IN_DOMAIN = 2,   /* a host name has it: LDH, the dot, and _ */
    IN_RESOURCE = 4, /* resourceprep leaves it */
    IS_UPPER = 8,    /* folded in local and domain */
    NOT_ASCII = 16
};

static const unsigned char headrace_jid_class[256] = {
    ['!'] = IN_LOCAL | IN_RESOURCE, ['#' ... '%'] = IN_LOCAL | IN_RESOURCE, ['(' ... ','] = IN_LOCAL | IN_RESOURCE,
    [';'] = IN_LOCAL | IN_RESOURCE, ['='] = IN_LOCAL | IN_RESOURCE, ['?'] = IN_LOCAL | IN_RESOURCE,
    ['[' ... '^'] = IN_LOCAL | IN_RESOURCE, ['`'] = IN_LOCAL | IN_RESOURCE, ['{' ... '~'] = IN_LOCAL | IN_RESOURCE,
    [' '] = IN_RESOURCE, ['"'] = IN_RESOURCE, ['&'] = IN_RESOURCE, ['\''] = IN_RESOURCE, ['/'] = IN_RESOURCE,
    [':'] = IN_RESOURCE, ['<'] = IN_RESOURCE, ['>'] = IN_RESOURCE, ['@'] = IN_RESOURCE,
    ['-'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE,
    ['.'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE,
    ['_'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE,
    ['0' ... '9'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE,
    ['a' ... 'z'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE,
    ['A' ... 'Z'] = IN_LOCAL | IN_DOMAIN | IN_RESOURCE | IS_UPPER,
    [128 ... 255] = NOT_ASCII,
};

/* The bits that all characters have, and in *any those that at least one has. */
static inline unsigned headrace_jid_classes(const char *p, size_t n, unsigned *any) {
    unsigned all = 0xff, some = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned c = headrace_jid_class[(unsigned char)p[i]];
        all &= c;
        some |= c;
    }
    *any = some;
    return all;
}

#endif
