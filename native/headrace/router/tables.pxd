# What the control plane writes down for the data plane, and reads back. Public as methods of Router.
from headrace.router.account cimport Account
from headrace.router.parcel cimport Parcel
from headrace.router.session cimport Exchange


cdef class Tables(Exchange):
    cdef list domains                       # hosted, prepared, as bytes: few, so looked through in order
    cdef set watched                        # those of them that watch() has named; None: none

    # Is this, from elsewhere, for an account of a domain that watch() has named?
    cdef bint is_watched(self, const Parcel* parcel) except -1
    cdef Account account_of(self, str bare)
