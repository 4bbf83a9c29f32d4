"""Modules of one handler: ping, session, version, time."""

import platform

from headrace.modules.api import Module, Reply
from headrace.modules.ping import Ping
from headrace.modules.session import Session
from headrace.modules.time import Time
from headrace.modules.version import Version, installed
from support.stanzas import shape, tree
from support.world import World, effects, request


def asked(name: str, namespace: str, to: str = "example.org"):  # type: ignore[no-untyped-def]
    return request(f"<iq type='get' id='1'><{name} xmlns='{namespace}'/></iq>", "romeo@example.org/o", to)


async def payload(world: World, kind: type[Module], name: str, namespace: str, **options: bool) -> bytes:
    module = world.module(kind, **options)
    [reply] = await effects(getattr(module, kind.name)(asked(name, namespace)))
    assert isinstance(reply, Reply)
    return reply.payload


async def test_ping(world: World) -> None:
    assert await payload(world, Ping, "ping", "urn:xmpp:ping") == b""


async def test_session(world: World) -> None:
    assert await payload(world, Session, "session", "urn:ietf:params:xml:ns:xmpp-session") == b""


async def test_version(world: World) -> None:
    expected = f"<name>Headrace</name><version>{installed()}</version>"
    query = "<query xmlns='jabber:iq:version'>%s</query>"
    assert shape(tree(await payload(world, Version, "query", "jabber:iq:version"))) == shape(tree(query % expected))
    assert installed()
    with_os = f"{expected}<os>{platform.system()}</os>"
    assert shape(tree(await payload(world, Version, "query", "jabber:iq:version", os=True))) == shape(
        tree(query % with_os))


async def test_time(world: World) -> None:
    world.clock.time = 1_166_550_635.25
    assert shape(tree(await payload(world, Time, "time", "urn:xmpp:time"))) == shape(tree(
        "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2006-12-19T17:50:35.250Z</utc></time>"))
