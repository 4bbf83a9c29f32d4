"""Proxies of SOCKS5 bytestreams: domains of ours through which clients that cannot reach each other send files."""

from collections.abc import Callable, Mapping
from hashlib import sha1

from headrace.core import ns
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.writer import escape
from headrace.modules.api import Effects, Module, Outcome, Refused, Reply, Request, Xep
from headrace.modules.disco import without_nodes
from headrace.session.bytestreams import Activation, Proxy
from headrace.xep import disco
from headrace.xep.disco import Identity

INFO = disco.info([Identity("proxy", "bytestreams", "File Transfer Relay")],
                  [ns.DISCO_INFO, ns.DISCO_ITEMS, ns.BYTESTREAMS])

# XEP-0065 6.3.5. That hashes do not match is that nobody is there: we know of no stream but by its hash.
REFUSALS = {
    Activation.UNKNOWN: ("item-not-found", None),
    Activation.LONELY: ("not-allowed", "The other party is not connected."),
    Activation.TOO_MANY: ("resource-constraint", "You have too many streams at once."),
}


class Bytestreams(Module):
    name = "bytestreams"
    xeps = (Xep(65, "1.8.2"),)

    def services(self) -> Mapping[str, Callable[[Request], Outcome]]:
        return dict.fromkeys(self.context.proxies, self.asked)

    def asked(self, request: Request) -> Effects:
        stanza = request.stanza
        match stanza.type, stanza.child_namespace, stanza.child_name:
            case "get", ns.DISCO_INFO, "query":
                return without_nodes(request, INFO)
            case "get", ns.DISCO_ITEMS, "query":
                return without_nodes(request, disco.items(()))
            case "get", ns.BYTESTREAMS, "query":
                return self._address(request)
            case "set", ns.BYTESTREAMS, "query":
                return self._activate(request)
        raise Refused("service-unavailable")

    def _proxy(self, request: Request) -> Proxy:
        """The one that is asked, if it is there for the sender."""
        proxy = self.context.proxies[request.to]
        if not proxy.admits(request.account):
            raise Refused("forbidden")
        return proxy

    def _address(self, request: Request) -> Effects:
        proxy = self._proxy(request)
        host = f"<streamhost host='{escape(proxy.host)}' jid='{escape(request.to)}' port='{proxy.port}'/>"
        return Reply(f"<query xmlns='{ns.BYTESTREAMS}'>{host}</query>".encode())

    def _activate(self, request: Request) -> Effects:
        proxy = self._proxy(request)
        sid, target = request.payload.get("sid"), request.payload.findtext(f"{{{ns.BYTESTREAMS}}}activate")
        if not sid or not target:
            raise Refused("bad-request")
        try:
            key = stream_key(sid, request.sender, JID.parse(target.strip()).full)
        except JIDError as error:
            raise Refused("jid-malformed", str(error)) from None
        outcome = proxy.relay.activate(key, request.account)
        if outcome is not Activation.DONE:
            raise Refused(*REFUSALS[outcome])
        return Reply()


def stream_key(sid: str, requester: str, target: str) -> str:
    """What both connections name (XEP-0065 5.3.2); JIDs are prepared."""
    return sha1(f"{sid}{requester}{target}".encode()).hexdigest()
