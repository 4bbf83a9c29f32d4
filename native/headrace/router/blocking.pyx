"""Matching of block lists (XEP-0191 section 5).

    listed                  matches
    user@domain/resource    that resource
    user@domain             the account and every resource of it
    domain/resource         that address alone
    domain                  the domain, and every account and resource of it

Who is judged is always whom the stanza's head names. So what an occupant says in a room is judged by the room's JID,
and a message to an account by the account's, whatever resources it has.
"""
from headrace.core.buf cimport str_of
from headrace.core.jid cimport JidParts, jid_split


cdef bint listed(set jids, Str jid) except -1:
    cdef JidParts parts
    jid_split(jid, &parts)
    if parts.resource.p != NULL and jid.p[:jid.n] in jids:
        return True
    return parts.bare.p[:parts.bare.n] in jids or (parts.node.p != NULL and parts.domain.p[:parts.domain.n] in jids)


cdef bint parted(Session one, Session other) except -1:
    return blocks(one.account, str_of(other.full)) or blocks(other.account, str_of(one.full))
