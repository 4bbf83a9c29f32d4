"""Two clients of a widely used library: subscribe to each other, chat, miss messages and get them later."""

import asyncio
import signal
from typing import Any

from slixmpp import ClientXMPP

from support.serving import Server

WAIT = 30  # seconds for one step; only a failure gets there


class Client(ClientXMPP):
    """Keeps what comes in, in queues."""

    def __init__(self, name: str, password: str, server: Server) -> None:
        super().__init__(f"{name}@localhost/slixmpp", password)
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0203")
        self.register_plugin("xep_0092")
        self.running = server
        self.ca_certs = str(server.certificate)
        self.auto_authorize = None
        self.queues: dict[str, asyncio.Queue[Any]] = {}
        for event in ("message", "presence_subscribe", "presence_subscribed", "presence_available",
                      "presence_unavailable", "session_start", "disconnected", "stream_error"):
            self.queues[event] = asyncio.Queue()
            self.add_event_handler(event, self.queues[event].put_nowait)

    async def next(self, event: str) -> Any:
        return await asyncio.wait_for(self.queues[event].get(), WAIT)

    async def next_from(self, event: str, bare: str) -> Any:
        """The next one that this account sent: one's own presence comes back too."""
        while (stanza := await self.next(event))["from"].bare != bare:
            pass
        return stanza

    async def log_in(self) -> None:
        self.connect("127.0.0.1", self.running.port)
        await self.next("session_start")
        await asyncio.wait_for(self.get_roster(), WAIT)
        self.send_presence()

    async def log_out(self) -> None:
        self.disconnect()
        await self.next("disconnected")


async def subscribe(one: Client, other: Client) -> None:
    one.send_presence_subscription(pto=other.boundjid.bare, ptype="subscribe")
    await other.next_from("presence_subscribe", one.boundjid.bare)
    other.send_presence_subscription(pto=one.boundjid.bare, ptype="subscribed")
    await one.next_from("presence_subscribed", other.boundjid.bare)
    await one.next_from("presence_available", other.boundjid.bare)


async def befriended(server: Server) -> tuple[Client, Client]:
    romeo, juliet = Client("romeo", "wherefore", server), Client("juliet", "balcony", server)
    await romeo.log_in()
    await juliet.log_in()
    await subscribe(romeo, juliet)
    await subscribe(juliet, romeo)
    return romeo, juliet


async def test_log_in_over_starttls_and_ask_the_server(server: Server) -> None:
    romeo = Client("romeo", "wherefore", server)
    await romeo.log_in()
    assert romeo.transport.get_extra_info("ssl_object").version() in ("TLSv1.2", "TLSv1.3")
    assert "mechanisms" in romeo.features
    assert await romeo.plugin["xep_0199"].ping("localhost", timeout=WAIT) < WAIT
    version = await romeo.plugin["xep_0092"].get_version("localhost", timeout=WAIT)
    assert version["software_version"]["name"] == "Headrace"
    await romeo.log_out()


async def test_subscribe_and_chat(server: Server) -> None:
    romeo, juliet = await befriended(server)
    await asyncio.wait_for(romeo.get_roster(), WAIT)
    assert romeo.client_roster[juliet.boundjid.bare]["subscription"] == "both"
    for number in range(20):
        romeo.send_message(mto=juliet.boundjid.full, mbody=f"What's {number} & <more>?", mtype="chat")
    for number in range(20):
        message = await juliet.next("message")
        assert message["from"] == romeo.boundjid
        assert message["body"] == f"What's {number} & <more>?"
    await juliet.log_out()
    await romeo.next_from("presence_unavailable", "juliet@localhost")
    await romeo.log_out()


async def test_receive_later_what_was_sent_meanwhile(server: Server) -> None:
    romeo, juliet = await befriended(server)
    await juliet.log_out()
    await romeo.next_from("presence_unavailable", "juliet@localhost")
    for number in range(5):
        romeo.send_message(mto="juliet@localhost", mbody=f"letter {number}", mtype="chat")
    await romeo.plugin["xep_0199"].ping("localhost", timeout=WAIT)  # the server has read them all
    again = Client("juliet", "balcony", server)
    await again.log_in()
    letters = [await again.next("message") for _ in range(5)]
    assert [letter["body"] for letter in letters] == [f"letter {number}" for number in range(5)]
    assert all(letter["delay"]["stamp"] for letter in letters)
    await again.log_out()
    await romeo.log_out()


async def test_a_wrong_password_is_refused(server: Server) -> None:
    mallory = Client("romeo", "guess", server)
    refused: asyncio.Queue[Any] = asyncio.Queue()
    mallory.add_event_handler("failed_all_auth", refused.put_nowait)
    mallory.connect("127.0.0.1", server.port)
    await asyncio.wait_for(refused.get(), WAIT)
    assert not mallory.queues["session_start"].qsize()
    await mallory.disconnect()


async def test_sigterm_says_why(server: Server) -> None:
    romeo = Client("romeo", "wherefore", server)
    await romeo.log_in()
    server.process.send_signal(signal.SIGTERM)
    error = await romeo.next("stream_error")
    assert error["condition"] == "system-shutdown"
    assert await asyncio.to_thread(server.process.wait, WAIT) == 0
    romeo.abort()
