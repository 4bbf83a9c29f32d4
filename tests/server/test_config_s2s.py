"""The configuration of what is elsewhere: other servers and components."""

import re
from pathlib import Path

import pytest

from headrace.modules.grants import Grant
from headrace.modules.nesting import Delegation
from headrace.server.config import (
    ComponentConfig,
    Config,
    ConfigError,
    ProxyConfig,
    RouteConfig,
    load,
    posh_places,
    resolvers,
)

BASE = """
{top}
[[listener]]
kind = "{kind}"
address = "{address}"
port = 5269
tls = "{tls}"
[[host]]
name = "a.example"
{more}
"""


PROXY = """[[proxy]]
domain = "a.example"
address = "127.0.0.1"
"""


def read(folder: Path, *, kind: str = "s2s", tls: str = "starttls", address: str = "127.0.0.1", top: str = "",
         more: str = "") -> Config:
    (folder / "headrace.toml").write_text(BASE.format(kind=kind, tls=tls, address=address, top=top, more=more))
    return load(folder / "headrace.toml")


def test_the_defaults_are_the_safe_ones(tmp_path: Path) -> None:
    s2s = read(tmp_path).s2s
    assert (s2s.authorities, s2s.dialback, s2s.allow, s2s.deny, s2s.route) == (None, (), (), (), ())


