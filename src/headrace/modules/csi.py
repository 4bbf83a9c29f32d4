"""Client State Indication: how it is announced, and a login that begins inactive. The rest is the data plane's."""

from headrace.core.ns import CSI
from headrace.modules.api import Effects, Inline, Module, Switch, Xep, inline
from headrace.router.session import SessionFlag


class ClientState(Module):
    name = "csi"
    xeps = (Xep(352, "1.0.0"),)
    stream_features = (f"<csi xmlns='{CSI}'/>".encode(),)

    @inline(CSI, "active")
    @inline(CSI, "inactive")
    def state(self, request: Inline) -> Effects:
        return Switch(SessionFlag.S_INACTIVE, request.element.tag.endswith("}inactive"))
