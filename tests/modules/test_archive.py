"""An account's archive, asked for by its client (XEP-0313)."""

from xml.etree.ElementTree import Element

import pytest

from headrace.modules import archive
from headrace.modules.api import Refused, Reply
from headrace.modules.archive import Archive
from headrace.router.group import MessageFlag
from headrace.storage.ports import StorageError
from headrace.xep.mam import Preferences
from support.stanzas import tree
from support.world import World, effects, request

ROMEO, JULIET, NURSE = "romeo@example.org", "juliet@example.net", "nurse@example.net"
SENDER = f"{ROMEO}/orchard"
BOTH = MessageFlag.M_ARCHIVE_A | MessageFlag.M_ARCHIVE_B | MessageFlag.M_GIVEN
MAM, RSM = "{urn:xmpp:mam:2}", "{http://jabber.org/protocol/rsm}"
START = 1_700_000_000.0


async def store(world: World, *messages: tuple[str, str, str], flags: int = BOTH) -> list[str]:
    """From, to (full JIDs) and body, one a second; Romeo's ids of them."""
    await world.account(ROMEO, JULIET)
    world.arrives(SENDER)
    ids = []
    for n, (from_, to, body) in enumerate(messages):
        raw = f"<message from='{from_}' to='{to}' type='chat'><body>{body}</body></message>".encode()
        a, b = from_.partition("/")[0], to.partition("/")[0]
        number = await world.storage.archive.add(a, b, raw, flags, START + n)
        ids.append(world.storage.queue.id_of(number, ROMEO.encode()))
    return ids


async def chat(world: World, count: int = 10) -> list[str]:
    sides = [(f"{JULIET}/balcony", SENDER), (SENDER, f"{JULIET}/balcony"), (f"{NURSE}/x", ROMEO)]
    return await store(world, *[(*sides[n % 3], str(n)) for n in range(count)])


def field(name: str, *values: str) -> str:
    return f"<field var='{name}'>" + "".join(f"<value>{v}</value>" for v in values) + "</field>"


class Answer:
    def __init__(self, fin: Element, got: list[Element]) -> None:
        self.complete = fin.get("complete") == "true"
        self.first = fin.findtext(f"{RSM}set/{RSM}first")
        self.last = fin.findtext(f"{RSM}set/{RSM}last")
        self.count = fin.findtext(f"{RSM}set/{RSM}count")
        self.results = [message[0] for message in got]
        self.ids = [result.get("id") for result in self.results]
        self.bodies = [result.findtext(".//{jabber:client}body") for result in self.results]


async def ask(world: World, *fields: str, rsm: str = "", extra: str = "", head: str = "",
              **options: int) -> Answer:
    client = world.home.of(ROMEO)[0]
    client.got.clear()
    form = f"<x xmlns='jabber:x:data' type='submit'>{''.join(fields)}</x>" if fields else ""
    page = f"<set xmlns='http://jabber.org/protocol/rsm'>{rsm}</set>" if rsm else ""
    *sent, reply = await effects(world.module(Archive, **options).query(request(
        f"<iq type='set' id='1'><query xmlns='urn:xmpp:mam:2'{head}>{form}{page}{extra}</query></iq>", SENDER)))
    assert isinstance(reply, Reply)
    client.got += [effect.stanza for effect in sent]
    return Answer(tree(reply.payload), [tree(raw) for raw in client.got])


async def test_all_of_it_as_the_document_shows(world: World) -> None:
    ids = await chat(world, 3)
    answer = await ask(world, head=" queryid='f27'")
    assert (answer.bodies, answer.ids) == (["0", "1", "2"], ids)
    assert (answer.complete, answer.first, answer.last, answer.count) == (True, ids[0], ids[2], "3")
    message = tree(world.home.of(ROMEO)[0].got[1])
    assert (message.get("from"), message.get("to")) == (ROMEO, SENDER)
    [result] = message
    assert (result.tag, result.get("queryid")) == (f"{MAM}result", "f27")
    [forwarded] = result
    delay, original = forwarded
    assert forwarded.tag == "{urn:xmpp:forward:0}forwarded"
    assert (delay.tag, delay.get("stamp")) == ("{urn:xmpp:delay}delay", "2023-11-14T22:13:21.000Z")
    assert (original.tag, original.get("from"), original.get("to"), original.get("type")) == (
        "{jabber:client}message", SENDER, f"{JULIET}/balcony", "chat")


