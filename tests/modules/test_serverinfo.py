from dataclasses import replace

from headrace.modules.hosts import Host
from headrace.modules.serverinfo import ServerInfo
from support.stanzas import tree
from support.world import World


def test_form_of_each_host_that_has_contacts(world: World) -> None:
    hosts = {"example.org": Host(contacts={"abuse": ("mailto:abuse@example.org",)}), "example.net": Host()}
    module = ServerInfo(replace(world.context, hosts=hosts), ServerInfo.Options())
    [form] = module.forms("example.org")
    assert [value.text for value in tree(form).iter("{jabber:x:data}value")] == [
        "http://jabber.org/network/serverinfo", "mailto:abuse@example.org"]
    assert module.forms("example.net") == []
