# What the control plane writes down for the data plane, and reads back. Public as methods of Router.
from headrace.router.account cimport Account
from headrace.router.session cimport Exchange


cdef class Tables(Exchange):
    cdef list domains                       # hosted, prepared, as bytes: few, so looked through in order

    cdef Account account_of(self, str bare)
