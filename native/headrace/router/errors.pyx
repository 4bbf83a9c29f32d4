"""Stanza errors that the data plane sends by itself."""
from headrace.core.writer cimport Head, write_stanza

cdef extern from *:
    """
    #define STANZA_ERROR(type, name) \
        "<error type='" type "'><" name " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    static const char *const stanza_errors[] = {
        STANZA_ERROR("modify", "bad-request"),
        STANZA_ERROR("modify", "jid-malformed"),
        STANZA_ERROR("cancel", "service-unavailable"),
        STANZA_ERROR("wait", "resource-constraint"),
        "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<blocked xmlns='urn:xmpp:blocking:errors'/></error>",
        STANZA_ERROR("modify", "policy-violation"),
        STANZA_ERROR("cancel", "remote-server-not-found"),
    };
    """
    const char* stanza_errors[7]


cdef int write_error(Buf* out, const Parcel* parcel, Str from_, int condition) except -1:
    cdef Head head
    cdef bytes inside = stanza_errors[condition]
    cdef Str type
    type.p, type.n = "error", 5
    head.kind = parcel.head.kind
    head.from_ = from_
    head.to = parcel.head.from_
    head.id = parcel.head.id
    head.type = type
    head.lang.p, head.lang.n = NULL, 0
    write_stanza(out, &head, inside, len(inside))
    return 0