async def test_empty(world: World) -> None:
    await store(world)
    answer = await ask(world)
    assert (answer.ids, answer.complete, answer.first, answer.count) == ([], True, None, "0")


@pytest.mark.parametrize(("fields", "bodies"), [
    ([field("with", JULIET)], "013467 9"),
    ([field("with", NURSE.upper())], "258"),
    ([field("with", f"{JULIET}/balcony")], "013467 9"),
    ([field("with", f"{JULIET}/nowhere")], ""),
    ([field("with", ROMEO)], ""),
    ([field("start", "2023-11-14T22:13:25Z")], "56789"),
    ([field("end", "2023-11-14T22:13:21Z")], "01"),
    ([field("start", "2023-11-14T22:13:22Z"), field("end", "2023-11-15T00:13:24+02:00"), field("with", NURSE)], "2"),
])
async def test_filters(world: World, fields: list[str], bodies: str) -> None:
    await chat(world)
    answer = await ask(world, field("FORM_TYPE", "urn:xmpp:mam:2"), *fields)
    assert answer.bodies == list(bodies.replace(" ", ""))
    assert answer.complete


async def test_filters_by_id(world: World) -> None:
    ids = await chat(world)
    assert (await ask(world, field("after-id", ids[6]))).bodies == ["7", "8", "9"]
    assert (await ask(world, field("before-id", ids[2]))).bodies == ["0", "1"]
    assert (await ask(world, field("after-id", ids[2]), field("before-id", ids[5]))).bodies == ["3", "4"]
    assert (await ask(world, field("ids", ids[7], ids[3], ids[5]))).bodies == ["3", "5", "7"]
    answer = await ask(world, field("ids", ids[7], ids[3], ids[5]), rsm=f"<max>1</max><after>{ids[3]}</after>")
    assert (answer.bodies, answer.complete) == (["5"], False)


async def test_pages(world: World) -> None:
    ids = await chat(world)
    first = await ask(world, rsm="<max>4</max>")
    assert (first.bodies, first.complete, first.last, first.count) == (["0", "1", "2", "3"], False, ids[3], "10")
    second = await ask(world, rsm=f"<max>4</max><after>{first.last}</after>")
    assert (second.bodies, second.complete, second.count) == (["4", "5", "6", "7"], False, "10")
    third = await ask(world, rsm=f"<max>4</max><after>{second.last}</after>")
    assert (third.bodies, third.complete) == (["8", "9"], True)
    last = await ask(world, rsm="<max>3</max><before/>")
    assert (last.bodies, last.complete, last.first) == (["7", "8", "9"], False, ids[7])
    before = await ask(world, rsm=f"<max>30</max><before>{last.first}</before>")
    assert (before.bodies, before.complete) == (list("0123456"), True)
    assert (await ask(world, page=6)).bodies == list("012345")
    counted = await ask(world, field("with", JULIET), rsm="<max>0</max>")
    assert (counted.bodies, counted.complete, counted.count, counted.first) == ([], False, "7", None)


async def test_pages_of_one_resource_look_through_the_account_s(world: World) -> None:
    sides = (f"{JULIET}/balcony", f"{JULIET}/crypt")
    await store(world, *[(sides[n % 7 == 0], SENDER, str(n)) for n in range(40)])
    crypt = field("with", sides[1])
    answer = await ask(world, crypt, rsm="<max>2</max>", page=5)
    assert (answer.bodies, answer.complete, answer.count) == (["0", "7"], False, None)
    answer = await ask(world, crypt, rsm=f"<max>4</max><after>{answer.last}</after>", page=5)
    assert (answer.bodies, answer.complete) == (["14", "21", "28", "35"], True)
    answer = await ask(world, crypt, rsm="<max>2</max><before/>", page=5)
    assert (answer.bodies, answer.complete) == (["28", "35"], False)


