"""Links between servers that are cut, and servers that go and come again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.federated import Authority, Site, route, site
from support.ports import unused_port
from support.rawclient import NS, Client, body, condition
from support.relay import Relay, relay

A, B = "a.example", "b.example"


class Place(NamedTuple):
    a: Site
    b: Site
    line: Relay     # from a to b; there is no way from b to a but the streams that a opens
    romeo: Client
    juliet: Client


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    authority = Authority(tmp_path / "authority")
    a, b = unused_port(), unused_port()
    with (relay(b) as line, site(tmp_path / "a", A, a, authority, routes=route(B, line.port)) as here,
          site(tmp_path / "b", B, b, authority, routes=route(A, unused_port())) as there):
        romeo, juliet = here.client("romeo"), there.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        yield Place(here, there, line, romeo, juliet)


def say(client: Client, to: str, *numbers: int) -> None:
    for number in numbers:
        client.send(f"<message to='{to}' type='chat' id='{number}'><body>{number}</body></message>")


def heard(client: Client, last: int) -> list[int]:
    """Numbers, each once, up to the last, in the order in which they came first."""
    seen: dict[int, None] = {}
    while last not in seen:
        message = client.until(lambda e: e.tag == NS + "message")[-1]
        assert message.get("type") == "chat", client.raw
        seen[int(body(message) or "")] = None
    return list(seen)


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_cut_link_swallowed_comes_by_the_next(place: Place) -> None:
    say(place.romeo, f"juliet@{B}/r", *range(20))
    assert heard(place.juliet, 19) == list(range(20))
    for start in (20, 50):
        place.line.swallow = True
        before, links = place.line.swallowed, place.line.links
        say(place.romeo, f"juliet@{B}/r", *range(start, start + 15))
        wait(lambda before=before: place.line.swallowed > before)
        place.romeo.sync()
        place.line.swallow = False
        place.line.cut()
        say(place.romeo, f"juliet@{B}/r", *range(start + 15, start + 30))
        # Those before, too, if their acknowledgement had not come yet.
        assert [n for n in heard(place.juliet, start + 29) if n >= start] == list(range(start, start + 30))
        assert place.line.links == links + 1
    assert place.romeo.sync() == []


def test_both_ways_on_one_stream_lose_nothing(place: Place) -> None:
    """XEP-0288 with XEP-0198: what b has sent on a's stream waits until a opens another."""
    say(place.romeo, f"juliet@{B}/r", 0)
    assert heard(place.juliet, 0) == [0]
    place.romeo.send("<presence/>")
    place.romeo.sync()
    say(place.juliet, f"romeo@{A}/r", *range(10))
    assert heard(place.romeo, 9) == list(range(10))


def test_a_request_that_was_cut_off_is_answered(place: Place) -> None:
    assert place.romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B).get("type") == "result"
    place.line.swallow = True
    before = place.line.swallowed
    place.romeo.send(f"<iq type='get' id='lost' to='{B}'><ping xmlns='urn:xmpp:ping'/></iq>")
    wait(lambda: place.line.swallowed > before)
    place.romeo.sync()
    place.line.swallow = False
    place.line.cut()
    answer = place.romeo.until(lambda e: e.get("id") == "lost")[-1]
    assert condition(answer) == "remote-server-timeout"


def test_the_other_server_goes_and_comes_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    a, b = unused_port(), unused_port()
    pair = authority.issue(B, [B])
    with site(tmp_path / "a", A, a, authority, routes=route(B, b)) as here:
        romeo = here.client("romeo")
        with site(tmp_path / "b", B, b, authority, routes=route(A, a), pair=pair) as other:
            say(romeo, f"juliet@{B}", 0)
            romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B)
            assert other.server.terminate() == 0
        assert condition(romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B)) == "remote-server-timeout"
        with site(tmp_path / "b", B, b, authority, routes=route(A, a), pair=pair) as other:
            deadline = time.monotonic() + 30
            while romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B).get("type") != "result":
                assert time.monotonic() < deadline
                time.sleep(0.2)
            say(romeo, f"juliet@{B}", 1)
            romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B)
            juliet = other.client("juliet")
            juliet.send("<presence/>")
            assert heard(juliet, 1) == [0, 1]
