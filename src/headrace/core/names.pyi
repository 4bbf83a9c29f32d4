"""Namespaces and children of stanzas that the data plane knows, as numbers (see names.pxd for each one's meaning)."""

from enum import IntEnum

class Ns(IntEnum):
    """Numbers of namespaces. NS_OTHER: not in the table; NS_NONE: no namespace."""

    NS_OTHER = 0
    NS_NONE = 1
    NS_CLIENT = 2
    NS_SERVER = 3
    NS_COMPONENT = 4
    NS_STREAM = 5
    NS_FRAMING = 6
    NS_HTTPBIND = 7
    NS_XML = 8
    NS_XMLNS = 9
    NS_TLS = 10
    NS_SASL = 11
    NS_SASL2 = 12
    NS_BIND = 13
    NS_SESSION = 14
    NS_SM = 15
    NS_CSI = 16
    NS_CARBONS = 17
    NS_FORWARD = 18
    NS_HINTS = 19
    NS_SID = 20
    NS_DELAY = 21
    NS_MAM = 22
    NS_CHATSTATES = 23
    NS_RECEIPTS = 24
    NS_MARKERS = 25
    NS_PING = 26
    NS_ROSTER = 27
    NS_MUC = 28
    NS_MUC_USER = 29
    NS_JINGLE_MESSAGE = 30
    NS_PRIVILEGE = 31
    NS_DELEGATION = 32
    NS_OCCUPANT_ID = 33
    NS_HATS = 34
    NS_RETRACT = 35
    NS_VCARD_UPDATE = 36
    NS_CONFERENCE = 37
    NS_COUNT = 37

class Known(IntEnum):
    """Bit numbers of the children that matter to routing (StanzaView.known, Stanza.known)."""

    K_NONE = 0
    K_BODY = 1
    K_SUBJECT = 2
    K_THREAD = 3
    K_SHOW = 4
    K_STATUS = 5
    K_PRIORITY = 6
    K_ERROR = 7
    K_STANZA_ID = 8
    K_ORIGIN_ID = 9
    K_DELAY = 10
    K_CARBON_RECEIVED = 11
    K_CARBON_SENT = 12
    K_CARBON_PRIVATE = 13
    K_MAM_RESULT = 14
    K_PRIVILEGE = 15
    K_DELEGATION = 16
    K_MUC_X = 17
    K_MUC_USER_X = 18
    K_OCCUPANT_ID = 19
    K_HATS = 20
    K_RETRACT = 21
    K_VCARD_UPDATE = 22
    K_CHATSTATE = 23
    K_RECEIPT = 24
    K_MARKER = 25
    K_NO_STORE = 26
    K_NO_PERMANENT_STORE = 27
    K_NO_COPY = 28
    K_STORE = 29
    K_JINGLE_MESSAGE = 30
    K_INVITE = 31
    K_COUNT = 31

NS_OTHER: Ns
NS_NONE: Ns
NS_CLIENT: Ns
NS_SERVER: Ns
NS_COMPONENT: Ns
NS_STREAM: Ns
NS_FRAMING: Ns
NS_HTTPBIND: Ns
NS_XML: Ns
NS_XMLNS: Ns
NS_TLS: Ns
NS_SASL: Ns
NS_SASL2: Ns
NS_BIND: Ns
NS_SESSION: Ns
NS_SM: Ns
NS_CSI: Ns
NS_CARBONS: Ns
NS_FORWARD: Ns
NS_HINTS: Ns
NS_SID: Ns
NS_DELAY: Ns
NS_MAM: Ns
NS_CHATSTATES: Ns
NS_RECEIPTS: Ns
NS_MARKERS: Ns
NS_PING: Ns
NS_ROSTER: Ns
NS_MUC: Ns
NS_MUC_USER: Ns
NS_JINGLE_MESSAGE: Ns
NS_PRIVILEGE: Ns
NS_DELEGATION: Ns
NS_OCCUPANT_ID: Ns
NS_HATS: Ns
NS_RETRACT: Ns
NS_VCARD_UPDATE: Ns
NS_CONFERENCE: Ns
NS_COUNT: Ns
K_NONE: Known
K_BODY: Known
K_SUBJECT: Known
K_THREAD: Known
K_SHOW: Known
K_STATUS: Known
K_PRIORITY: Known
K_ERROR: Known
K_STANZA_ID: Known
K_ORIGIN_ID: Known
K_DELAY: Known
K_CARBON_RECEIVED: Known
K_CARBON_SENT: Known
K_CARBON_PRIVATE: Known
K_MAM_RESULT: Known
K_PRIVILEGE: Known
K_DELEGATION: Known
K_MUC_X: Known
K_MUC_USER_X: Known
K_OCCUPANT_ID: Known
K_HATS: Known
K_RETRACT: Known
K_VCARD_UPDATE: Known
K_CHATSTATE: Known
K_RECEIPT: Known
K_MARKER: Known
K_NO_STORE: Known
K_NO_PERMANENT_STORE: Known
K_NO_COPY: Known
K_STORE: Known
K_JINGLE_MESSAGE: Known
K_INVITE: Known
K_COUNT: Known

def namespace_number(uri: str) -> int:
    """Number of a namespace; NS_OTHER if it is not in the table, NS_NONE for ""."""

def namespace_uri(number: int) -> str:
    """URI of a number; "" for NS_NONE and NS_OTHER. Raises ValueError for a number outside the table."""

def child_number(namespace: int, name: str, content: int = 2) -> int:
    """Known number of a direct child by its namespace's number and local name; K_NONE if it is not in the table."""
