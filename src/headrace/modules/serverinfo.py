"""Contact Addresses: whom to turn to, if the operator says so."""

from collections.abc import Sequence

from headrace.modules.api import Module, Xep
from headrace.xep import serverinfo


class ServerInfo(Module):
    name = "serverinfo"
    xeps = (Xep(157, "1.1.1"),)

    def forms(self, host: str) -> Sequence[bytes]:
        addresses = self.context.hosts[host].contacts
        return [serverinfo.contacts(addresses)] if addresses else []
