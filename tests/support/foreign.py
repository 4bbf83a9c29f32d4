"""Debian's Prosody and ejabberd as other servers: one domain each, that knows where ours is.

    with prosody(folder, "b.example", port, authority, routes={"a.example": 5299}) as there:
        juliet = there.client("juliet")
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.federated import CLIENT, PASSWORD, SERVER, Authority
from support.nameserver import NameServer
from support.ports import unused_port
from support.rawclient import Client

USERS = ("juliet", "nurse")
PATIENCE = 60   # s

PROSODY = """
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
plugin_paths = {{ "{folder}/plugins" }}
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {clients} }}
s2s_ports = {{ {port} }}
modules_enabled = {{ "places", "roster", "saslauth", "tls", "disco", "ping", "vcard", "version", {modules} }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
s2s_require_encryption = true
s2s_secure_auth = {secure}
log = {{ {level} = "{folder}/log" }}
ssl = {{ cafile = "{authority}"; verify = {{ "peer" }} }}
VirtualHost "{domain}"
    ssl = {{ certificate = "{certificate}", key = "{key}", cafile = "{authority}" }}
"""

PLACES = """
module:set_global();
local service, manual = require "net.resolvers.service", require "net.resolvers.manual";
local ports, new = {{ {ports} }}, service.new;
function service.new(name, kind, conn_type, extra)
    if not ports[name] then return new(name, kind, conn_type, extra); end
    local places = kind == "xmpp-server" and {{ {{ "tcp4", "127.0.0.1", ports[name], extra }} }} or {{}};
    return manual.new(places, conn_type, extra);
end
"""

EJABBERD = """
loglevel: {level}
hosts: [{hosts}]
certfiles: ["{both}"]
ca_file: "{authority}"
s2s_cafile: "{authority}"
s2s_use_starttls: required
outgoing_s2s_families: [ipv4]
listen:
  - {{port: {clients}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: false}}
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_s2s_in}}
auth_method: internal
acl: {{}}
access_rules: {{}}
shaper: {{}}
modules:
  mod_roster: {{}}
  mod_disco: {{}}
  mod_ping: {{}}
  mod_vcard: {{search: false}}
  mod_version: {{}}
{modules}
"""


@dataclass
class Foreign:
    """A running server of others."""

    domain: str
    port: int       # for other servers
    clients: int
    folder: Path

    def client(self, user: str, resource: str = "r") -> Client:
        client = Client(self.clients, host=self.domain)
        client.log_in(user, PASSWORD, resource)
        return client


def wait_for(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "output").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {(folder / 'output').read_text()}")


@contextlib.contextmanager
def process(command: Sequence[str], folder: Path, port: int, env: Mapping[str, str]) -> Iterator[None]:
    with (folder / "output").open("ab") as output:
        started = subprocess.Popen(command, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, start_new_session=True)
    try:
        wait_for(started, port, folder)
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextlib.contextmanager
def prosody(folder: Path, domain: str, port: int, authority: Authority, *, routes: Mapping[str, int],
            pair: tuple[Path, Path] | None = None, secure: bool = True,
            modules: str = '"dialback", "s2s_bidi", "smacks"', debug: bool = True) -> Iterator[Foreign]:
    """pair: its certificate; good for serverAuth alone if not given. secure: it wants ours to be good."""
    (folder / "plugins").mkdir(parents=True, exist_ok=True)
    accounts = folder / "data" / domain.replace(".", "%2e") / "accounts"
    accounts.mkdir(parents=True, exist_ok=True)
    for user in USERS:
        (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
    certificate, key = pair or authority.issue(domain, [domain], purposes=(SERVER,))
    ports = " ".join(f'["{name}"] = {number};' for name, number in routes.items())
    (folder / "plugins" / "mod_places.lua").write_text(PLACES.format(ports=ports))
    clients = unused_port()
    (folder / "prosody.cfg.lua").write_text(PROSODY.format(
        folder=folder, clients=clients, port=port, authority=authority.file, domain=domain, certificate=certificate,
        key=key, secure=str(secure).lower(), modules=modules, level="debug" if debug else "error"))
    with process(["prosody", "--config", str(folder / "prosody.cfg.lua"), "-F"], folder, clients, {}):
        yield Foreign(domain, port, clients, folder)


@contextlib.contextmanager
def ejabberd(folder: Path, domain: str, port: int, authority: Authority, *, routes: Mapping[str, int],
             pair: tuple[Path, Path] | None = None, modules: str = "", more: Sequence[str] = (),
             debug: bool = True) -> Iterator[Foreign]:
    """pair: its certificate; one with both purposes if not given, for that is what it asks of those who connect. more:
    domains of its.

    It asks a name server of ours for SRV records, and the system for the address of localhost."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = pair or authority.issue(domain, [domain, *more], purposes=(SERVER, CLIENT))
    (folder / "both.pem").write_text(certificate.read_text() + key.read_text())
    clients = unused_port()
    (folder / "ejabberd.yml").write_text(EJABBERD.format(
        hosts=", ".join(f'"{each}"' for each in (domain, *more)),
        both=folder / "both.pem", authority=authority.file, clients=clients, port=port,
        modules=modules, level="debug" if debug else "error"))
    users = ", ".join(f'<<"{user}">>' for user in USERS)
    register = f'[ejabberd_auth:try_register(U, <<"{domain}">>, <<"{PASSWORD}">>) || U <- [{users}]].'
    command = ["erl", "+S", "1", "+sbwt", "none", "-noinput", "-noshell", "-mnesia", "dir", f'"{folder}/mnesia"',
               "-s", "ejabberd", "-eval", register]
    env = {"EJABBERD_CONFIG_PATH": str(folder / "ejabberd.yml"), "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
           "ERL_LIBS": "/usr/lib/x86_64-linux-gnu", "HOME": str(folder), "ERL_INETRC": str(folder / "inetrc")}
    table = {(f"_xmpp-server._tcp.{name}", "SRV"): [f"0 0 {number} localhost."] for name, number in routes.items()}
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(NameServer(table))
        (folder / "inetrc").write_text(
            f'{{resolv_conf, ""}}.\n{{nameserver, {{127,0,0,1}}, {names.port}}}.\n{{lookup, [dns]}}.\n')
        stack.enter_context(process(command, folder, clients, env))
        wait_for_accounts(clients, domain)
        yield Foreign(domain, port, clients, folder)


def wait_for_accounts(port: int, domain: str) -> None:
    """It registers them after it listens."""
    for _ in range(PATIENCE * 5):
        client = Client(port, host=domain)
        client.open()
        answer = client.plain(USERS[-1], PASSWORD)
        client.close()
        if answer.tag.endswith("success"):
            return
        time.sleep(0.2)
    raise AssertionError(f"no accounts on {domain}")