async def test_flipped_page_has_the_same_results_the_other_way_round(world: World) -> None:
    ids = await chat(world)
    answer = await ask(world, rsm=f"<max>3</max><after>{ids[1]}</after>", extra="<flip-page/>")
    assert answer.bodies == ["4", "3", "2"]
    assert (answer.first, answer.last) == (ids[2], ids[4])


async def test_full_jid_of_oneself_needs_both_sides(world: World) -> None:
    await store(world, (SENDER, f"{JULIET}/b", "0"), (SENDER, ROMEO, "1"), (f"{ROMEO}/tomb", SENDER, "2"))
    assert (await ask(world, field("with", ROMEO))).bodies == ["1", "2"]
    assert (await ask(world, field("with", f"{ROMEO}/tomb"))).bodies == ["2"]


@pytest.mark.parametrize("where", [
    lambda id: {"fields": [field("after-id", id)]}, lambda id: {"fields": [field("before-id", id)]},
    lambda id: {"fields": [field("ids", id)]}, lambda id: {"rsm": f"<after>{id}</after>"},
    lambda id: {"rsm": f"<before>{id}</before>"},
])
async def test_ids_that_are_not_there(world: World, where) -> None:
    ids = await chat(world)
    other = await world.storage.archive.add(JULIET, NURSE, b"<message/>", BOTH)
    for wrong in ("x", ids[0][:-1] + ("0" if ids[0][-1] != "0" else "1"), "f" * 32,
                  world.storage.queue.id_of(other, ROMEO.encode())):
        how = where(wrong)
        with pytest.raises(Refused, match="item-not-found"):
            await ask(world, *how.get("fields", ()), rsm=how.get("rsm", ""))
    await world.storage.archive.clear(ROMEO)
    with pytest.raises(Refused, match="item-not-found"):
        await ask(world, *where(ids[0]).get("fields", ()), rsm=where(ids[0]).get("rsm", ""))


@pytest.mark.parametrize(("fields", "rsm", "condition"), [
    ([field("{http://example.com/}text", "x")], "", "feature-not-implemented"),
    ([field("include-groupchat", "true")], "", "feature-not-implemented"),
    ([field("start", "yesterday")], "", "bad-request"),
    ([field("with", "a@b@c")], "", "bad-request"),
    ([field("FORM_TYPE", "urn:xmpp:mam:1")], "", "bad-request"),
    ([], "<max>many</max>", "bad-request"),
    ([], "<index>3</index>", "feature-not-implemented"),
])
async def test_queries_that_make_no_sense(world: World, fields: list[str], rsm: str, condition: str) -> None:
    await chat(world, 1)
    with pytest.raises(Refused, match=condition):
        await ask(world, *fields, rsm=rsm)


