"""XMPP Ping: is the server there?"""

from headrace.core.ns import PING
from headrace.modules.api import Effects, Module, Reply, Request, Target, Xep, iq


class Ping(Module):
    name = "ping"
    xeps = (Xep(199, "2.0.1"),)
    features = (PING,)
    account_features = (PING,)

    @iq("get", PING, "ping", Target.HOST | Target.SELF)
    def ping(self, request: Request) -> Effects:
        return Reply()
