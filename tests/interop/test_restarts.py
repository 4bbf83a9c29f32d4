"""Servers that go and come again, ours and those of others: chat goes on, both ways."""

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.federated import CLIENT, SERVER, Authority, Site, route, site
from support.foreign import Foreign, ejabberd, prosody
from support.ports import unused_port
from support.rawclient import NS, body

OURS, THEIRS = "a.example", "b.example"
Place = Site | Foreign


def chat(here: Place, there: Place, marks: "itertools.count[int]", *, they_begin: bool = False) -> None:
    """Each hears the other."""
    romeo, juliet = here.client("romeo"), there.client("juliet")
    for client in (romeo, juliet):
        client.send("<presence/>")
        client.sync()
    turns = [(romeo, juliet, f"juliet@{THEIRS}"), (juliet, romeo, f"romeo@{OURS}")]
    for speaker, listener, to in reversed(turns) if they_begin else turns:
        text = str(next(marks))
        speaker.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
        listener.until(lambda e, text=text: e.tag == NS + "message" and body(e) == text)    # type: ignore[misc]
    romeo.close()
    juliet.close()


@pytest.mark.parametrize("kind", [prosody, ejabberd], ids=["prosody", "ejabberd"])
def test_either_side_goes_and_comes_again(kind: Callable[..., Any], tmp_path: Path) -> None:
    authority, marks = Authority(tmp_path / "authority"), itertools.count()
    ours, theirs = unused_port(), unused_port()
    # Debian's ejabberd asks who connects for clientAuth.
    pair = authority.issue(OURS, [OURS], purposes=(SERVER, CLIENT) if kind is ejabberd else (SERVER,))

    def here() -> Any:
        return site(tmp_path / "ours", OURS, ours, authority, pair=pair, routes=route(THEIRS, theirs))

    def there() -> Any:
        return kind(tmp_path / "theirs", THEIRS, theirs, authority, routes={OURS: ours})

    with contextlib.ExitStack() as stack:
        with here() as we:
            with there() as they:
                chat(we, they, marks)
            they = stack.enter_context(there())
            chat(we, they, marks)
            we.server.kill()
        chat(stack.enter_context(here()), they, marks, they_begin=True)


EARLY = """
local st = require "util.stanza";
module:hook("s2sin-established", function()
    module:send(st.message({{ from = "juliet@{theirs}/r", to = "romeo@{ours}/r", type = "chat" }}, "early"));
end);
"""


def test_what_prosody_sends_before_its_stream_begins_anew(tmp_path: Path) -> None:
    """Debian's 0.12 takes a stream that we have asked to use both ways (XEP-0288) for ready as soon as it has said
    <success/>, and does not count (XEP-0198) what it sends there: what we do not take is lost.

    So it was when we came again with something in the spool, and their user spoke in that moment."""
    authority, ours, theirs = Authority(tmp_path / "authority"), unused_port(), unused_port()
    plugins = tmp_path / "theirs" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mod_early.lua").write_text(EARLY.format(ours=OURS, theirs=THEIRS))
    with (site(tmp_path / "ours", OURS, ours, authority, routes=route(THEIRS, theirs)) as we,
          prosody(tmp_path / "theirs", THEIRS, theirs, authority, routes={OURS: ours},
                  modules='"dialback", "s2s_bidi", "smacks", "early"')):
        romeo = we.client("romeo")
        romeo.send(f"<message to='juliet@{THEIRS}' type='chat'><body>first</body></message>")
        assert body(romeo.until(lambda e: e.tag == NS + "message")[-1]) == "early"
        assert romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=THEIRS).get("type") == "result"
        assert [entry["event"] for entry in we.server.log if "s2s" in entry["event"]] == ["s2s stream opened"]
