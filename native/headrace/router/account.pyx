"""Accounts in memory and the table that finds them."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from headrace.core.jid cimport JidParts, jid_split
from headrace.router.siphash cimport siphash13

import os

cdef enum:
    MOST_APART = 2000       # but for a hand-over: what a resource that takes no messages has got may come again
    FEWEST = 64             # slots of an empty table


cdef class Account:
    def __init__(self, bytes jid not None, dict contacts not None, set blocked not None):
        self.jid = jid
        self.to_attr = b" to='" + jid + b"'"        # nodeprep and nameprep leave nothing to escape in a bare JID
        self.sessions = []
        self.contacts = contacts
        self.blocked = blocked or None

    def __dealloc__(self):
        free(self.copied)

    cdef int note_apart(self, uint64_t number) except -1:
        if self.apart is None:
            self.apart = []
        elif len(self.apart) >= MOST_APART and not self.catching_up:
            del self.apart[:MOST_APART // 2]
        self.apart.append(number)
        return 0

    cdef int bits(self, bytes contact) except -1:
        cdef object found = self.contacts.get(contact)
        return 0 if found is None else <int>found


cdef bint archives(Account account, Str peer) except -1:
    cdef JidParts parts
    if account.archive_always is None and account.archive_never is None and account.archive_mode != A_ROSTER:
        return account.archive_mode == A_ALWAYS
    jid_split(peer, &parts)
    if account.archive_never is not None and names(account.archive_never, &parts, peer):
        return False
    if account.archive_always is not None and names(account.archive_always, &parts, peer):
        return True
    if account.archive_mode == A_ROSTER:
        return account.bits(parts.bare.p[:parts.bare.n]) != 0
    return account.archive_mode == A_ALWAYS


cdef bint names(set jids, const JidParts* parts, Str jid) except -1:
    """XEP-0441: a listed bare JID stands for all its resources."""
    return parts.bare.p[:parts.bare.n] in jids or (parts.resource.p != NULL and jid.p[:jid.n] in jids)


cdef class AccountTable:
    def __cinit__(self):
        self.k0, self.k1 = int.from_bytes(os.urandom(8), "little"), int.from_bytes(os.urandom(8), "little")
        self.resize(FEWEST)

    def __dealloc__(self):
        cdef size_t i
        if self.slots == NULL:
            return
        for i in range(self.mask + 1):
            if self.slots[i] != NULL:
                Py_DECREF(<object>self.slots[i])
        free(self.slots)

    def __len__(self):
        return self.used

    cdef Account find(self, Str bare):
        cdef uint64_t h = siphash13(self.k0, self.k1, bare.p, bare.n)
        cdef size_t i = h & self.mask
        cdef Account account
        while self.slots[i] != NULL:
            account = <Account>self.slots[i]
            if account.hash == h and <size_t>len(account.jid) == bare.n:
                if not memcmp(<char*>account.jid, bare.p, bare.n):
                    return account
            i = (i + 1) & self.mask
        return None

    cdef list all(self):
        cdef size_t i
        return [<object>self.slots[i] for i in range(self.mask + 1) if self.slots[i] != NULL]

    cdef int add(self, Account account) except -1:
        cdef size_t i
        if self.used * 2 > self.mask:           # half full: a miss ends after two probes on average
            self.resize((self.mask + 1) * 2)
        account.hash = siphash13(self.k0, self.k1, account.jid, len(account.jid))
        i = account.hash & self.mask
        while self.slots[i] != NULL:
            i = (i + 1) & self.mask
        Py_INCREF(account)
        self.slots[i] = <PyObject*>account
        self.used += 1
        return 0

    cdef int remove(self, Account account) except -1:
        cdef size_t i = account.hash & self.mask, hole, home
        while self.slots[i] != <PyObject*>account:
            i = (i + 1) & self.mask
        hole = i
        while True:                             # close the gap: nobody behind it may lie beyond a free slot of its run
            i = (i + 1) & self.mask
            if self.slots[i] == NULL:
                break
            home = (<Account>self.slots[i]).hash & self.mask
            if ((i - home) & self.mask) >= ((i - hole) & self.mask):
                self.slots[hole] = self.slots[i]
                hole = i
        self.slots[hole] = NULL
        self.used -= 1
        Py_DECREF(account)
        if self.mask + 1 > FEWEST and self.used * 8 < self.mask:
            self.resize((self.mask + 1) // 2)
        return 0

    cdef int resize(self, size_t slots) except -1:
        cdef PyObject** old = self.slots
        cdef PyObject** made = <PyObject**>calloc(slots, sizeof(PyObject*))
        cdef size_t i, j, before = self.mask
        if made == NULL:
            raise MemoryError
        self.slots = made
        self.mask = slots - 1
        if old == NULL:
            return 0
        for i in range(before + 1):
            if old[i] != NULL:
                j = (<Account>old[i]).hash & self.mask
                while made[j] != NULL:
                    j = (j + 1) & self.mask
                made[j] = old[i]
        free(old)
        return 0
