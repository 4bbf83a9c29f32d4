/* Bytes that somebody else owns; buf.pxd mirrors it. */
#ifndef HEADRACE_STR_H
#define HEADRACE_STR_H

#include <stddef.h>

typedef struct Str { const char *p; size_t n; } Str;

#endif
