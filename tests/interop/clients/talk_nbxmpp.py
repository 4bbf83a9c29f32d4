"""One login of nbxmpp, by one mechanism; tests/interop/test_others.py says how it is called and what it prints.

Runs in Debian's Python, which has the library, on GLib's loop.
"""

import json
import sys

from gi.repository import Gio, GLib
from nbxmpp.client import Client
from nbxmpp.const import ConnectionProtocol, ConnectionType
from nbxmpp.protocol import JID, Message
from nbxmpp.structs import StanzaHandler

TALK = json.loads(sys.argv[1])
TYPES = {"starttls": ConnectionType.START_TLS, "direct": ConnectionType.DIRECT_TLS}


def tell(**what):
    print(json.dumps(what), flush=True)


class Talk:
    def __init__(self):
        self.loop = GLib.MainLoop()
        self.client = client = Client()
        jid = JID.from_string(TALK["jid"])
        client.set_domain(jid.domain)
        client.set_username(jid.localpart)
        client.set_password(TALK["password"])
        client.set_resource("nbxmpp")
        client.set_mechs({TALK["mechanism"]})
        client.set_custom_host(f"127.0.0.1:{TALK['port']}", ConnectionProtocol.TCP, TYPES[TALK["tls"]])
        # It takes the authorities of the system, and this one certificate besides.
        client.set_accepted_certificates([Gio.TlsCertificate.new_from_file(TALK["certificate"])])
        for signal in ("connected", "disconnected", "connection-failed"):
            client.subscribe(signal, getattr(self, signal.replace("-", "_")))
        client.register_handler(StanzaHandler(name="message", callback=self.message))
        client.connect()

    def connected(self, client, *_):
        tell(jid=str(client.get_bound_jid()))
        client.send_stanza(Message(to=TALK["peer"], body=TALK["say"], typ="chat"))

    def message(self, client, stanza, properties):
        tell(heard=stanza.getBody())
        client.disconnect()

    def disconnected(self, client, *_):
        error = client.get_error()[2] if client.has_error else None
        if error:
            tell(error=error)
        self.loop.quit()

    def connection_failed(self, *_):
        tell(error="no connection")
        self.loop.quit()


Talk().loop.run()
