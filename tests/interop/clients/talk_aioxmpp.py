"""One login of aioxmpp, by one mechanism; tests/interop/test_others.py says how it is called and what it prints.

Runs in Debian's Python, which has the library.
"""

import asyncio
import json
import sys

import aiosasl
import aioxmpp
import aioxmpp.connector
import aioxmpp.security_layer

TALK = json.loads(sys.argv[1])


class Exporter(aiosasl.channel_binding.ChannelBindingProvider):
    """RFC 9266, which the library does not have."""

    cb_name = b"tls-exporter"

    def __init__(self, connection):
        self._connection = connection

    def extract_cb_data(self):
        return self._connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")


BINDINGS = {"tls-exporter": Exporter, "tls-server-end-point": aiosasl.channel_binding.TLSServerEndPoint}


class OneMechanism(aioxmpp.security_layer.SASLProvider):
    """By its name; the library would choose among those that it likes."""

    async def execute(self, client_jid, features, xmlstream, transport):
        name = TALK["mechanism"]

        async def credentials():
            return client_jid.localpart, TALK["password"]

        if name == "ANONYMOUS":
            mechanism = aiosasl.ANONYMOUS("")
        elif name == "PLAIN":
            mechanism = aiosasl.PLAIN(credentials)
        elif name.endswith("-PLUS"):
            binding = BINDINGS[TALK["binding"]](transport.get_extra_info("ssl_object"))
            mechanism = aiosasl.SCRAMPLUS(credentials, binding)
        else:
            mechanism = aiosasl.SCRAM(credentials)
        interface = aioxmpp.sasl.SASLXMPPInterface(xmlstream)
        return await self._execute(interface, mechanism, type(mechanism).any_supported([name]))


def context():
    made = aioxmpp.security_layer.default_ssl_context()
    made.load_verify_locations(TALK["ca"])
    return made


async def main():
    jid = aioxmpp.JID.fromstr(TALK["jid"])
    layer = aioxmpp.security_layer.SecurityLayer(
        context, aioxmpp.security_layer.PKIXCertificateVerifier, True, (OneMechanism(),))
    connector = {"starttls": aioxmpp.connector.STARTTLSConnector, "direct": aioxmpp.connector.XMPPOverTLSConnector}
    client = aioxmpp.PresenceManagedClient(
        jid, layer, override_peer=[("127.0.0.1", TALK["port"], connector[TALK["tls"]]())])
    got = asyncio.get_running_loop().create_future()
    dispatcher = client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher)
    dispatcher.register_callback(aioxmpp.MessageType.CHAT, None, got.set_result)
    async with client.connected():
        print(json.dumps({"jid": str(client.local_jid)}), flush=True)
        message = aioxmpp.Message(aioxmpp.MessageType.CHAT, to=aioxmpp.JID.fromstr(TALK["peer"]))
        message.body[None] = TALK["say"]
        await client.send(message)
        print(json.dumps({"heard": (await got).body.any()}), flush=True)


asyncio.run(main())
