"""Judged children: the table, its mask for the fast road, and the rows for the slow one (headrace.router.slow)."""
from headrace.core.names cimport (
    bit, K_CARBON_RECEIVED, K_CARBON_SENT, K_DELAY, K_DELEGATION, K_MAM_RESULT, K_PRIVILEGE, K_STANZA_ID
)

ROWS = (
    # known, namespace, name (None: any), origins
    (K_STANZA_ID, "urn:xmpp:sid:0", "stanza-id", FROM_CLIENT | FROM_PEER),      # whose `by` is not the sender's
    (K_DELAY, "urn:xmpp:delay", "delay", FROM_CLIENT | FROM_PEER),              # whose `from` is a domain of ours
    (K_CARBON_RECEIVED, "urn:xmpp:carbons:2", "received", FROM_CLIENT | FROM_PEER),     # only we make carbons
    (K_CARBON_SENT, "urn:xmpp:carbons:2", "sent", FROM_CLIENT | FROM_PEER),
    (K_MAM_RESULT, "urn:xmpp:mam:2", "result", FROM_CLIENT),
    (K_PRIVILEGE, "urn:xmpp:privilege:2", None, FROM_CLIENT),
    (K_DELEGATION, "urn:xmpp:delegation:2", None, FROM_CLIENT),
)  # set at import


cdef uint64_t mask(int origin) except? 0:
    cdef uint64_t bits = 0
    for known, _, _, origins in ROWS:
        if origins & origin:
            bits |= bit(known)
    return bits


CLIENT_JUDGED = mask(FROM_CLIENT)
PEER_JUDGED = mask(FROM_PEER)


def judged(str namespace not None, str name not None, int origin):
    """Whether a row names this child for this origin."""
    for _, row_namespace, row_name, origins in ROWS:
        if namespace == row_namespace and (row_name is None or name == row_name):
            return bool(origins & origin)
    return False
