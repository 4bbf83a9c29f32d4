"""Archives on the wire (XEP-0313, XEP-0059, XEP-0359, XEP-0441), asked byte by byte."""

import base64
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.people import PASSWORD, World
from support.rawclient import NS, STANZA_ERRORS, Client
from support.server import running

MAM, SID, RSM = "{urn:xmpp:mam:2}", "{urn:xmpp:sid:0}", "{http://jabber.org/protocol/rsm}"
FORWARDED = f"{MAM}result/{{urn:xmpp:forward:0}}forwarded"


def field(name: str, *values: str) -> str:
    return f"<field var='{name}'>" + "".join(f"<value>{v}</value>" for v in values) + "</field>"


class Page:
    """What a query brings."""

    def __init__(self, client: Client, *fields: str, rsm: str = "", extra: str = "") -> None:
        form = f"<x xmlns='jabber:x:data' type='submit'>{''.join(fields)}</x>" if fields else ""
        page = f"<set xmlns='http://jabber.org/protocol/rsm'>{rsm}</set>" if rsm else ""
        query = f"<query xmlns='urn:xmpp:mam:2' queryid='q1'>{form}{page}{extra}</query>"
        client.send(f"<iq type='set' id='mam'>{query}</iq>")
        *self.got, self.answer = client.until(lambda e: e.get("id") == "mam")
        self.ids = [result.get("id", "") for message in self.got for result in message.findall(f"{MAM}result")]
        self.messages = [message.find(f"{FORWARDED}/{NS}message") for message in self.got]
        self.bodies = [message.findtext(f"{NS}body") for message in self.messages if message is not None]

    @property
    def fin(self) -> ET.Element:
        found = self.answer.find(f"{MAM}fin")
        assert found is not None, ET.tostring(self.answer)
        return found

    @property
    def condition(self) -> str:
        error = self.answer.find(f"{NS}error")
        return "" if error is None else error[0].tag.removeprefix(STANZA_ERRORS)


def ready(world: World, account: str = "") -> Client:
    """Online, and past the hand-over of what waited for it, which is nothing: it gets messages directly."""
    client = world.online(account)
    for n in range(100):
        client.send(f"<message to='{client.bare}' type='chat' id='r{n}'><body>?</body>",
                    "<no-store xmlns='urn:xmpp:hints'/></message>")
        if client.until(lambda e, n=n: e.get("id") == f"r{n}")[-1].get("type") == "chat":
            return client
    raise AssertionError("messages wait for ever")


def talk(one: Client, other: Client, count: int) -> None:
    """In turn, each waiting for the other's words."""
    for n in range(count):
        sender, receiver = (one, other) if n % 2 == 0 else (other, one)
        sender.send(f"<message to='{receiver.jid}' type='chat' id='m{n}'><body>{n}</body></message>")
        receiver.until(lambda e, n=n: e.get("id") == f"m{n}")


