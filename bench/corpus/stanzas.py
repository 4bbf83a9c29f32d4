"""Corpora of stanzas as deployed clients and servers send them, generated: one seed, always the same bytes."""

import base64
import random
from collections.abc import Callable

SEED = 6120
HEADER = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          b"from='capulet.lit' id='++TR84Sm6A3hnt3Q065SnAbbk3Y=' version='1.0' xml:lang='en'>")
WORDS = (
    "the", "mill", "wheel", "turns", "because", "water", "falls", "and", "somebody", "led", "it", "here", "so",
    "wherefore", "art", "thou", "don't", "café", "naïve", "Überraschung", "да", "&lt;3", "&amp;", "ok", "see",
    "you", "tomorrow")
NAMES = ("juliet", "romeo", "benvolio", "mercutio", "nurse", "tybalt", "paris", "rosaline")
RESOURCES = ("balcony", "orchard", "Conversations.x3Fq", "gajim.7ZKQ3H1A", "dino.9f2c1b7e", "Monal-iOS.53a1")


class Writer:
    """Builds stanzas from one stream of chance."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def id(self) -> str:
        return f"{self.rng.getrandbits(128):032x}"

    def bare(self) -> str:
        return f"{self.rng.choice(NAMES)}@capulet.lit"

    def jid(self) -> str:
        return f"{self.bare()}/{self.rng.choice(RESOURCES)}"

    def words(self, low: int, high: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=self.rng.randint(low, high)))

    def base64(self, n: int) -> str:
        return base64.b64encode(self.rng.randbytes(n)).decode()

    def stamp(self) -> str:
        month, day = self.rng.randint(1, 12), self.rng.randint(1, 28)
        return f"2026-{month:02}-{day:02}T{self.rng.randint(0, 23):02}:17:{self.rng.randint(0, 59):02}Z"


def chat(w: Writer) -> str:
    head = f"<message from='{w.jid()}' to='{w.jid()}' type='chat' id='{w.id()}'>"
    if w.rng.random() < 0.2:
        return (f"{head}<composing xmlns='http://jabber.org/protocol/chatstates'/>"
                "<no-store xmlns='urn:xmpp:hints'/></message>")
    return (f"{head}<body>{w.words(2, 25)}</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
            "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
            f"<origin-id xmlns='urn:xmpp:sid:0' id='{w.id()}'/></message>")


def presence(w: Writer) -> str:
    if w.rng.random() < 0.2:
        return f"<presence from='{w.jid()}' to='{w.bare()}' type='unavailable'/>"
    show = f"<show>{w.rng.choice(('away', 'xa', 'dnd'))}</show>" if w.rng.random() < 0.4 else ""
    return (f"<presence from='{w.jid()}' to='{w.bare()}'>{show}<status>{w.words(0, 5)}</status><priority>5</priority>"
            f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='{w.base64(20)}'/>"
            f"<x xmlns='vcard-temp:x:update'><photo>{w.rng.getrandbits(160):040x}</photo></x></presence>")


def roster_item(w: Writer, number: int) -> str:
    return (f"<item jid='{w.bare()}' name='{w.rng.choice(NAMES)} {number}' subscription='both'>"
            "<group>Friends</group></item>")


def iq(w: Writer) -> str:
    kind = w.rng.random()
    head = f"from='{w.jid()}' to='{w.jid()}' id='{w.id()}'"
    if kind < 0.4:
        return f"<iq {head} type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
    if kind < 0.7:
        return f"<iq {head} type='result'/>"
    if kind < 0.85:
        items = "".join(roster_item(w, i) for i in range(w.rng.randint(3, 30)))
        version = w.rng.randint(1, 99)
        return f"<iq {head} type='result'><query xmlns='jabber:iq:roster' ver='ver{version}'>{items}</query></iq>"
    count = w.rng.randint(10, 40)
    features = "".join(f"<feature var='urn:xmpp:{w.rng.choice(WORDS[:12])}:{i}'/>" for i in range(count))
    return (f"<iq {head} type='result'><query xmlns='http://jabber.org/protocol/disco#info'>"
            f"<identity category='client' type='pc' name='Gajim'/>{features}</query></iq>")


def mam(w: Writer) -> str:
    inner = chat(w).replace("<message ", "<message xmlns='jabber:client' ", 1)
    query = w.rng.randint(1, 9)
    return (f"<message to='{w.jid()}' from='{w.bare()}'><result xmlns='urn:xmpp:mam:2' id='{w.id()}' queryid='{query}'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='{w.stamp()}'/>{inner}"
            "</forwarded></result></message>")


def omemo(w: Writer) -> str:
    keys = "".join(f"<key rid='{w.rng.getrandbits(31)}'>{w.base64(w.rng.choice((60, 170)))}</key>"
                   for _ in range(w.rng.randint(2, 8)))
    return (f"<message from='{w.jid()}' to='{w.bare()}' type='chat' id='{w.id()}'>"
            f"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='{w.rng.getrandbits(31)}'>{keys}"
            f"<iv>{w.base64(12)}</iv></header><payload>{w.base64(w.rng.randint(20, 300))}</payload></encrypted>"
            "<body>I sent you an OMEMO encrypted message but your client doesn’t seem to support that.</body>"
            "<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='eu.siacs.conversations.axolotl'/>"
            "<store xmlns='urn:xmpp:hints'/></message>")


def avatar(w: Writer) -> str:
    return (f"<iq from='{w.bare()}' to='{w.jid()}' type='result' id='{w.id()}'>"
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'>"
            f"<item id='{w.rng.getrandbits(160):040x}'><data xmlns='urn:xmpp:avatar:data'>"
            f"{w.base64(w.rng.randint(4_000, 40_000))}</data></item></items></pubsub></iq>")


def mixed(w: Writer) -> str:
    kinds: tuple[Callable[[Writer], str], ...] = (chat, presence, iq, mam, omemo, avatar)
    return w.rng.choices(kinds, (40, 33, 12, 8, 6, 0.4))[0](w)


CORPORA: dict[str, Callable[[Writer], str]] = {
    "chat": chat, "presence": presence, "iq": iq, "mam": mam, "omemo": omemo, "avatar": avatar,
    "mixed": mixed,
}


def stanzas(name: str, size: int = 1 << 20) -> list[bytes]:
    """Stanzas of a corpus, `size` bytes or a little more in all."""
    writer, found, total = Writer(SEED), [], 0
    while total < size:
        found.append(CORPORA[name](writer).encode())
        total += len(found[-1])
    return found
