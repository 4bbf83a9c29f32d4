"""Namespaces by their short names, one a line, each with the document that defines it."""

CLIENT = "jabber:client"  # RFC 6120 4.8.2
SERVER = "jabber:server"  # RFC 6120 4.8.2
COMPONENT = "jabber:component:accept"  # XEP-0114
STREAM = "http://etherx.jabber.org/streams"  # RFC 6120 4.8.1
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"  # RFC 6120 4.9.2
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"  # RFC 6120 8.3.2
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"  # RFC 7395
HTTPBIND = "http://jabber.org/protocol/httpbind"  # XEP-0124
XML = "http://www.w3.org/XML/1998/namespace"  # Namespaces in XML 1.0
XMLNS = "http://www.w3.org/2000/xmlns/"  # Namespaces in XML 1.0

TLS = "urn:ietf:params:xml:ns:xmpp-tls"  # RFC 6120 5
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"  # RFC 6120 6
SASL2 = "urn:xmpp:sasl:2"  # XEP-0388
COMPRESS = "http://jabber.org/protocol/compress"  # XEP-0138
SASL_UPGRADE = "urn:xmpp:sasl:upgrade:0"  # XEP-0480
SCRAM_UPGRADE = "urn:xmpp:scram-upgrade:0"  # XEP-0480
FAST = "urn:xmpp:fast:0"  # XEP-0484
PIPELINING = "urn:xmpp:iap:0"  # XEP-0509
BIND = "urn:ietf:params:xml:ns:xmpp-bind"  # RFC 6120 7
BIND2 = "urn:xmpp:bind:0"  # XEP-0386
SESSION = "urn:ietf:params:xml:ns:xmpp-session"  # RFC 3921 3; optional since RFC 6121
STREAM_LIMITS = "urn:xmpp:stream-limits:0"  # XEP-0478
CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"  # XEP-0440
SM = "urn:xmpp:sm:3"  # XEP-0198
CSI = "urn:xmpp:csi:0"  # XEP-0352

ROSTER = "jabber:iq:roster"  # RFC 6121 2
ROSTER_VERSIONING = "urn:xmpp:features:rosterver"  # RFC 6121 2.6
PRE_APPROVAL = "urn:xmpp:features:pre-approval"  # RFC 6121 3.4
DISCO_INFO = "http://jabber.org/protocol/disco#info"  # XEP-0030
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"  # XEP-0030
DATA_FORMS = "jabber:x:data"  # XEP-0004
LAST_ACTIVITY = "jabber:iq:last"  # XEP-0012
VERSION = "jabber:iq:version"  # XEP-0092
PING = "urn:xmpp:ping"  # XEP-0199
TIME = "urn:xmpp:time"  # XEP-0202
DELAY = "urn:xmpp:delay"  # XEP-0203
OFFLINE = "msgoffline"  # XEP-0160: the disco feature of offline storage
CARBONS = "urn:xmpp:carbons:2"  # XEP-0280
FORWARD = "urn:xmpp:forward:0"  # XEP-0297
MAM = "urn:xmpp:mam:2"  # XEP-0313
HINTS = "urn:xmpp:hints"  # XEP-0334
SID = "urn:xmpp:sid:0"  # XEP-0359
BLOCKING = "urn:xmpp:blocking"  # XEP-0191
