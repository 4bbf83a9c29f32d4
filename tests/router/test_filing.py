"""Messages that must be kept are queued before anybody gets them; what their receivers see of that."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from headrace.router.account import ArchiveMode
from headrace.router.archive import Archive
from headrace.router.group import MessageFlag as M
from headrace.router.session import Session, SessionFlag
from headrace.storage.connection import Connection
from headrace.storage.migrate import steps
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter
from support.routing import World, condition

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
BODY = "<body>hi</body>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
BOTH = M.M_ARCHIVE_A | M.M_ARCHIVE_B | M.M_GIVEN
SID = "{urn:xmpp:sid:0}stanza-id"


class Verona(World):
    """Two who chat, on a router with an archive, whose clock stands still."""

    def __init__(self, database: Connection) -> None:
        super().__init__()
        self.time = 0.0
        self.archive = self.rig.router.archive = Archive(bytes(16), clock=lambda: self.time)
        self._database = database
        self._writer = GroupWriter(database)
        self.romeo = self.client(f"{ROMEO}/a", presence="0")
        self.juliet = self.client(f"{JULIET}/b", presence="0")

    def say(self, inside: str, to: str = f"{JULIET}/b", type: str = "chat") -> list[Element]:
        """What Juliet gets of it."""
        self.send(self.romeo, f"<message to='{to}' type='{type}' id='1'>{inside}</message>")
        return self.got(self.juliet)

    def spooled(self) -> list[int]:
        return [int(id) for id, in self._database.execute("SELECT id FROM spool ORDER BY id")]

    def commit(self) -> list[tuple[int, str, str, M, bytes]]:
        """What waits: number, sender, recipient, flags, stanza of each message."""
        group = self.archive.take()
        if group is None:
            return []
        self._writer.write(group)
        self.archive.committed()
        rows = self._database.execute(
            "SELECT message.id, x.jid, y.jid, flags, stanza FROM message JOIN address x ON x.id = a"
            " JOIN address y ON y.id = b ORDER BY message.id")
        self._database.execute("DELETE FROM message")
        return [(int(id), str(a), str(b), M(int(flags)), bytes(stanza)) for id, a, b, flags, stanza in rows]


@pytest.fixture
def verona(tmp_path: Path) -> Iterator[Verona]:
    database = Connection(tmp_path / "test.db", patience=1.0)
    migrate(database, steps("sqlite"))
    yield Verona(database)
    database.close()


@pytest.mark.parametrize("to", [f"{JULIET}/b", JULIET, "Juliet@LOCALHOST/b"])
def test_both_archives_share_one_row_and_the_reader_sees_her_id(verona: Verona, to: str) -> None:
    for _ in range(2):      # the second time the address is known
        message, = verona.say(BODY, to)
        (number, a, b, flags, stanza), = verona.commit()
        assert (a, b, flags) == (ROMEO, JULIET, BOTH)
        assert stanza == f"<message from='{ROMEO}/a' to='{to.lower()}' id='1' type='chat'>{BODY}</message>".encode()
        shown, = message.findall(SID)
        assert shown.attrib == {"by": JULIET, "id": verona.archive.id_of(number, JULIET.encode())}


@pytest.mark.parametrize(("inside", "type"), [
    (STATE, "chat"), (f"{BODY}<no-store xmlns='urn:xmpp:hints'/>", "chat"), (BODY, "headline"), (BODY, "groupchat"),
    (f"{BODY}<error type='cancel'/>", "error")])
def test_what_need_not_be_kept_is_in_no_archive(verona: Verona, inside: str, type: str) -> None:
    message, = verona.say(inside, type=type)
    assert message.find(SID) is None
    assert verona.commit() == []


def test_a_spoofed_id_is_gone_though_nothing_is_archived(verona: Verona) -> None:
    message, = verona.say(f"{STATE}<stanza-id xmlns='urn:xmpp:sid:0' by='{JULIET}' id='1'/>")
    assert message.find(SID) is None


def test_not_for_long(verona: Verona) -> None:
    """XEP-0334 <no-permanent-store/>: until she has it, and in nobody's archive."""
    managed(verona.juliet)
    message, *_ = verona.say(f"{BODY}<no-permanent-store xmlns='urn:xmpp:hints'/>")
    assert message.find(SID) is None
    (_, _, _, flags, _), = verona.commit()
    assert flags == M.M_OFFLINE