async def test_more_is_not_made_before_the_client_has_what_there_is(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNREAD", 2_000)
    ids = await chat(world)
    module, client = world.module(Archive), world.home.of(ROMEO)[0]
    outcome = await effects(module.query(request("<iq type='set' id='1'><query xmlns='urn:xmpp:mam:2'/></iq>", SENDER)))
    results = [*client.got, *(effect.stanza for effect in outcome[:-1])]
    assert len(client.got) > len(outcome)
    assert [tree(raw)[0].get("id") for raw in results] == ids
    client.dies = True
    again = request("<iq type='set' id='1'><query xmlns='urn:xmpp:mam:2'/></iq>", SENDER)
    assert await effects(module.query(again)) == []


async def test_form(world: World) -> None:
    [reply] = await effects(world.module(Archive).form(request(
        "<iq type='get' id='1'><query xmlns='urn:xmpp:mam:2'/></iq>", SENDER)))
    fields = {x.get("var"): x.get("type") for x in tree(reply.payload).iter("{jabber:x:data}field")}
    assert fields == {"FORM_TYPE": "hidden", "with": "jid-single", "start": "text-single", "end": "text-single",
                      "before-id": "text-single", "after-id": "text-single", "ids": "list-multi"}
    assert b"<open/></validate>" in reply.payload


async def test_metadata(world: World) -> None:
    module = world.module(Archive)
    got = request("<iq type='get' id='1'><metadata xmlns='urn:xmpp:mam:2'/></iq>", SENDER)
    assert await effects(module.metadata(got)) == [Reply(b"<metadata xmlns='urn:xmpp:mam:2'/>")]
    ids = await chat(world, 4)
    [reply] = await effects(module.metadata(got))
    start, end = tree(reply.payload)
    assert (start.tag, start.attrib) == (f"{MAM}start", {"id": ids[0], "timestamp": "2023-11-14T22:13:20.000Z"})
    assert (end.tag, end.attrib) == (f"{MAM}end", {"id": ids[3], "timestamp": "2023-11-14T22:13:23.000Z"})
    assert await module.bound(ROMEO) == reply.payload


async def test_who_asked_is_known_until_it_goes(world: World) -> None:
    await chat(world, 1)
    assert SENDER not in world.context.archiving.queried
    await ask(world)
    assert SENDER in world.context.archiving.queried
    world.module(Archive).gone(SENDER)
    assert world.context.archiving.queried == {}


@pytest.mark.parametrize("fails", [Refused("item-not-found"), StorageError("down")])
async def test_who_asked_and_got_nothing_has_not_asked(world: World, monkeypatch: pytest.MonkeyPatch,
                                                       fails: Exception) -> None:
    """What waits for it must come with its first presence."""
    await chat(world, 1)

    async def page(*args: object, **options: object) -> None:
        raise fails

    monkeypatch.setattr(world.storage.archive, "page", page)
    with pytest.raises(type(fails)):
        await ask(world)
    assert world.context.archiving.queried == {}


@pytest.mark.parametrize("kind", ["get", "set"])
async def test_nobody_else_s_archive(world: World, kind: str) -> None:
    with pytest.raises(Refused, match="forbidden"):
        world.module(Archive).foreign(request(
            f"<iq type='{kind}' id='1' to='{JULIET}'><query xmlns='urn:xmpp:mam:2'/></iq>", SENDER, JULIET))


async def change(world: World, inside: str, **options: int) -> bytes:
    await world.account(ROMEO)
    [reply] = await effects(world.module(Archive, **options).change(request(
        f"<iq type='set' id='1'><prefs xmlns='urn:xmpp:mam:2' {inside}</prefs></iq>", SENDER)))
    assert isinstance(reply, Reply)
    return reply.payload


async def test_preferences(world: World) -> None:
    get = request("<iq type='get' id='1'><prefs xmlns='urn:xmpp:mam:2'/></iq>", SENDER)
    assert b"default='always'" in (await effects(world.module(Archive).preferences(get)))[0].payload
    said = await change(world, f"default='roster'><always><jid>{JULIET.upper()}</jid></always>")
    assert said == (f"<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>{JULIET}</jid></always>"
                    "<never></never></prefs>").encode()
    assert await effects(world.module(Archive).preferences(get)) == [Reply(said)]
    assert world.home.told == [("archive", ROMEO, "roster", JULIET)]
    assert await world.context.archiving.of(ROMEO) == Preferences("roster", (JULIET,))


@pytest.mark.parametrize(("inside", "condition"), [
    (">", "bad-request"), ("default='some'>", "bad-request"),
    ("default='never'><always><jid>a@b@c</jid></always>", "jid-malformed"),
    ("default='never'><always><jid>a@b</jid><jid>b@b</jid></always><never><jid>c@b</jid></never>",
     "resource-constraint"),
])
async def test_preferences_that_are_refused(world: World, inside: str, condition: str) -> None:
    with pytest.raises(Refused, match=condition):
        await change(world, inside, max_preferences=2)
    assert world.home.told == []
