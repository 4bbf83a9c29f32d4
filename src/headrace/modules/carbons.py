"""Message Carbons: who wants copies. Which messages are copied, and their writing, is the data plane's."""

from headrace.core.ns import CARBONS, CARBONS_RULES
from headrace.modules.api import Effects, Inline, Module, Reply, Request, Switch, Target, Xep, inline, iq
from headrace.router.session import SessionFlag


class Carbons(Module):
    name = "carbons"
    xeps = (Xep(280, "1.0.1"), Xep(297, "1.0"), Xep(334, "1.0.0"))
    features = (CARBONS, CARBONS_RULES)

    @iq("set", CARBONS, "enable", Target.SELF)
    def enable(self, request: Request) -> Effects:
        return Switch(SessionFlag.S_CARBONS, True), Reply()

    @iq("set", CARBONS, "disable", Target.SELF)
    def disable(self, request: Request) -> Effects:
        return Switch(SessionFlag.S_CARBONS, False), Reply()

    @inline(CARBONS, "enable")
    def enable_inline(self, request: Inline) -> Effects:
        return Switch(SessionFlag.S_CARBONS, True)
