"""Stream management as slixmpp's plugin speaks it: acknowledged, and resumed after the connection is cut."""

import asyncio
import xml.etree.ElementTree as ET
from typing import Any

from support.server import Server
from support.slix import WAIT, Client


class Managed(Client):
    def __init__(self, name: str, server: Server) -> None:
        super().__init__(name, server)
        self.register_plugin("xep_0198")
        self.sm = self.plugin["xep_0198"]
        self.keep("sm_enabled", "session_resumed", "stanza_acked", "sm_failed")

    async def log_in(self) -> None:
        await super().log_in()
        await self.next("sm_enabled")

    def cut(self) -> None:
        """The connection is lost, without a word."""
        self.transport.abort()

    async def come_back(self) -> None:
        await self.next("disconnected")
        self.connect("127.0.0.1", self.running.starttls)
        await self.next("session_resumed")


async def acknowledged(client: Managed, body: str) -> None:
    """Until the server has taken that message over."""
    while (stanza := await client.next("stanza_acked")).name != "message" or stanza["body"] != body:
        pass


def say(client: Client, to: Client, *bodies: str) -> None:
    for body in bodies:
        client.send_message(to.boundjid.bare, body)


async def heard(client: Client, count: int) -> list[str]:
    return [str((await client.next("message"))["body"]) for _ in range(count)]


async def test_acknowledged(server: Server) -> None:
    romeo, juliet = Managed("romeo", server), Managed("juliet", server)
    await romeo.log_in()
    await juliet.log_in()
    say(romeo, juliet, "one", "two")
    assert await heard(juliet, 2) == ["one", "two"]
    romeo.sm.request_ack()
    await acknowledged(romeo, "two")
    assert not romeo.sm.unacked_queue
    for client in (romeo, juliet):
        await client.log_out()


async def test_resumed_after_a_cut(server: Server) -> None:
    romeo, juliet = Managed("romeo", server), Managed("juliet", server)
    await romeo.log_in()
    await juliet.log_in()
    jid, id = juliet.boundjid.full, juliet.sm.sm_id
    for turn in range(3):
        say(romeo, juliet, f"{turn} before")
        assert await heard(juliet, 1) == [f"{turn} before"]
        say(juliet, romeo, f"{turn} from her")      # may be lost with the connection
        juliet.cut()
        say(romeo, juliet, f"{turn} meanwhile")
        await juliet.come_back()
        say(romeo, juliet, f"{turn} after")
        assert await heard(juliet, 2) == [f"{turn} meanwhile", f"{turn} after"]
        assert await heard(romeo, 1) == [f"{turn} from her"]
        assert (juliet.boundjid.full, juliet.sm.sm_id) == (jid, id)
    assert juliet.queues["session_start"].empty()       # no new session, no roster, no presence
    say(juliet, romeo, "last")
    assert await heard(romeo, 1) == ["last"]
    juliet.sm.request_ack()
    await acknowledged(juliet, "last")
    for client in (romeo, juliet):
        await client.log_out()


async def test_what_a_lost_phone_alone_had_is_for_the_next_login(server: Server) -> None:
    """It is in no archive (XEP-0334), and a desk that has read a later one is gone, too."""
    romeo, phone, desk = Managed("romeo", server), Managed("juliet", server), Client("juliet", server)
    desk.requested_jid.resource = "desk"
    for client in (romeo, phone, desk):
        await client.log_in()
    phone.cut()
    await phone.next("disconnected")
    for client, body in ((phone, "for the phone"), (desk, "for the desk")):
        message = romeo.make_message(client.boundjid.full, body, mtype="chat")
        message.xml.append(ET.Element("{urn:xmpp:hints}no-permanent-store"))
        message.send()
    assert await heard(desk, 1) == ["for the desk"]
    romeo.sm.request_ack()
    await acknowledged(romeo, "for the desk")
    await desk.log_out()
    server.command("session", "end", phone.boundjid.full)
    desk.connect("127.0.0.1", server.starttls)
    await desk.next("session_start")
    desk.send_presence()
    assert await heard(desk, 1) == ["for the phone"]
    say(romeo, desk, "last")
    assert await heard(desk, 1) == ["last"]
    for client in (romeo, desk):
        await client.log_out()


async def test_a_session_that_is_gone_is_not_resumed(server: Server) -> None:
    juliet = Managed("juliet", server)
    await juliet.log_in()
    juliet.cut()
    await juliet.next("disconnected")
    server.command("user", "disable", "juliet@localhost")
    server.command("user", "enable", "juliet@localhost")
    juliet.connect("127.0.0.1", server.starttls)
    failed: Any = await juliet.next("sm_failed")
    assert failed.xml[0].tag.endswith("}item-not-found")
    await juliet.next("session_start")
    await asyncio.wait_for(juliet.get_roster(), WAIT)
    await juliet.log_out()
