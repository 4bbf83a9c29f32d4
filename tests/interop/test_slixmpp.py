"""Two clients of a widely used library: subscribe to each other, chat, miss messages and get them later."""

import asyncio
from typing import Any

from support.server import Server
from support.slix import WAIT, Client, subscribe


async def befriended(server: Server) -> tuple[Client, Client]:
    romeo, juliet = Client("romeo", server), Client("juliet", server)
    await romeo.log_in()
    await juliet.log_in()
    await subscribe(romeo, juliet)
    await subscribe(juliet, romeo)
    return romeo, juliet


async def test_log_in_over_starttls_and_ask_the_server(server: Server) -> None:
    romeo = Client("romeo", server)
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
    await romeo.next("presence_unavailable", "juliet@localhost")
    await romeo.log_out()


async def test_receive_later_what_was_sent_meanwhile(server: Server) -> None:
    romeo, juliet = await befriended(server)
    await juliet.log_out()
    await romeo.next("presence_unavailable", "juliet@localhost")
    for number in range(5):
        romeo.send_message(mto="juliet@localhost", mbody=f"letter {number}", mtype="chat")
    await romeo.plugin["xep_0199"].ping("localhost", timeout=WAIT)  # the server has read them all
    again = Client("juliet", server)
    await again.log_in()
    letters = [await again.next("message") for _ in range(5)]
    assert [letter["body"] for letter in letters] == [f"letter {number}" for number in range(5)]
    assert all(letter["delay"]["stamp"] for letter in letters)
    await again.log_out()
    await romeo.log_out()


async def test_a_wrong_password_is_refused(server: Server) -> None:
    mallory = Client("romeo", server, "guess")
    refused: asyncio.Queue[Any] = asyncio.Queue()
    mallory.add_event_handler("failed_all_auth", refused.put_nowait)
    mallory.connect("127.0.0.1", server.starttls)
    await asyncio.wait_for(refused.get(), WAIT)
    assert not mallory.queues["session_start"].qsize()
    await mallory.disconnect()


async def test_sigterm_says_why(server: Server) -> None:
    romeo = Client("romeo", server)
    await romeo.log_in()
    assert await asyncio.to_thread(server.terminate) == 0
    assert (await romeo.next("stream_error"))["condition"] == "system-shutdown"
    romeo.abort()
