"""A terminal client from Debian, driven by keys as a person would: profanity under tmux, talking to itself twice."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import USERS, Server
from support.slix import Client

WAIT = 60  # seconds for something to appear; only a failure gets there
FOREIGN = ("LD_PRELOAD", "ASAN_OPTIONS", "PYTHONMALLOC")  # the sanitizers' settings are not for other programs


class Terminal:
    """One program in a tmux of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.home = folder / name
        self.home.mkdir()
        self.socket = folder / f"{name}.tmux"
        env = {key: value for key, value in os.environ.items() if key not in FOREIGN}
        self.env = {**env, "HOME": str(self.home), "TERM": "xterm", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": "",
                    "XDG_DATA_HOME": "", "TMUX_TMPDIR": str(folder)}

    def tmux(self, *command: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *command], env=self.env, check=True,
                              capture_output=True, text=True, timeout=WAIT)
        return done.stdout

    def start(self, *command: str) -> None:
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", *command)

    def type(self, line: str) -> None:
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def see(self, text: str) -> None:
        """Waits until the screen shows it."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            screen = self.tmux("capture-pane", "-p")
            if text in screen:
                return
            time.sleep(0.1)
        raise AssertionError(f"never saw {text!r}:\n{screen}")

    def close(self) -> None:
        if self.socket.exists():
            subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], env=self.env, check=False)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[tuple[Terminal, Terminal]]:
    for program in ("tmux", "profanity"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    both = Terminal(tmp_path, "romeo"), Terminal(tmp_path, "juliet")
    yield both
    for terminal in both:
        terminal.close()


def log_in(terminal: Terminal, name: str, server: Server) -> None:
    terminal.start("profanity")
    terminal.see("Type '/help'")
    terminal.type(f"/connect {name}@localhost server 127.0.0.1 port {server.starttls} tls trust")
    terminal.see("password")
    terminal.type(USERS[f"{name}@localhost"])
    terminal.see("logged in successfully")


def test_two_people_chat(server: Server, terminals: tuple[Terminal, Terminal]) -> None:
    romeo, juliet = terminals
    log_in(romeo, "romeo", server)
    log_in(juliet, "juliet", server)
    romeo.type("/msg juliet@localhost But soft, what light?")
    juliet.see("romeo@localhost")
    juliet.type("/msg romeo@localhost Ay me!")
    romeo.see("Ay me!")
    juliet.see("But soft, what light?")


async def test_a_friend_with_another_client(server: Server, terminals: tuple[Terminal, Terminal]) -> None:
    """The friend's presence and messages show on the screen, and what is typed arrives."""
    _, juliet = terminals
    await asyncio.to_thread(log_in, juliet, "juliet", server)
    romeo = Client("romeo", server)
    await romeo.log_in()

    juliet.type("/sub request romeo@localhost")
    await romeo.next("presence_subscribe", "juliet@localhost")
    romeo.send_presence(pto="juliet@localhost", ptype="subscribed")
    await asyncio.to_thread(juliet.see, "++ romeo@localhost (slixmpp) is online")
    romeo.send_presence(pshow="away")
    await asyncio.to_thread(juliet.see, "++ romeo@localhost (slixmpp) is away")

    romeo.send_message(mto="juliet@localhost", mbody="She speaks: <oh>, speak again & again", mtype="chat")
    await asyncio.to_thread(juliet.see, "<< chat message: romeo@localhost/slixmpp")
    juliet.type("/msg romeo@localhost Wherefore art thou \"Romeo\"?")
    await asyncio.to_thread(juliet.see, "She speaks: <oh>, speak again & again")
    message = await romeo.next("message")
    while not message["body"]:
        message = await romeo.next("message")
    assert message["body"] == 'Wherefore art thou "Romeo"?'
    assert message["from"].bare == "juliet@localhost"
    await romeo.log_out()
