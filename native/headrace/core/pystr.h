/* Checked UTF-8 to Python's str, faster than PyUnicode_DecodeUTF8 for what most values are: short and ASCII. */
#ifndef HEADRACE_PYSTR_H
#define HEADRACE_PYSTR_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

static inline int is_ascii(const char *p, size_t n) {
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t bytes = 0, last = 0;
    if (n < 8) {
        while (n)
            last |= (uint8_t)p[--n];
        return last < 0x80;
    }
    for (size_t i = 0; i + 8 <= n; i += 8) {
        memcpy(&last, p + i, 8);
        bytes |= last;
    }
    memcpy(&last, p + n - 8, 8);
    return ((bytes | last) & high) == 0;
}

/* A new reference, or NULL and MemoryError. Texts of one character and of none are shared: Python makes those. */
static inline PyObject *pystr(const char *p, size_t n) {
    if (n < 2 || !is_ascii(p, n))
        return PyUnicode_DecodeUTF8(p, (Py_ssize_t)n, NULL);
    PyObject *text = PyUnicode_New((Py_ssize_t)n, 127);
    if (text != NULL)
        memcpy(PyUnicode_1BYTE_DATA(text), p, n);
    return text;
}

/* callable(first) or callable(first, second). */
static inline PyObject *call_one(PyObject *callable, PyObject *first) {
    PyObject *arguments[2] = {NULL, first};
    return PyObject_Vectorcall(callable, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static inline PyObject *call_two(PyObject *callable, PyObject *first, PyObject *second) {
    PyObject *arguments[3] = {NULL, first, second};
    return PyObject_Vectorcall(callable, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

#endif