def test_what_was_said_is_in_both_archives_by_the_ids_that_came_with_it(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    seen = []
    for n in range(6):
        romeo.send(f"<message to='{juliet.jid}' type='chat' id='m{n}'><body>{n}&lt;&amp;</body>"
                   "<x xmlns='urn:example' xmlns:p='urn:p'><p:y/></x></message>")
        *_, message = juliet.until(lambda e, n=n: e.get("id") == f"m{n}")
        [id] = message.findall(f"{SID}stanza-id")
        assert id.get("by") == juliet.bare
        seen.append(id.get("id"))
    hers, his = Page(juliet), Page(romeo)
    assert hers.ids == seen
    assert his.bodies == hers.bodies == [f"{n}<&" for n in range(6)]
    assert not set(his.ids) & set(hers.ids)
    assert hers.fin.get("complete") == "true"
    assert all(message is not None and message.find("{urn:example}x/{urn:p}y") is not None for message in hers.messages)
    for message in hers.got:
        assert (message.get("from"), message.get("to")) == (juliet.bare, juliet.jid)
        stamp = message.find(f"{FORWARDED}/{{urn:xmpp:delay}}delay")
        assert stamp is not None
        assert abs(datetime.fromisoformat(stamp.get("stamp", "")) - datetime.now(UTC)) < timedelta(minutes=1)


def test_just_said_is_there(world: World) -> None:
    """No gap between delivery and archive, in one segment even."""
    romeo, juliet = ready(world), ready(world)
    for n in range(20):
        romeo.send(f"<message to='{juliet.bare}' type='chat'><body>{n}</body></message>"
                   f"<iq type='set' id='mam{n}'><query xmlns='urn:xmpp:mam:2'>"
                   "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></query></iq>")
        *got, _ = romeo.until(lambda e, n=n: e.get("id") == f"mam{n}")
        [message] = got
        assert message.findtext(f"{FORWARDED}/{NS}message/{NS}body") == str(n)


def test_paging(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    romeo.send(*(f"<message to='{juliet.bare}' type='chat'><body>{n}</body></message>" for n in range(250)))
    romeo.sync()
    pages, after = [], ""
    for _ in range(10):
        page = Page(juliet, rsm=f"<max>60</max>{after}")
        pages.append(page)
        if page.fin.get("complete") == "true":
            break
        after = f"<after>{page.fin.findtext(f'{RSM}set/{RSM}last')}</after>"
    assert [len(page.bodies) for page in pages] == [60, 60, 60, 60, 10]
    assert [body for page in pages for body in page.bodies] == [str(n) for n in range(250)]
    assert {page.fin.findtext(f"{RSM}set/{RSM}count") for page in pages} == {"250"}
    last = Page(juliet, rsm="<max>3</max><before/>", extra="<flip-page/>")
    assert last.bodies == ["249", "248", "247"]
    ids = [id for page in pages for id in page.ids]
    assert Page(juliet, field("after-id", ids[10]), field("before-id", ids[14])).bodies == ["11", "12", "13"]
    assert Page(juliet, field("ids", ids[100], ids[7])).bodies == ["7", "100"]
    assert len(Page(juliet).bodies) == 100      # the server's own bound


def test_with_and_time(world: World) -> None:
    romeo, juliet, nurse = ready(world), ready(world), ready(world)
    talk(romeo, juliet, 6)
    talk(nurse, juliet, 2)
    assert Page(juliet, field("with", romeo.bare)).bodies == list("012345")
    assert Page(juliet, field("with", romeo.jid)).bodies == list("012345")
    assert Page(juliet, field("with", f"{romeo.bare}/elsewhere")).bodies == []
    assert Page(juliet, field("with", nurse.bare)).bodies == list("01")
    assert Page(juliet, field("end", "2001-01-01T00:00:00Z")).bodies == []
    assert len(Page(juliet, field("start", "2001-01-01T00:00:00Z")).bodies) == 8


def test_errors(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    talk(romeo, juliet, 2)
    his = Page(romeo).ids
    assert Page(juliet, field("after-id", his[0])).condition == "item-not-found"    # somebody else's
    assert Page(juliet, rsm=f"<before>{his[0]}</before>").condition == "item-not-found"
    assert Page(juliet, field("colour", "blue")).condition == "feature-not-implemented"
    assert Page(juliet, field("start", "now")).condition == "bad-request"
    assert Page(juliet).bodies == ["0", "1"]


@pytest.mark.parametrize("payload", ["<query xmlns='urn:xmpp:mam:2'/>", "<prefs xmlns='urn:xmpp:mam:2'/>",
                                     "<metadata xmlns='urn:xmpp:mam:2'/>"])
def test_nobody_sees_an_archive_of_others_nor_who_has_one(world: World, payload: str) -> None:
    romeo, juliet = ready(world), ready(world)
    talk(romeo, juliet, 2)
    answers = []
    for to in (juliet.bare, "nobody@localhost"):
        romeo.send(f"<iq type='get' id='a' to='{to}'>{payload}</iq>")
        *rest, answer = romeo.until(lambda e: e.get("id") == "a")
        assert rest == []
        answers.append(ET.tostring(answer).replace(to.encode(), b"X"))
    assert answers[0] == answers[1]
    assert b"forbidden" in answers[0]


def test_preferences_change_what_is_archived(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    talk(romeo, juliet, 2)
    never = f"<never><jid>{romeo.bare}</jid></never>"
    answer = juliet.ask("set", f"<prefs xmlns='urn:xmpp:mam:2' default='always'>{never}</prefs>")
    assert answer.find(f"{MAM}prefs/{MAM}never/{MAM}jid") is not None
    romeo.send(f"<message to='{juliet.jid}' type='chat' id='x'><body>unseen</body></message>")
    *_, message = juliet.until(lambda e: e.get("id") == "x")
    assert message.find(f"{SID}stanza-id") is None
    assert Page(juliet).bodies == ["0", "1"]
    assert Page(romeo).bodies == ["0", "1", "unseen"]
    juliet.log_out()
    juliet = ready(world, juliet.bare)
    answer = juliet.ask("get", "<prefs xmlns='urn:xmpp:mam:2'/>")
    assert answer.findtext(f"{MAM}prefs/{MAM}never/{MAM}jid") == romeo.bare


HINT = "xmlns='urn:xmpp:hints'"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"


@pytest.mark.parametrize(("type", "inside", "kept"), [
    ("chat", "<body>x</body>", True),
    ("normal", "<body>x</body>", True),
    ("chat", "<received xmlns='urn:xmpp:receipts' id='1'/>", True),
    ("chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", True),
    ("chat", f"{STATE}<store {HINT}/>", True),
    ("chat", f"<body>x</body><no-copy {HINT}/>", True),
    ("chat", STATE, False),
    ("chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", False),
    ("chat", f"<body>x</body><no-store {HINT}/>", False),
    ("chat", f"<body>x</body><no-permanent-store {HINT}/>", False),
    ("headline", "<body>x</body>", False),
    ("groupchat", "<body>x</body>", False),
    ("error", "<body>x</body><error type='cancel'/>", False),
])
def test_what_is_archived(world: World, type: str, inside: str, kept: bool) -> None:
    """XEP-0313 5.1.2 and XEP-0334, on both sides; who gets it learns so, and nobody has the id of the other's."""
    romeo, juliet = ready(world), ready(world)
    romeo.send(f"<message to='{juliet.jid}' type='{type}' id='m'>{inside}"
               f"<stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='forged'/></message>")
    *_, message = juliet.until(lambda e: e.get("id") == "m")
    hers, his = Page(juliet), Page(romeo)
    assert [len(page.messages) for page in (hers, his)] == [kept, kept]
    assert [id.get("id") for id in message.findall(f"{SID}stanza-id")] == hers.ids


@pytest.mark.parametrize("which", ["no-permanent-store", "never"])
def test_what_is_kept_but_not_archived(world: World, which: str) -> None:
    """For who is away, until it is there; and once."""
    romeo, juliet = ready(world), ready(world)
    if which == "never":
        juliet.ask("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'/>")
    juliet.log_out()
    hint = f"<{which} {HINT}/>" if which != "never" else ""
    romeo.send(f"<message to='{juliet.bare}' type='chat' id='m'><body>x</body>{hint}</message>")
    romeo.ask("get", "<vCard xmlns='vcard-temp'/>", to=juliet.bare)     # to the same address: behind the message
    assert [message.get("id") for message in world.arrive(juliet.bare) if message.tag == f"{NS}message"] == ["m"]
    assert [message.get("id") for message in world.arrive(juliet.bare) if message.tag == f"{NS}message"] == []
    assert "x" not in Page(ready(world, juliet.bare)).bodies
    assert Page(romeo).bodies == (["x"] if which == "never" else [])


def test_once_whoever_gets_it(world: World) -> None:
    """XEP-0313 5.1.2: however many resources take it, or a copy; and what one says to oneself."""
    romeo, juliet = ready(world), ready(world)
    others = [ready(world, juliet.bare) for _ in range(2)]
    others[0].ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
    for sender, to, text in ((romeo, juliet.bare, "bare"), (romeo, juliet.jid, "full"), (juliet, juliet.bare, "self")):
        sender.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
        sender.sync()
    assert Page(juliet).bodies == ["bare", "full", "self"]
    assert Page(juliet, field("with", juliet.bare)).bodies == ["self"]
    assert Page(romeo).bodies == ["bare", "full"]


def test_what_is_refused_is_in_no_archive(world: World) -> None:
    """XEP-0313 5.1: of somebody blocked, and to him."""
    romeo, juliet = ready(world), ready(world)
    juliet.ask("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")
    for sender, receiver in ((romeo, juliet), (juliet, romeo)):
        sender.send(f"<message to='{receiver.jid}' type='chat' id='m'><body>x</body></message>")
        assert sender.until(lambda e: e.get("id") == "m")[-1].get("type") == "error"
    assert Page(juliet).bodies == []


def test_lists_of_preferences_name_accounts_or_resources(world: World) -> None:
    """XEP-0441 2.5, in both directions."""
    romeo, juliet = ready(world), ready(world)
    elsewhere = ready(world, romeo.bare)
    for default, always, never, taken in (
            ("always", "", romeo.jid, ["elsewhere"]), ("always", "", romeo.bare, []),
            ("never", elsewhere.jid, "", ["elsewhere"]), ("never", romeo.bare, "", ["here", "elsewhere"])):
        inside = "".join(f"<{name}><jid>{jid}</jid></{name}>" if jid else ""
                         for name, jid in (("always", always), ("never", never)))
        juliet.ask("set", f"<prefs xmlns='urn:xmpp:mam:2' default='{default}'>{inside}</prefs>")
        before = Page(juliet).ids
        for other, text in ((romeo, "here"), (elsewhere, "elsewhere")):
            for sender, receiver in ((other, juliet), (juliet, other)):
                sender.send(f"<message to='{receiver.jid}' type='chat'><body>{text}</body></message>")
                sender.sync()
        page = Page(juliet, field("after-id", before[-1])) if before else Page(juliet)
        assert page.bodies == [text for text in taken for _ in range(2)], (default, always, never)


def test_emptied_by_command(world: World) -> None:
    """While everybody is here. It is one account's; what comes afterwards is archived as ever."""
    romeo, juliet = ready(world), ready(world)
    talk(romeo, juliet, 3)
    assert Page(juliet).bodies == list("012")
    assert world.server.command("archive", "delete", juliet.bare, "--yes").returncode == 0
    assert (Page(juliet).bodies, Page(romeo).bodies) == ([], list("012"))
    talk(romeo, juliet, 1)
    assert (Page(juliet).bodies, Page(romeo).bodies) == (["0"], list("0120"))


@pytest.mark.parametrize(("kept", "bodies"), [("archive_messages = 3", "234"), ("archive_days = 0.00001", "")])
def test_pruned_by_command(tmp_path: Path, kept: str, bodies: str) -> None:
    """While everybody is here: what is older, or more, than their host allows; and what is left has the ids it had."""
    with running(tmp_path, more=kept) as server:
        romeo, juliet = server.client("romeo"), server.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        talk(romeo, juliet, 5)
        before = Page(juliet)
        assert before.bodies == list("01234")
        time.sleep(1)
        done = server.command("archive", "prune", "localhost")
        assert done.returncode == 0, done.stderr
        assert (Page(juliet).bodies, Page(juliet).ids) == (list(bodies), before.ids[5 - len(bodies):])
        assert Page(romeo).bodies == list(bodies)


def test_gone_with_the_account(world: World) -> None:
    """Who has it again finds nothing; what others have of it is theirs."""
    romeo, juliet = ready(world), ready(world)
    talk(romeo, juliet, 3)
    assert Page(juliet).bodies == list("012")
    juliet.log_out()
    assert world.server.command("user", "delete", juliet.bare, "--yes").returncode == 0
    assert world.server.command("user", "add", juliet.bare, input=f"{PASSWORD}\n" * 2).returncode == 0
    assert (Page(ready(world, juliet.bare)).bodies, Page(romeo).bodies) == ([], list("012"))


def test_roster_preference_follows_the_roster(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    juliet.ask("set", "<prefs xmlns='urn:xmpp:mam:2' default='roster'/>")
    talk(romeo, juliet, 2)
    juliet.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='{romeo.bare}'/></query>")
    talk(romeo, juliet, 4)
    assert Page(juliet).bodies == list("0123")
    juliet.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='{romeo.bare}' subscription='remove'/></query>")
    talk(romeo, juliet, 2)
    assert Page(juliet).bodies == list("0123")


def test_account_says_so(world: World) -> None:
    romeo = world.online()
    answer = romeo.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
    features = {feature.get("var") for feature in answer[0]}
    assert {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0"} <= features


def test_large_results_wait_for_a_slow_reader(world: World) -> None:
    """More than may be unread: it is sent as it is read, and nothing is lost."""
    romeo, juliet = ready(world), ready(world)
    text = "x" * 200_000
    for n in range(60):
        romeo.send(f"<message to='{juliet.bare}' type='chat' id='m{n}'><body>{n}{text}</body></message>")
        juliet.until(lambda e, n=n: e.get("id") == f"m{n}")
    page = Page(juliet)
    assert [int((body or "").rstrip("x")) for body in page.bodies] == list(range(60))


def test_metadata_comes_with_the_binding(world: World) -> None:
    romeo, juliet = ready(world), ready(world)
    for count in (0, 3):
        talk(romeo, juliet, count)
        client = world.connection("direct")
        client.open()
        secret = base64.b64encode(f"\0{juliet.bare.partition('@')[0]}\0{PASSWORD}".encode()).decode()
        client.send("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
                    f"<initial-response>{secret}</initial-response><bind xmlns='urn:xmpp:bind:0'/></authenticate>")
        success = client.next()
        assert success.tag == "{urn:xmpp:sasl:2}success", client.raw
        metadata = success.find(f"{{urn:xmpp:bind:0}}bound/{MAM}metadata")
        assert metadata is not None
        assert [(end.tag, end.get("id")) for end in metadata] == [
            (f"{MAM}{name}", id) for name, id in zip(("start", "end"), Page(juliet).ids[::2], strict=False)]
        answer = juliet.ask("get", "<metadata xmlns='urn:xmpp:mam:2'/>")
        assert ET.tostring(answer[0]) == ET.tostring(metadata)
        client.close()
