"""What is kept for who is away: in order, stamped, once (XEP-0160, XEP-0203)."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from support.people import World
from support.rawclient import NS, bodies, body

DELAY = "{urn:xmpp:delay}delay"
CHAT = "<message to='{to}' type='chat' id='m{n}'><body>{n}</body></message>"


def letters(stanzas: list[ET.Element]) -> list[ET.Element]:
    return [stanza for stanza in stanzas if stanza.tag == NS + "message"]


def test_in_order_with_the_time_of_sending(world: World) -> None:
    account, sender = world.account(), world.online()
    before = datetime.now(UTC) - timedelta(seconds=2)
    sender.send(*(CHAT.format(to=account, n=n) for n in range(200)))
    assert sender.sync() == []
    kept = letters(world.arrive(account))
    assert bodies(kept) == [str(n) for n in range(200)]
    for letter in kept:
        assert (letter.get("from"), letter.get("type")) == (sender.jid, "chat")
        assert letter.get("to", "").partition("/")[0] == account
        [delay] = letter.findall(DELAY)
        stamp = datetime.fromisoformat(delay.get("stamp", ""))
        assert before <= stamp <= datetime.now(UTC) + timedelta(seconds=2)
        assert delay.get("from") == "localhost"
    assert [letter.get("id") for letter in kept] == [f"m{n}" for n in range(200)]


def test_once(world: World) -> None:
    account, sender = world.account(), world.online()
    sender.send(CHAT.format(to=account, n=1))
    sender.sync()
    assert bodies(world.arrive(account)) == ["1"]
    assert bodies(world.arrive(account)) == []


def test_only_the_first_who_wants_messages_gets_them(world: World) -> None:
    account, sender = world.account(), world.online()
    sender.send(CHAT.format(to=account, n=1))
    sender.sync()
    shy = world.online(account, priority=-1)
    assert bodies(shy.sync()) == []
    silent = world.connected(account)
    assert silent.sync() == []
    assert bodies(world.arrive(account)) == ["1"]
    assert bodies(shy.sync()) == []
    shy.send("<presence><priority>0</priority></presence>")
    assert bodies(shy.sync()) == []


def test_who_has_asked_its_archive_gets_nothing_twice(world: World) -> None:
    """XEP-0313 5.1.1: before its first presence; what comes from then on it gets."""
    account, sender = world.account(), world.online()
    sender.send(*(CHAT.format(to=account, n=n) for n in range(3)))
    sender.sync()
    reader = world.connected(account)
    reader.send("<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2'/></iq>")
    *results, _ = reader.until(lambda e: e.get("id") == "mam")
    assert [result.findtext(f".//{NS}body") for result in results] == list("012")
    reader.send("<presence/>")
    reader.sync()
    sender.send(CHAT.format(to=account, n="new"))
    assert bodies(reader.until(lambda e: e.get("id") == "mnew")) == ["new"]


def test_the_same_id_again_is_another_message(world: World) -> None:
    """Whoever says it twice is heard twice (protocol.md 4): who is here, who is away, and the archive."""
    account, sender, reader = world.account(), world.online(), world.online()
    for to in (account, reader.bare):
        sender.send(f"<message to='{to}' type='chat' id='m'><body>x</body>"
                    "<origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>" * 3)
    sender.sync()
    for letters_of in (letters(reader.sync()), letters(world.arrive(account))):
        assert [(e.get("id"), e.find("{urn:xmpp:sid:0}origin-id").get("id")) for e in letters_of] == [("m", "o")] * 3
        assert len({e.find("{urn:xmpp:sid:0}stanza-id").get("id") for e in letters_of}) == 3


def test_becoming_willing_brings_them(world: World) -> None:
    """A resource that raises its priority to zero is the first that can take them."""
    account, sender = world.account(), world.online()
    shy = world.online(account, priority=-1)
    sender.send(CHAT.format(to=account, n=1))
    assert sender.sync() == []
    shy.send("<presence/>")
    assert body(shy.until(lambda e: e.tag == NS + "message")[-1]) == "1"


def test_bytes_are_kept(world: World) -> None:
    account, sender = world.account(), world.online()
    content = ("<subject xml:lang='de'>\u00dcber</subject><body>a &lt; b &amp;&amp; c</body><body xml:lang='fr'>"
               "<![CDATA[<d>]]></body><x xmlns='urn:x' a='&#10;&quot;'><y/>tail</x><thread>t</thread>")
    sender.send(f"<message to='{account}' type='chat' xml:lang='en' id='q'>{content}</message>")
    sender.sync()
    [kept] = letters(world.arrive(account))
    for added in (*kept.findall(DELAY), *kept.findall("{urn:xmpp:sid:0}stanza-id")):
        kept.remove(added)
    expected = ET.fromstring(f"<message xmlns='jabber:client'>{content}</message>")
    assert [ET.tostring(child) for child in kept] == [ET.tostring(child) for child in expected]
    assert kept.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"


@pytest.mark.parametrize("message", [
    "<message to='{to}' type='headline'><body>x</body></message>",
    "<message to='{to}' type='groupchat'><body>x</body></message>",
    "<message to='{to}' type='error'><body>x</body></message>",
    "<message to='{to}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<message to='{to}' type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>",
])
def test_what_is_not_kept(world: World, message: str) -> None:
    """XEP-0160 3, XEP-0334; a hint to store is another matter."""
    account, sender = world.account(), world.online()
    sender.send(message.format(to=account))
    sender.sync()
    assert letters(world.arrive(account)) == []


@pytest.mark.parametrize("message", [
    "<message to='{to}'><body>x</body></message>",
    "<message to='{to}' type='normal'><subject>only</subject><body/></message>",
    "<message to='{to}' type='chat'><body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<message to='{to}' type='chat'><store xmlns='urn:xmpp:hints'/><received xmlns='urn:xmpp:receipts'/></message>",
])
def test_what_is_kept(world: World, message: str) -> None:
    account, sender = world.account(), world.online()
    sender.send(message.format(to=account))
    sender.sync()
    assert len(letters(world.arrive(account))) == 1


def test_a_crash_between(world: World) -> None:
    """The reader's connection dies while they come: none is lost that was not written, no order changes."""
    account, sender = world.account(), world.online()
    count = 300
    sender.send(*(f"<message to='{account}' type='chat'><body>{n} {'x' * 3000}</body></message>"
                  for n in range(count)))
    sender.sync()
    reader = world.connected(account)
    reader.send("<presence/>")
    reader.reset()
    kept = [int(str(text).split()[0]) for text in bodies(world.arrive(account))]
    assert kept == list(range(count - len(kept), count))


