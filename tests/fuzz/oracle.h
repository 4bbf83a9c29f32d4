/* The same document through expat, with XMPP's restrictions (RFC 6120 11) laid on from outside. */
#ifndef HEADRACE_FUZZ_ORACLE_H
#define HEADRACE_FUZZ_ORACLE_H

#include <expat.h>

#include "headrace/core/chars.h"
#include "headrace/core/machine.h"
#include "log.h"

#define SEPARATOR '\f'      /* joins URI and name: no XML document can contain it */

typedef struct Oracle {
    XML_Parser parser;
    Log events;
    size_t complete;        /* bytes of the log up to the last complete top-level element */
    int frame;              /* the root is the element */
    int depth;
    const char *condition;
    int64_t error_at;
    int code;               /* of expat's error, 0 for one of ours */
    int early;              /* it failed before the end of input was told */
    int closed;
} Oracle;

static void oracle_wrong(Oracle *o, const char *condition) {
    if (o->condition)
        return;
    o->condition = condition;
    o->error_at = XML_GetCurrentByteIndex(o->parser);
    XML_StopParser(o->parser, XML_FALSE);
}

static void oracle_name(Oracle *o, const char *name) {
    const char *local = strrchr(name, SEPARATOR);
    log_part(&o->events, name, local ? (size_t)(local - name) : 0);
    local = local ? local + 1 : name;
    log_part(&o->events, local, strlen(local));
}

static void XMLCALL on_start(void *self, const char *name, const char **attributes) {
    Oracle *o = self;
    if (o->condition)
        return;
    int root = o->depth++ == 0 && !o->frame;
    log_mark(&o->events, root ? L_OPEN : L_START);
    oracle_name(o, name);
    for (; *attributes; attributes += 2) {
        log_mark(&o->events, L_ATTR);
        oracle_name(o, attributes[0]);
        log_part(&o->events, attributes[1], strlen(attributes[1]));
    }
    if (root)
        o->complete = o->events.n;
}

static void XMLCALL on_end(void *self, const char *name) {
    Oracle *o = self;
    if (o->condition)
        return;
    o->depth--;
    if (o->depth == 0 && !o->frame)
        log_mark(&o->events, L_CLOSE);
    else {
        log_mark(&o->events, L_END);
        oracle_name(o, name);
    }
    if (o->depth + o->frame <= 1)
        o->complete = o->events.n;
    o->closed = o->depth == 0;
}

static void XMLCALL on_text(void *self, const char *text, int n) {
    Oracle *o = self;
    if (o->condition)
        return;
    if (o->depth + o->frame > 1) {
        log_text(&o->events, text, (size_t)n);
        return;
    }
    while (n && is_space(*text))
        text++, n--;
    if (n)
        oracle_wrong(o, E_BAD_FORMAT);
}

static void XMLCALL on_cdata(void *self) {
    Oracle *o = self;
    if (o->depth + o->frame <= 1)
        oracle_wrong(o, E_BAD_FORMAT);
}

static void XMLCALL on_cdata_end(void *self) { (void)self; }

static void XMLCALL on_comment(void *self, const char *text) {
    (void)text;
    oracle_wrong(self, E_RESTRICTED);
}

static void XMLCALL on_instruction(void *self, const char *target, const char *text) {
    (void)target, (void)text;
    oracle_wrong(self, E_RESTRICTED);
}

static void XMLCALL on_doctype(void *self, const char *name, const char *system, const char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    oracle_wrong(self, E_RESTRICTED);
}

static int is_utf8_name(const char *s) {
    return strlen(s) == 5 && says_utf8((Str){s, 5});
}

static void XMLCALL on_declaration(void *self, const char *version, const char *encoding, int standalone) {
    (void)standalone;
    if (version == NULL || strcmp(version, "1.0") != 0)
        oracle_wrong(self, E_NOT_WELL_FORMED);
    else if (encoding && !is_utf8_name(encoding))
        oracle_wrong(self, E_ENCODING);
}

static const char *condition_of(int code) {
    switch (code) {
    case XML_ERROR_NO_MEMORY: return E_NO_MEMORY;
    case XML_ERROR_UNDEFINED_ENTITY: return E_RESTRICTED;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING: return E_ENCODING;
    default: return E_NOT_WELL_FORMED;
    }
}

static int oracle_parse(Oracle *o, const char *data, size_t n, int final) {
    if (XML_Parse(o->parser, data, (int)n, final) == XML_STATUS_OK)
        return 0;
    if (o->condition == NULL) {
        o->code = XML_GetErrorCode(o->parser);
        o->condition = condition_of(o->code);
        o->error_at = XML_GetErrorByteIndex(o->parser);
    }
    return 1;
}

static void read_oracle(Oracle *o, const char *data, size_t n) {
    XML_Parser p = o->parser = XML_ParserCreateNS(NULL, SEPARATOR);
    XML_SetHashSalt(p, 1);
    XML_SetUserData(p, o);
    XML_SetElementHandler(p, on_start, on_end);
    XML_SetCharacterDataHandler(p, on_text);
    XML_SetCdataSectionHandler(p, on_cdata, on_cdata_end);
    XML_SetCommentHandler(p, on_comment);
    XML_SetProcessingInstructionHandler(p, on_instruction);
    XML_SetStartDoctypeDeclHandler(p, on_doctype);
    XML_SetXmlDeclHandler(p, on_declaration);
    o->early = oracle_parse(o, data, n, 0);
    if (!o->early)
        oracle_parse(o, data, 0, 1);
    o->events.n = o->complete;
    XML_ParserFree(p);
}

#endif
