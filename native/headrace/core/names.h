/* Namespaces and children of stanzas that the data plane knows, as numbers; names.pxd mirrors it and says what each is.
 * A new feature adds its row here and there (and, for a namespace, its length in ns_find()). */
#ifndef HEADRACE_NAMES_H
#define HEADRACE_NAMES_H

#include <stdint.h>
#include <string.h>

#include "headrace/core/str.h"

enum Ns {
    NS_OTHER = 0,
    NS_NONE, NS_CLIENT, NS_SERVER, NS_COMPONENT, NS_STREAM, NS_FRAMING, NS_HTTPBIND, NS_XML, NS_XMLNS, NS_TLS,
    NS_SASL, NS_SASL2, NS_BIND, NS_SESSION, NS_SM, NS_CSI, NS_CARBONS, NS_FORWARD, NS_HINTS, NS_SID, NS_DELAY,
    NS_MAM, NS_CHATSTATES, NS_RECEIPTS, NS_MARKERS, NS_PING, NS_ROSTER, NS_MUC, NS_MUC_USER,
    NS_JINGLE_MESSAGE, NS_PRIVILEGE, NS_DELEGATION, NS_OCCUPANT_ID, NS_HATS, NS_RETRACT, NS_VCARD_UPDATE,
    NS_CONFERENCE,
    NS_COUNT
};

enum Known {
    K_NONE = 0, K_BODY, K_SUBJECT, K_THREAD, K_SHOW, K_STATUS, K_PRIORITY, K_ERROR, K_STANZA_ID, K_ORIGIN_ID,
    K_DELAY, K_CARBON_RECEIVED, K_CARBON_SENT, K_CARBON_PRIVATE, K_MAM_RESULT, K_PRIVILEGE, K_DELEGATION,
    K_MUC_X, K_MUC_USER_X, K_OCCUPANT_ID, K_HATS, K_RETRACT, K_VCARD_UPDATE, K_CHATSTATE, K_RECEIPT, K_MARKER,
    K_NO_STORE, K_NO_PERMANENT_STORE, K_NO_COPY, K_STORE, K_JINGLE_MESSAGE, K_INVITE, K_COUNT
};

#define NS_ROW(text) { text, sizeof(text) - 1 }
static const Str NS_URI[NS_COUNT] = {
    [NS_OTHER] = NS_ROW(""), [NS_NONE] = NS_ROW(""),
    [NS_CLIENT] = NS_ROW("jabber:client"),
    [NS_SERVER] = NS_ROW("jabber:server"),
    [NS_COMPONENT] = NS_ROW("jabber:component:accept"),
    [NS_STREAM] = NS_ROW("http://etherx.jabber.org/streams"),
    [NS_FRAMING] = NS_ROW("urn:ietf:params:xml:ns:xmpp-framing"),
    [NS_HTTPBIND] = NS_ROW("http://jabber.org/protocol/httpbind"),
    [NS_XML] = NS_ROW("http://www.w3.org/XML/1998/namespace"),
    [NS_XMLNS] = NS_ROW("http://www.w3.org/2000/xmlns/"),
    [NS_TLS] = NS_ROW("urn:ietf:params:xml:ns:xmpp-tls"),
    [NS_SASL] = NS_ROW("urn:ietf:params:xml:ns:xmpp-sasl"),
    [NS_SASL2] = NS_ROW("urn:xmpp:sasl:2"),
    [NS_BIND] = NS_ROW("urn:ietf:params:xml:ns:xmpp-bind"),
    [NS_SESSION] = NS_ROW("urn:ietf:params:xml:ns:xmpp-session"),
    [NS_SM] = NS_ROW("urn:xmpp:sm:3"),
    [NS_CSI] = NS_ROW("urn:xmpp:csi:0"),
    [NS_CARBONS] = NS_ROW("urn:xmpp:carbons:2"),
    [NS_FORWARD] = NS_ROW("urn:xmpp:forward:0"),
    [NS_HINTS] = NS_ROW("urn:xmpp:hints"),
    [NS_SID] = NS_ROW("urn:xmpp:sid:0"),
    [NS_DELAY] = NS_ROW("urn:xmpp:delay"),
    [NS_MAM] = NS_ROW("urn:xmpp:mam:2"),
    [NS_CHATSTATES] = NS_ROW("http://jabber.org/protocol/chatstates"),
    [NS_RECEIPTS] = NS_ROW("urn:xmpp:receipts"),
    [NS_MARKERS] = NS_ROW("urn:xmpp:chat-markers:0"),
    [NS_PING] = NS_ROW("urn:xmpp:ping"),
    [NS_ROSTER] = NS_ROW("jabber:iq:roster"),
    [NS_MUC] = NS_ROW("http://jabber.org/protocol/muc"),
    [NS_MUC_USER] = NS_ROW("http://jabber.org/protocol/muc#user"),
    [NS_JINGLE_MESSAGE] = NS_ROW("urn:xmpp:jingle-message:0"),
    [NS_PRIVILEGE] = NS_ROW("urn:xmpp:privilege:2"),
    [NS_DELEGATION] = NS_ROW("urn:xmpp:delegation:2"),
    [NS_OCCUPANT_ID] = NS_ROW("urn:xmpp:occupant-id:0"),
    [NS_HATS] = NS_ROW("urn:xmpp:hats:0"),
    [NS_RETRACT] = NS_ROW("urn:xmpp:message-retract:1"),
    [NS_VCARD_UPDATE] = NS_ROW("vcard-temp:x:update"),
    [NS_CONFERENCE] = NS_ROW("jabber:x:conference"),
};

