/* The table of expat's functions that the standard module pyexpat publishes as a capsule (Include/pyexpat.h, which
 * needs an expat.h that Python doesn't install). Only what stands at its start is declared; `size` says how much is there. */
#ifndef HEADRACE_EXPAT_CAPI_H
#define HEADRACE_EXPAT_CAPI_H

#include <stddef.h>
#include <string.h>

#define EXPAT_CAPSULE "pyexpat.expat_CAPI"
#define EXPAT_MAGIC "pyexpat.expat_CAPI 1.1"

typedef void *ExpatParser;
typedef void (*ExpatStart)(void *self, const char *name, const char **attributes);
typedef void (*ExpatEnd)(void *self, const char *name);
typedef void (*ExpatText)(void *self, const char *text, int n);
typedef void (*ExpatComment)(void *self, const char *text);
typedef void (*ExpatInstruction)(void *self, const char *target, const char *text);
typedef void (*ExpatDeclared)(void *self, const char *prefix, const char *uri);
typedef void (*ExpatUndeclared)(void *self, const char *prefix);
typedef void (*ExpatDoctype)(void *self, const char *name, const char *system, const char *public_id, int internal);

typedef struct ExpatApi {
    const char *magic;
    int size;
    int major, minor, micro;
    const char *(*error_string)(int code);
    int (*error_code)(ExpatParser parser);
    unsigned long (*error_column)(ExpatParser parser);
    unsigned long (*error_line)(ExpatParser parser);
    int (*parse)(ExpatParser parser, const char *data, int n, int final);
    ExpatParser (*create)(const char *encoding, const void *memory, const char *separator);
    void (*free)(ExpatParser parser);
    void (*on_text)(ExpatParser parser, ExpatText handler);
    void (*on_comment)(ExpatParser parser, ExpatComment handler);
    void (*on_other)(ExpatParser parser, ExpatText handler);
    void (*on_element)(ExpatParser parser, ExpatStart start, ExpatEnd end);
    void (*on_declaration)(ExpatParser parser, ExpatDeclared start, ExpatUndeclared end);
    void (*on_instruction)(ExpatParser parser, ExpatInstruction handler);
    void (*on_encoding)(ExpatParser parser, void *handler, void *data);
    void (*set_self)(ExpatParser parser, void *self);
    void (*on_doctype)(ExpatParser parser, ExpatDoctype handler);
    int (*set_encoding)(ExpatParser parser, const char *encoding);
    void *unknown_encoding;
    int (*set_salt)(ExpatParser parser, unsigned long salt);            /* may be NULL */
    unsigned char (*set_deferral)(ExpatParser parser, unsigned char on);  /* may be missing, or NULL */
} ExpatApi;

/* The table, or NULL: not the one this header describes. */
static inline const ExpatApi *expat_checked(const void *capsule) {
    const ExpatApi *api = capsule;
    if (strcmp(api->magic, EXPAT_MAGIC) != 0 || (size_t)api->size < offsetof(ExpatApi, set_deferral))
        return NULL;
    return api;
}

/* Finished tokens are reported at once where this expat can be told to (2.6.0). */
static inline int expat_prompt(const ExpatApi *api, ExpatParser parser) {
    return (size_t)api->size >= sizeof(ExpatApi) && api->set_deferral && api->set_deferral(parser, 0);
}

#endif