@pytest.mark.parametrize("acknowledges", [True, False])
def test_what_she_has_before_the_commit_is_not_kept_for_her(verona: Verona, acknowledges: bool) -> None:
    """Nobody waits for the storage then; what it does not know yet was acknowledged, or written to the socket."""
    romeo = managed(verona.romeo)
    verona.rig.router.set_archive(JULIET, ArchiveMode.A_NEVER)
    verona.rig.router.set_archive(ROMEO, ArchiveMode.A_NEVER)
    if acknowledges:
        managed(verona.juliet)
    for _ in range(3):
        verona.say(BODY)
    if acknowledges:
        assert romeo.h == 0
        verona.send(verona.juliet, "<a xmlns='urn:xmpp:sm:3' h='2'/>")
    kept = verona.commit()
    assert [id > verona.rig.router.reached(JULIET) > 0 for id, *_ in kept] == ([True] if acknowledges else [])
    assert romeo.h >= 3


@pytest.mark.parametrize(("his", "hers", "kept"), [
    (ArchiveMode.A_ALWAYS, ArchiveMode.A_NEVER, M.M_ARCHIVE_A | M.M_OFFLINE),
    (ArchiveMode.A_NEVER, ArchiveMode.A_ALWAYS, M.M_ARCHIVE_B | M.M_GIVEN),
    (ArchiveMode.A_NEVER, ArchiveMode.A_NEVER, M.M_OFFLINE)])
def test_preferences(verona: Verona, his: ArchiveMode, hers: ArchiveMode, kept: M) -> None:
    verona.rig.router.set_archive(ROMEO, his)
    verona.rig.router.set_archive(JULIET, hers)
    managed(verona.juliet)
    message, *_ = verona.say(BODY)
    (_, _, _, flags, _), = verona.commit()
    assert flags == kept
    assert (message.find(SID) is not None) == bool(kept & M.M_ARCHIVE_B)


def test_to_oneself(verona: Verona) -> None:
    verona.send(verona.romeo, f"<message to='{ROMEO}' type='chat' id='1'>{BODY}</message>")
    message, = verona.got(verona.romeo)
    (number, a, b, flags, _), = verona.commit()
    assert (a, b, flags) == (ROMEO, ROMEO, BOTH)
    assert message.find(SID).get("id") == verona.archive.id_of(number, ROMEO.encode())


@pytest.mark.parametrize(("mode", "inside", "flags"), [
    (ArchiveMode.A_ALWAYS, BODY, M.M_ARCHIVE_A), (ArchiveMode.A_NEVER, BODY, M(0)),
    (ArchiveMode.A_ALWAYS, f"{BODY}<no-permanent-store xmlns='urn:xmpp:hints'/>", M(0))])
def test_what_goes_elsewhere_is_in_the_spool_and_perhaps_in_its_sender_s_archive(
        verona: Verona, mode: ArchiveMode, inside: str, flags: M) -> None:
    verona.rig.router.set_archive(ROMEO, mode)
    verona.notes.punted.clear()
    verona.send(verona.romeo, f"<message to='friar@elsewhere/cell' type='chat' id='1'>{inside}</message>")
    (number, a, b, found, stanza), = verona.commit()
    assert (a, b, found) == (ROMEO, "friar@elsewhere", flags)
    assert (verona.spooled(), verona.notes.number) == ([number], number)
    (_, punted, _), = verona.notes.punted
    assert punted.raw == stanza


@pytest.mark.parametrize(("inside", "type"), [
    (STATE, "chat"), (f"{BODY}<no-store xmlns='urn:xmpp:hints'/>", "chat"), (BODY, "groupchat")])
def test_nor_is_the_spool_for_what_need_not_be_kept(verona: Verona, inside: str, type: str) -> None:
    verona.send(verona.romeo, f"<message to='friar@elsewhere/cell' type='{type}' id='1'>{inside}</message>")
    assert (verona.commit(), verona.spooled(), verona.notes.number) == ([], [], 0)


