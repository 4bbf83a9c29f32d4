# What the data plane knows by name: namespaces as small numbers, and the children of a stanza that matter to routing.
# One table each, in names.pyx; a new feature adds its row there and its constant here.
from libc.stdint cimport uint64_t
from headrace.core.buf cimport Str

cdef extern from "headrace/core/names.h":
    cpdef enum Ns:
        NS_OTHER            # any namespace that is not below
        NS_NONE             # no namespace at all
        NS_CLIENT           # jabber:client
        NS_SERVER           # jabber:server
        NS_COMPONENT        # jabber:component:accept
        NS_STREAM           # http://etherx.jabber.org/streams
        NS_FRAMING          # urn:ietf:params:xml:ns:xmpp-framing
        NS_HTTPBIND         # http://jabber.org/protocol/httpbind
        NS_XML              # http://www.w3.org/XML/1998/namespace
        NS_XMLNS            # http://www.w3.org/2000/xmlns/
        NS_TLS              # urn:ietf:params:xml:ns:xmpp-tls
        NS_SASL             # urn:ietf:params:xml:ns:xmpp-sasl
        NS_SASL2            # urn:xmpp:sasl:2
        NS_BIND             # urn:ietf:params:xml:ns:xmpp-bind
        NS_SESSION          # urn:ietf:params:xml:ns:xmpp-session
        NS_SM               # urn:xmpp:sm:3
        NS_CSI              # urn:xmpp:csi:0
        NS_CARBONS          # urn:xmpp:carbons:2
        NS_FORWARD          # urn:xmpp:forward:0
        NS_HINTS            # urn:xmpp:hints
        NS_SID              # urn:xmpp:sid:0
        NS_DELAY            # urn:xmpp:delay
        NS_MAM              # urn:xmpp:mam:2
        NS_CHATSTATES       # http://jabber.org/protocol/chatstates
        NS_RECEIPTS         # urn:xmpp:receipts
        NS_MARKERS          # urn:xmpp:chat-markers:0
        NS_PING             # urn:xmpp:ping
        NS_ROSTER           # jabber:iq:roster
        NS_MUC              # http://jabber.org/protocol/muc
        NS_MUC_USER         # http://jabber.org/protocol/muc#user
        NS_JINGLE_MESSAGE   # urn:xmpp:jingle-message:0
        NS_PRIVILEGE        # urn:xmpp:privilege:2
        NS_DELEGATION       # urn:xmpp:delegation:2
        NS_OCCUPANT_ID      # urn:xmpp:occupant-id:0
        NS_HATS             # urn:xmpp:hats:0
        NS_RETRACT          # urn:xmpp:message-retract:1
        NS_VCARD_UPDATE     # vcard-temp:x:update
        NS_CONFERENCE       # jabber:x:conference
        NS_COUNT

    cpdef enum Known:
        # Bit numbers in StanzaView.known: a direct child of that (namespace, name) is there, at any position.
        # Content namespace means NS_CLIENT, NS_SERVER or NS_COMPONENT, whichever the stream has.
        K_NONE
        K_BODY              # content namespace
        K_SUBJECT
        K_THREAD
        K_SHOW
        K_STATUS
        K_PRIORITY
        K_ERROR
        K_STANZA_ID         # {urn:xmpp:sid:0}stanza-id
        K_ORIGIN_ID         # {urn:xmpp:sid:0}origin-id
        K_DELAY             # {urn:xmpp:delay}delay
        K_CARBON_RECEIVED   # {urn:xmpp:carbons:2}received
        K_CARBON_SENT       # {urn:xmpp:carbons:2}sent
        K_CARBON_PRIVATE    # {urn:xmpp:carbons:2}private
        K_MAM_RESULT        # {urn:xmpp:mam:2}result
        K_PRIVILEGE         # {urn:xmpp:privilege:2}*
        K_DELEGATION        # {urn:xmpp:delegation:2}*
        K_MUC_X             # {http://jabber.org/protocol/muc}x
        K_MUC_USER_X        # {http://jabber.org/protocol/muc#user}x
        K_OCCUPANT_ID       # {urn:xmpp:occupant-id:0}occupant-id
        K_HATS              # {urn:xmpp:hats:0}hats
        K_RETRACT           # {urn:xmpp:message-retract:1}retract
        K_VCARD_UPDATE      # {vcard-temp:x:update}x
        K_CHATSTATE         # {http://jabber.org/protocol/chatstates}*
        K_RECEIPT           # {urn:xmpp:receipts}*
        K_MARKER            # {urn:xmpp:chat-markers:0}*
        K_NO_STORE          # {urn:xmpp:hints}no-store
        K_NO_PERMANENT_STORE
        K_NO_COPY           # {urn:xmpp:hints}no-copy
        K_STORE             # {urn:xmpp:hints}store
        K_JINGLE_MESSAGE    # {urn:xmpp:jingle-message:0}*
        K_INVITE            # {jabber:x:conference}x
        K_COUNT


cdef inline uint64_t bit(int known) noexcept nogil:
    return (<uint64_t>1) << known

# Number of a namespace URI; NS_OTHER if it is not in the table.
cdef int ns_number(const char* uri, size_t n) noexcept nogil
# URI of a namespace number; n == 0 for NS_NONE and NS_OTHER. Static memory.
cdef Str ns_uri(int ns) noexcept nogil
# Known child by its namespace's number and its local name; content: the number of the stream's content namespace.
# K_NONE if not in the table.
cdef int known_child(int ns, const char* name, size_t name_n, int content) noexcept nogil
# The same URIs as Python's str, by their numbers: one object each, whoever asks.
cdef tuple URIS
