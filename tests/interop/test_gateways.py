"""A gateway to IRC: Debian's biboumi as a component, Debian's ngircd as the network (XEP-0100 as a server needs it)."""

import contextlib
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.component import SECRET, configuration
from support.foreign import process
from support.ports import unused_port
from support.rawclient import NS, PATIENCE, Client, body
from support.server import running

IRC, ROOM = "irc.localhost", "#garden%127.0.0.1@irc.localhost"
COMMAND = "{http://jabber.org/protocol/commands}command"
BIBOUMI = """hostname=irc.localhost
password={secret}
port={port}
xmpp_server_ip=127.0.0.1
db_name={folder}/biboumi.sqlite
log_file={folder}/biboumi.log
log_level=0
identd_port=0
"""
NGIRCD = """[Global]
Name = irc.test
Info = tests
Listen = 127.0.0.1
Ports = {port}
ServerGID = {group}
ServerUID = {user}
[Options]
DNS = no
Ident = no
PAM = no
[Limits]
MaxConnectionsIP = 0
"""


class Irc:
    """A user of the network."""

    def __init__(self, port: int, nick: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.lines = self.socket.makefile("r", encoding="utf-8", errors="replace")
        self.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        self.until(" 001 ")

    def say(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def until(self, part: str) -> str:
        for line in self.lines:
            if line.startswith("PING"):
                self.say(line.replace("PING", "PONG").strip())
            if part in line:
                return line.strip()
        raise AssertionError(f"the connection ended before {part!r}")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Irc, int]]:
    """romeo on our server, with the gateway beside it, and juliet on IRC."""
    folder = tmp_path_factory.mktemp("gateway")
    component, irc = unused_port(), unused_port()
    (folder / "ngircd.conf").write_text(NGIRCD.format(port=irc, group="nogroup", user="nobody"))
    (folder / "biboumi.cfg").write_text(BIBOUMI.format(secret=SECRET, port=component, folder=folder))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(folder, more=configuration(component, {IRC: ""})))
        stack.enter_context(process(["ngircd", "-n", "-f", str(folder / "ngircd.conf")], folder, irc, {}))
        stack.enter_context(beside(folder))
        romeo = server.client("romeo")
        romeo.send("<presence/>")
        for _ in range(300):    # until it has connected
            if romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=IRC).get("type") == "result":
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"the gateway has not connected: {(folder / 'output').read_text()}")
        juliet = Irc(irc, "juliet")
        stack.callback(juliet.socket.close)
        yield romeo, juliet, irc


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[None]:
    with (folder / "output").open("ab") as output:
        started = subprocess.Popen(["biboumi", str(folder / "biboumi.cfg")], stdout=output, stderr=output)
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)


def configure(romeo: Client, port: int) -> None:
    """Which port the network is on: by the gateway's ad-hoc command (XEP-0050)."""
    to = f"127.0.0.1@{IRC}"
    command = "<command xmlns='http://jabber.org/protocol/commands' node='configure' action='{}'{}>{}</command>"
    form = romeo.ask("set", command.format("execute", "", ""), to=to).find(COMMAND)
    assert form is not None, romeo.raw
    fields = "".join(f"<field var='{var}'><value>{value}</value></field>"
                     for var, value in (("ports", port), ("tls_ports", "")))
    done = romeo.ask("set", command.format("complete", f" sessionid='{form.get('sessionid')}'",
                                           f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"), to=to).find(COMMAND)
    assert done is not None
    assert done.get("status") == "completed"


def message(client: Client, sender: str) -> ET.Element:
    return client.until(lambda e: e.tag == NS + "message" and e.get("from") == sender and body(e) is not None)[-1]


def test_a_channel_and_private_messages(network: tuple[Client, Irc, int]) -> None:
    romeo, juliet, port = network
    configure(romeo, port)
    juliet.say("JOIN #garden")
    juliet.until(" 366 ")
    romeo.send(f"<presence to='{ROOM}/romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"{ROOM}/romeo" and e.get("type") is None)
    assert " JOIN " in juliet.until("romeo")
    juliet.say("PRIVMSG #garden :Wherefore art thou?")
    heard = message(romeo, f"{ROOM}/juliet")
    assert (heard.get("type"), body(heard)) == ("groupchat", "Wherefore art thou?")
    romeo.send(f"<message to='{ROOM}' type='groupchat'><body>Here &amp; now</body></message>")
    assert juliet.until("PRIVMSG #garden").endswith(":Here & now")
    juliet.say("PRIVMSG romeo :in private")
    heard = romeo.until(lambda e: e.tag == NS + "message" and body(e) == "in private")[-1]
    assert heard.get("type") == "chat"
    romeo.send(f"<message to='{heard.get('from')}' type='chat'><body>likewise</body></message>")
    assert juliet.until("PRIVMSG juliet").endswith(":likewise")
    romeo.send(f"<presence to='{ROOM}/romeo' type='unavailable'/>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.get("type") == "unavailable")
    juliet.until("romeo")


def test_the_gateway_is_found(network: tuple[Client, Irc, int]) -> None:
    romeo, _, _ = network
    items = romeo.ask("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to="localhost")
    assert [item.get("jid") for item in items[0]] == [IRC]
    info = romeo.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=IRC)
    assert info.find("*/{http://jabber.org/protocol/disco#info}identity") is not None