#define NS_TRY(ns) if (memcmp(uri, NS_URI[ns].p, n) == 0) return ns
static inline int ns_find(const char *uri, size_t n) {
    switch (n) {
    case 0: return NS_NONE;
    case 13: NS_TRY(NS_CLIENT); NS_TRY(NS_SERVER); NS_TRY(NS_SM); NS_TRY(NS_PING); break;
    case 14: NS_TRY(NS_CSI); NS_TRY(NS_HINTS); NS_TRY(NS_SID); NS_TRY(NS_DELAY); NS_TRY(NS_MAM); break;
    case 15: NS_TRY(NS_SASL2); NS_TRY(NS_HATS); break;
    case 16: NS_TRY(NS_ROSTER); break;
    case 17: NS_TRY(NS_RECEIPTS); break;
    case 18: NS_TRY(NS_CARBONS); NS_TRY(NS_FORWARD); break;
    case 19: NS_TRY(NS_VCARD_UPDATE); NS_TRY(NS_CONFERENCE); break;
    case 20: NS_TRY(NS_PRIVILEGE); break;
    case 21: NS_TRY(NS_DELEGATION); break;
    case 22: NS_TRY(NS_OCCUPANT_ID); break;
    case 23: NS_TRY(NS_COMPONENT); NS_TRY(NS_MARKERS); break;
    case 25: NS_TRY(NS_JINGLE_MESSAGE); break;
    case 26: NS_TRY(NS_RETRACT); break;
    case 29: NS_TRY(NS_XMLNS); break;
    case 30: NS_TRY(NS_MUC); break;
    case 31: NS_TRY(NS_TLS); break;
    case 32: NS_TRY(NS_STREAM); NS_TRY(NS_SASL); NS_TRY(NS_BIND); break;
    case 35: NS_TRY(NS_FRAMING); NS_TRY(NS_HTTPBIND); NS_TRY(NS_SESSION); NS_TRY(NS_MUC_USER); break;
    case 36: NS_TRY(NS_XML); break;
    case 37: NS_TRY(NS_CHATSTATES); break;
    default: break;
    }
    return NS_OTHER;
}

static inline int ns_is_content(int ns) { return ns == NS_CLIENT || ns == NS_SERVER || ns == NS_COMPONENT; }

/* Children of the content namespace that matter to routing. */
static inline int known_content(const char *name, size_t n) {
#define NAMED(text, known) if (n == sizeof(text) - 1 && memcmp(name, text, n) == 0) return known
    NAMED("body", K_BODY);
    NAMED("subject", K_SUBJECT);
    NAMED("thread", K_THREAD);
    NAMED("show", K_SHOW);
    NAMED("status", K_STATUS);
    NAMED("priority", K_PRIORITY);
    NAMED("error", K_ERROR);
    return K_NONE;
}

static inline int known_find(int ns, const char *name, size_t n, int content) {
    if (ns == content)
        return known_content(name, n);
    switch (ns) {
    case NS_SID: NAMED("stanza-id", K_STANZA_ID); NAMED("origin-id", K_ORIGIN_ID); break;
    case NS_DELAY: NAMED("delay", K_DELAY); break;
    case NS_CARBONS:
        NAMED("received", K_CARBON_RECEIVED); NAMED("sent", K_CARBON_SENT); NAMED("private", K_CARBON_PRIVATE); break;
    case NS_MAM: NAMED("result", K_MAM_RESULT); break;
    case NS_PRIVILEGE: return K_PRIVILEGE;
    case NS_DELEGATION: return K_DELEGATION;
    case NS_MUC: NAMED("x", K_MUC_X); break;
    case NS_MUC_USER: NAMED("x", K_MUC_USER_X); break;
    case NS_OCCUPANT_ID: NAMED("occupant-id", K_OCCUPANT_ID); break;
    case NS_HATS: NAMED("hats", K_HATS); break;
    case NS_RETRACT: NAMED("retract", K_RETRACT); break;
    case NS_VCARD_UPDATE: NAMED("x", K_VCARD_UPDATE); break;
    case NS_CHATSTATES: return K_CHATSTATE;
    case NS_RECEIPTS: return K_RECEIPT;
    case NS_MARKERS: return K_MARKER;
    case NS_HINTS:
        NAMED("no-store", K_NO_STORE); NAMED("no-permanent-store", K_NO_PERMANENT_STORE);
        NAMED("no-copy", K_NO_COPY); NAMED("store", K_STORE); break;
    case NS_JINGLE_MESSAGE: return K_JINGLE_MESSAGE;
    case NS_CONFERENCE: NAMED("x", K_INVITE); break;
    default: break;
    }
#undef NAMED
    return K_NONE;
}

#endif