def test_h_waits_for_the_spool_and_a_stuck_store_takes_nothing_for_elsewhere(verona: Verona) -> None:
    romeo = managed(verona.romeo)
    verona.rig.router.set_archive(ROMEO, ArchiveMode.A_NEVER)
    message = f"<message to='friar@elsewhere' type='chat' id='1'>{BODY}</message>"
    verona.send(romeo, message)
    assert romeo.h == 0
    verona.time = 2.1
    verona.notes.punted.clear()
    verona.send(romeo, message)
    error, = (element for element in verona.got(romeo) if element.tag == "{jabber:client}message")
    assert condition(error) == "resource-constraint"
    assert verona.notes.punted == []
    assert len(verona.commit()) == 1
    assert romeo.h == 2


def test_of_our_own_making(verona: Verona) -> None:
    """An announcement is archived by whom it is for."""
    verona.rig.router.route(f"<message from='localhost' to='{JULIET}'>{BODY}</message>".encode())
    verona.rig.turn()
    assert verona.got(verona.juliet)[0].find(SID) is not None
    (_, a, b, flags, _), = verona.commit()
    assert (a, b, flags) == ("localhost", JULIET, M.M_ARCHIVE_B | M.M_GIVEN)


def managed(session: Session) -> Session:
    session.manage(bytes(range(16)), 600)
    return session


def test_h_waits_for_the_commit(verona: Verona) -> None:
    romeo = managed(verona.romeo)
    verona.say(STATE)
    verona.say(BODY)
    verona.say(STATE)
    assert romeo.h == 1
    assert len(verona.commit()) == 1
    assert romeo.h == 3


def test_refused_before_delivery_while_the_store_is_stuck(verona: Verona) -> None:
    """protocol.md 3: never both delivered and refused; what need not be kept goes on."""
    romeo = managed(verona.romeo)
    assert len(verona.say(BODY)) == 1
    verona.time = 2.1       # and the first is not committed
    for to in (f"{JULIET}/b", JULIET):
        assert verona.say(BODY, to) == []
        error, = (element for element in verona.got(romeo) if element.tag == "{jabber:client}message")
        assert (condition(error), error.find("{jabber:client}error").get("type")) == ("resource-constraint", "wait")
    assert len(verona.say(STATE)) == 1
    assert romeo.h == 0
    assert len(verona.commit()) == 1
    assert romeo.h == 4
    assert len(verona.say(BODY)) == 1


def test_a_sender_who_has_gone_is_no_obstacle(verona: Verona) -> None:
    romeo = managed(verona.romeo)
    verona.say(BODY)
    verona.rig.router.end(romeo, "reset")
    verona.rig.turn()
    assert len(verona.commit()) == 1


def test_each_resource_gets_the_same(verona: Verona) -> None:
    other = verona.client(f"{JULIET}/c", presence="1")
    verona.got(verona.juliet)       # of its presence
    here, = verona.say(BODY, JULIET)
    there, = verona.got(other)
    (number, *_), = verona.commit()
    assert here.find(SID).get("id") == there.find(SID).get("id") == verona.archive.id_of(number, JULIET.encode())


def test_what_was_written_is_done_with(verona: Verona) -> None:
    """Without stream management: up to which number her client has got messages."""
    verona.say(BODY)
    (number, *_), = verona.commit()
    assert verona.rig.router.reached(JULIET) == number


@pytest.mark.parametrize("presence", ["", "<presence><priority>-1</priority></presence>"])
def test_what_a_shy_resource_gets_says_nothing_of_what_waits(verona: Verona, presence: str) -> None:
    """It is given what is for it alone: older messages to the account still wait for somebody who takes them."""
    shy, copied = verona.client("nurse@localhost/shy"), verona.client("nurse@localhost/copied")
    copied.set_flag(SessionFlag.S_CARBONS)
    for session in (shy, copied):
        verona.send(session, presence)
    verona.say(BODY, "nurse@localhost")
    assert len(verona.notes.punted) == 1
    for session in (shy, copied):
        verona.got(session)
    verona.say(BODY, "nurse@localhost/shy")
    assert [len(verona.got(session)) for session in (shy, copied)] == [1, 1]
    (number, *_), = verona.commit()
    assert verona.rig.router.reached("nurse@localhost") == 0
    assert verona.rig.router.apart("nurse@localhost") == {number}