def test_all_of_it(tmp_path: Path) -> None:
    config = read(tmp_path, more="""
[s2s]
authorities = "ca.pem"
dialback = ["*"]
allow = ["B.Example"]
deny = ["bücher.example"]
bytes_per_second = 0
stanzas_per_second = 500.5
resolver = ["192.0.2.1", "192.0.2.2:5353", "2001:db8::1", "[2001:db8::2]:5353"]
[[s2s.route]]
domain = "B.example"
address = "127.0.0.1"
port = 5299
tls = "direct"
[[component]]
domain = "IRC.a.example"
secret = "x"
[[proxy]]
domain = "Files.a.example"
address = "0.0.0.0"
host = "a.example"
""")
    assert config.s2s.authorities == tmp_path / "ca.pem"
    assert (config.s2s.dialback, config.s2s.allow, config.s2s.deny) == (("*",), ("b.example",), ("bücher.example",))
    assert (config.s2s.bytes_per_second, config.s2s.stanzas_per_second) == (0, 500.5)
    assert resolvers(config.s2s) == [
        ("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53), ("2001:db8::2", 5353)]
    assert config.s2s.route == (RouteConfig("b.example", "127.0.0.1", 5299, "direct"),)
    assert config.components == (ComponentConfig("irc.a.example", "x"),)
    assert config.proxies == (ProxyConfig("files.a.example", "0.0.0.0", host="a.example", allow=("a.example",)),)


@pytest.mark.parametrize(("options", "complaint"), [
    ({"tls": "optional"}, "servers always need TLS"),
    ({"kind": "component"}, "components know no STARTTLS"),
    ({"kind": "component", "tls": "optional", "address": "0.0.0.0"}, "in clear"),
    ({"more": "[s2s]\nresolver = ['dns.example']"}, "resolver: 'dns.example' is no IP address"),
    ({"more": "[s2s]\ndeny = ['romeo@b.example']"}, "deny: 'romeo@b.example' is not a domain"),
    ({"more": "[s2s]\ngive_up_seconds = 0"}, "give_up_seconds: 0 is not above 0"),
    ({"more": "[s2s]\nallow = ['@']"}, "allow: '@'"),
    ({"more": "[[s2s.route]]\ndomain = 'a@b'\naddress = 'x'"}, "'a@b' is not a domain"),
    ({"more": "[s2s]\nstanzas_per_second = -1"}, "stanzas_per_second: -1 is not between 0"),
    ({"more": "[[s2s.route]]\ndomain = 'b.example'\naddress = 'x'\nposh = 'x'"}, "posh: 'x' is no IP address"),
    ({"more": "[s2s]\ndane = true"}, "dane: name a resolver on this machine"),
    ({"more": "[s2s]\ndane = true\nresolver = ['127.0.0.1', '192.0.2.1']"}, "dane: name a resolver on this machine"),
    ({"more": "[s2s]\nalow = ['b.example']"}, "did you mean 'allow'?"),
    ({"more": "[[component]]\ndomain = 'a.example'\nsecret = 'x'"}, "a.example is a host"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = ''"}, "anybody could be it"),
    ({"more": "[[component]]\ndomain = 'irc.example'"}, "secret is missing"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\nkey = 'k'"}, "belong together"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\nhosts = ['b.example']"},
     "hosts: 'b.example' is no host of ours"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\npresence = 'all'"}, "presence"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\nroster = 'set'\npresence = 'roster'"},
     'irc.example: presence: "roster" is for who may read rosters'),
    ({"more": "".join(f"[[component]]\ndomain = '{x}.example'\nsecret = 'x'\ndelegate = {{'urn:x' = []}}\n"
                      for x in "pq")}, "delegate: urn:x of a.example can go to one of them alone"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\ndelegate = {'urn:xmpp:delegation:2' = []}"},
     "irc.example: delegate: urn:xmpp:delegation:2 is between components and the server itself"),
    ({"more": "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\ndelegate = {'urn:xmpp:privilege:2' = ['a']}"},
     "irc.example: delegate: urn:xmpp:privilege:2 is between components and the server itself"),
    ({"more": PROXY + "port = 1081"}, "[[proxy]]: a.example is a host"),
    ({"more": PROXY.replace("a.example", "p.a.example") + "[[component]]\ndomain = 'p.a.example'\nsecret = 'x'"},
     "p.a.example is a host or a component"),
    ({"more": PROXY.replace("127.0.0.1", "0.0.0.0")}, "clients have to be told where 0.0.0.0 is"),
    ({"more": PROXY.replace("127.0.0.1", "here")}, "'here' is not an IP address"),
    ({"more": PROXY + "port = 0"}, "port: 0 is not between 1 and 65535"),
    ({"more": PROXY + "streams = 0"}, "streams: at least 1"),
    ({"more": PROXY + "rate = 100"}, "rate: 0 (any), or at least 16384"),
    ({"more": PROXY + "allow = ['a@b.example/c']"}, "'a@b.example/c' is not an account"),
    ({"more": 2 * "[[component]]\ndomain = 'irc.example'\nsecret = 'x'\n"}, "stands there twice"),
])
def test_complaints(tmp_path: Path, options: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        read(tmp_path, **options)


def test_a_resolver_on_this_machine_may_be_believed(tmp_path: Path) -> None:
    assert read(tmp_path, more="[s2s]\ndane = true\nresolver = ['127.0.0.1', '[::1]:5353']").s2s.dane


def test_where_web_servers_are(tmp_path: Path) -> None:
    s2s = read(tmp_path, more="""
[s2s]
posh = true
[[s2s.route]]
domain = "Bücher.example"
address = "192.0.2.1"
posh = "192.0.2.2"
[[s2s.route]]
domain = "b.example"
address = "192.0.2.1"
posh = "[2001:db8::1]:8443"
[[s2s.route]]
domain = "c.example"
address = "192.0.2.1"
""").s2s
    assert s2s.posh
    assert posh_places(s2s) == {"xn--bcher-kva.example": ("192.0.2.2", 443), "b.example": ("2001:db8::1", 8443)}


def test_what_components_may(tmp_path: Path) -> None:
    [boss, clerk, plain, seer] = read(tmp_path, more="""
[[component]]
domain = "boss.a.example"
secret = "x"
roster = "both"
message = "outgoing"
presence = "managed_entity"
iq = {"urn:xmpp:ping" = "get"}
delegate = {"urn:xmpp:mam:2" = ["node"]}
[[component]]
domain = "clerk.a.example"
secret = "x"
hosts = ["a.example"]
roster = "set"
[[component]]
domain = "plain.a.example"
secret = "x"
[[component]]
domain = "seer.a.example"
secret = "x"
roster = "get"
presence = "roster"
""").components
    ours = ("a.example", "b.example")
    assert boss.grant(ours) == Grant(frozenset(ours), "both", push=True, message=True, presence=True,
                                     iq={"urn:xmpp:ping": "get"})
    assert clerk.grant(ours) == Grant(frozenset({"a.example"}), "set", push=False)  # it may not read them
    assert plain.grant(ours) is None
    assert seer.grant(ours) == Grant(frozenset(ours), "get", push=True, presence=True, contacts=True)
    assert boss.delegations(ours) == [Delegation("boss.a.example", "urn:xmpp:mam:2", frozenset(ours), ("node",))]
    assert clerk.delegations(ours) == []
