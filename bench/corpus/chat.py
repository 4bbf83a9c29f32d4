"""Stanzas as clients send them, always the same."""

import random

WORDS = ("the", "mill", "wheel", "turns", "because", "water", "falls", "and", "somebody", "led", "it", "here", "so")
SEED = 6120
ACTIVE = b"<active xmlns='http://jabber.org/protocol/chatstates'/>"


def message(size: int, to: str = "juliet@example.org/balcony", number: int = 0, extra: bytes = ACTIVE) -> bytes:
    """A chat message of exactly `size` bytes (200 at least), with a body and what else clients put there."""
    rng = random.Random(SEED + number)
    head = (f"<message to='{to}' type='chat' id='{rng.getrandbits(64):016x}'><body>").encode()
    tail = b"</body>" + extra + b"</message>"
    room = size - len(head) - len(tail)
    text = " ".join(rng.choices(WORDS, k=room // 2))[:room]
    return head + text.encode() + tail


def messages(count: int, size: int = 300) -> bytes:
    """Different messages, one after the other."""
    return b"".join(message(size, number=i) for i in range(count))


PRESENCE = (
    b"<presence><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
    b"node='https://example.org/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>"
)
ROSTER = b"<iq type='get' id='roster1'><query xmlns='jabber:iq:roster' ver='12'/></iq>"