@dataclass
class Apart:
    """Juliet's phone is out of reach with what was for it alone, and her desk has read what came later."""

    verona: Verona
    phone: Session
    desk: Session
    kept: list[int]     # numbers, the phone's first

    def marks(self) -> list[int]:
        return list(self.verona.rig.router.acknowledged().values())


@pytest.fixture(params=["0", "-1"])
def apart(verona: Verona, request: pytest.FixtureRequest) -> Apart:
    for bare in (ROMEO, JULIET):
        verona.rig.router.set_archive(bare, ArchiveMode.A_NEVER)
    phone, desk = managed(verona.juliet), verona.client(f"{JULIET}/desk", presence="0")
    verona.send(phone, f"<presence><priority>{request.param}</priority></presence>")
    stanzas = [element for element in verona.got(phone) if element.tag.startswith("{jabber:client}")]
    verona.send(phone, f"<a xmlns='urn:xmpp:sm:3' h='{len(stanzas)}'/>")
    verona.rig.lose(phone.link)
    verona.notes.punted.clear()
    verona.send(verona.romeo, f"<message to='{JULIET}/b' type='chat' id='1'>{BODY}</message>"
                              f"<message to='{JULIET}/desk' type='chat' id='2'>{BODY}</message>")
    return Apart(verona, phone, desk, [id for id, *_ in verona.commit()])


def test_what_one_resource_alone_holds_is_kept_though_another_has_later_ones(apart: Apart) -> None:
    """Storage has it until that one has it, too (protocol.md 3): a crash may come."""
    first, second = apart.kept
    assert not any(mark >= first for mark in apart.marks())
    apart.verona.rig.resume(apart.phone, apart.phone.outbox.acknowledged)
    apart.verona.rig.turn()
    apart.verona.send(apart.phone, f"<a xmlns='urn:xmpp:sm:3' h='{apart.phone.outbox.acknowledged + 1}'/>")
    assert apart.marks() == [second]


@pytest.mark.parametrize("desk_leaves", [False, True])
def test_what_one_resource_alone_held_is_not_lost_with_it(apart: Apart, desk_leaves: bool) -> None:
    """Storage drops it then, as older than what the other has: it is kept anew, if nobody gets it now."""
    if desk_leaves:
        apart.verona.rig.router.end(apart.desk, "reset")
        apart.verona.rig.turn()
    apart.verona.raw(apart.desk)
    apart.verona.rig.router.end(apart.phone, "reset")
    apart.verona.rig.turn()
    assert apart.marks() == [apart.kept[1]]
    assert [stanza.id for _, stanza, _ in apart.verona.notes.punted] == (["1"] if desk_leaves else [])
    assert apart.verona.notes.number == 0
    if not desk_leaves:
        assert [e.get("id") for e in apart.verona.got(apart.desk) if e.tag == "{jabber:client}message"] == ["1"]


def test_what_others_have_a_copy_of_is_done_with_by_that(verona: Verona) -> None:
    for bare in (ROMEO, JULIET):
        verona.rig.router.set_archive(bare, ArchiveMode.A_NEVER)
    phone, desk = managed(verona.juliet), verona.client(f"{JULIET}/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    verona.rig.lose(phone.link)
    verona.send(verona.romeo, f"<message to='{JULIET}/b' type='chat' id='1'>{BODY}</message>")
    assert (verona.commit(), len(verona.rig.router.acknowledged())) == ([], 1)
    for session in (desk, phone):
        verona.rig.router.end(session, "reset")
        verona.rig.turn()
    assert verona.notes.punted == []


def test_a_copy_that_was_written_is_done_with(verona: Verona) -> None:
    """For who takes messages to the account, a carbon is as good as the message."""
    copied = verona.client(f"{JULIET}/copied", presence="0")
    copied.set_flag(SessionFlag.S_CARBONS)
    verona.rig.allow(verona.juliet.link, 0)
    verona.say(BODY)
    (number, *_), = verona.commit()
    assert verona.rig.router.reached(JULIET) == number


def test_nobody_is_asked(verona: Verona) -> None:
    """None of it wakes the control plane."""
    verona.say(BODY)
    verona.say(BODY, JULIET)
    assert verona.notes.punted == []