def test_live_letters_come_behind_kept_ones(world: World) -> None:
    """RFC 6120 10.1: one sender's stanzas to one recipient are delivered in the order sent."""
    account, sender = world.account(), world.online()
    sender.send(*(CHAT.format(to=account, n=n) for n in range(500)))
    sender.sync()
    reader = world.connected(account)
    reader.send("<presence/>")
    assert reader.next().tag == NS + "presence"     # its own: it counts as available now
    sender.send(*(CHAT.format(to=account, n=n) for n in range(500, 510)))
    sender.sync()
    got = bodies(reader.until(lambda e: body(e) == "499"))
    got += bodies(reader.until(lambda e: body(e) == "509")) if "509" not in got else []
    assert got == [str(n) for n in range(510)]


def test_sender_and_reader_at_once(world: World) -> None:
    """Letters sent while the reader comes and goes arrive once and in order, kept or live."""
    account, sender = world.account(), world.online()
    got: list[str | None] = []
    for turn in range(20):
        first = turn * 20
        sender.send(*(CHAT.format(to=account, n=n) for n in range(first, first + 10)))
        reader = world.connected(account)
        reader.send("<presence/>")
        sender.send(*(CHAT.format(to=account, n=n) for n in range(first + 10, first + 20)))
        while len(got) < first + 20:
            got += bodies([reader.next()])
        reader.log_out()
    assert got == [str(n) for n in range(400)]
