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


def chat(here: Place, there: Place, marks: "itertools.count[int]") -> None:
    """Each hears the other."""
    romeo, juliet = here.client("romeo"), there.client("juliet")
    for client in (romeo, juliet):
        client.send("<presence/>")
        client.sync()
    for speaker, listener, to in ((romeo, juliet, f"juliet@{THEIRS}"), (juliet, romeo, f"romeo@{OURS}")):
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
        chat(stack.enter_context(here()), they, marks)
