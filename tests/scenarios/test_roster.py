"""Roster requests, pushes and their errors (RFC 6121 2)."""

import pytest

from support.people import PASSWORD, World
from support.rawclient import NS, ROSTER, Client, condition

QUERY = "<query xmlns='jabber:iq:roster'>{}</query>"


def change(client: Client, items: str, to: str = "") -> str:
    """Sets them; 'result' or the error's condition."""
    answer = client.ask("set", QUERY.format(items), to)
    return condition(answer) or str(answer.get("type"))


def items(client: Client) -> dict[str, tuple[str | None, list[str | None]]]:
    """(name, groups) by JID."""
    answer = client.ask("get", QUERY.format(""))
    return {item.get("jid", ""): (item.get("name"), sorted(group.text or "" for group in item))
            for item in answer.iterfind(f"{ROSTER}query/{ROSTER}item")}


def pushes(client: Client) -> list[tuple[str | None, str | None]]:
    """(JID, subscription) of the pushes that have come by now."""
    return [(item.get("jid"), item.get("subscription")) for stanza in client.sync() if stanza.get("type") == "set"
            for item in stanza.iterfind(f"{ROSTER}query/{ROSTER}item")]


def test_add_change_remove(world: World) -> None:
    client = world.online()
    assert items(client) == {}
    assert change(client, "<item jid='Nurse@Localhost' name='Nurse &amp; &lt;co&gt;'><group>House</group></item>") \
        == "result"
    assert items(client) == {"nurse@localhost": ("Nurse & <co>", ["House"])}
    assert change(client, "<item jid='nurse@localhost'><group>A</group><group>B</group></item>") == "result"
    assert items(client) == {"nurse@localhost": (None, ["A", "B"])}
    assert change(client, "<item jid='nurse@localhost' subscription='remove'/>") == "result"
    assert items(client) == {}


def test_all_who_asked_get_pushes(world: World) -> None:
    account = world.account()
    first, second = world.online(account), world.online(account)
    deaf, unavailable = world.connected(account), world.connected(account)
    unavailable.ask("get", QUERY.format(""))
    first.send("<iq type='set' id='s'>", QUERY.format("<item jid='nurse@localhost'/>"), "</iq>")
    heard = first.sync()
    assert sorted(str(stanza.get("type")) for stanza in heard if stanza.tag == NS + "iq") == ["result", "set"]
    assert pushes(second) == pushes(unavailable) == [("nurse@localhost", "none")]
    assert deaf.sync() == []
    assert change(second, "<item jid='nurse@localhost' subscription='remove'/>") == "result"
    assert pushes(first) == [("nurse@localhost", "remove")]


def test_a_push_is_addressed_and_named(world: World) -> None:
    account = world.account()
    one, other = world.online(account), world.online(account)
    change(one, "<item jid='nurse@localhost'/>")
    [push] = [stanza for stanza in other.sync() if stanza.get("type") == "set"]
    assert push.get("from") in (None, account)
    assert push.get("to") in (None, account, other.jid)
    assert push.get("id")


@pytest.mark.parametrize(("item", "wanted"), [
    ("", {"bad-request"}),
    ("<item/>", {"bad-request"}),
    ("<item jid=''/>", {"bad-request", "jid-malformed"}),
    ("<item jid='a@b@c'/>", {"bad-request", "jid-malformed"}),
    ("<item jid='a@localhost'/><item jid='b@localhost'/>", {"bad-request"}),
    ("<item jid='a@localhost'><group>x</group><group>x</group></item>", {"bad-request"}),
    ("<item jid='a@localhost'><group/></item>", {"not-acceptable"}),
    (f"<item jid='a@localhost' name='{'x' * 5000}'/>", {"not-acceptable", "result"}),
    (f"<item jid='a@localhost'><group>{'x' * 5000}</group></item>", {"not-acceptable", "result"}),
    ("<item jid='unknown@localhost' subscription='remove'/>", {"item-not-found"}),
    ("<thing xmlns='urn:x'/>", {"bad-request"}),
])
def test_items_that_are_none(world: World, item: str, wanted: set[str]) -> None:
    """RFC 6121 2.3.3 and 2.5.3; nothing is stored, nobody is told."""
    client = world.online()
    result = change(client, item)
    assert result in wanted
    if result != "result":
        assert pushes(client) == []
        assert items(client) == {}


@pytest.mark.parametrize("attributes", ["subscription='both'", "subscription='to'", "subscription='from'",
                                        "ask='subscribe'", "approved='true'", "subscription='nonsense'"])
def test_a_client_cant_grant_itself_anything(world: World, attributes: str) -> None:
    """All values but remove are ignored (2.1.2.5), or refused."""
    client, victim = world.online(), world.online()
    assert change(client, f"<item jid='{victim.bare}' {attributes}/>") in ("result", "bad-request")
    answer = client.ask("get", QUERY.format(""))
    for item in answer.iterfind(f"{ROSTER}query/{ROSTER}item"):
        assert (item.get("subscription"), item.get("ask")) == ("none", None)
    victim.send("<presence><show>away</show></presence>")
    victim.sync()
    assert client.sync() == []


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("to", ["other", "nobody@localhost", "localhost"])
def test_somebody_elses_roster(world: World, kind: str, to: str) -> None:
    """Refused alike whoever it is, with no effect (2.1.5, 2.3.3)."""
    client, other = world.friends()
    before = items(other)
    answer = client.ask(kind, QUERY.format("<item jid='nurse@localhost'/>" if kind == "set" else ""),
                        other.bare if to == "other" else to)
    assert condition(answer) in ("forbidden", "not-authorized", "service-unavailable", "not-allowed")
    assert items(other) == before


def test_ones_own_roster_by_name(world: World) -> None:
    client = world.online()
    assert change(client, "<item jid='nurse@localhost'/>", client.bare) == "result"
    assert client.ask("get", QUERY.format(""), client.bare).get("type") == "result"


def test_a_forged_push_reaches_nobody_as_push(world: World) -> None:
    """It arrives as from the forger, or not at all: the receiver can tell (2.1.6)."""
    forger, victim = world.friends()
    forger.send(f"<iq type='set' id='p' to='{victim.jid}'>", QUERY.format("<item jid='evil@localhost'/>"), "</iq>")
    forger.sync()
    assert all(stanza.get("from") == forger.jid for stanza in victim.sync())
    assert "evil@localhost" not in items(victim)


def test_names_and_groups_come_back_as_they_were(world: World) -> None:
    client = world.online()
    names = ["\u00e9\u4e2d\U0001f600", "a  b", "&lt;item/&gt;", "&apos;&quot;", "&#9;tab&#10;line", "]]&gt;"]
    for number, name in enumerate(names):
        assert change(client, f"<item jid='c{number}@localhost' name='{name}'><group>{name}</group></item>") == "result"
    shown = ["\u00e9\u4e2d\U0001f600", "a  b", "<item/>", "'\"", "\ttab\nline", "]]>"]
    assert items(client) == {f"c{n}@localhost": (name, [name]) for n, name in enumerate(shown)}


def test_the_subscription_survives_a_change_of_name(world: World) -> None:
    one, other = world.friends()
    assert change(one, f"<item jid='{other.bare}' name='Love'/>") == "result"
    answer = one.ask("get", QUERY.format(""))
    [item] = answer.iterfind(f"{ROSTER}query/{ROSTER}item")
    assert (item.get("subscription"), item.get("name")) == ("both", "Love")


def test_changes_in_one_segment(world: World) -> None:
    """Each sees the one before it (protocol.md 2)."""
    client = world.online()
    wishes = [f"<iq type='set' id='s{n}'><query xmlns='jabber:iq:roster'><item jid='c{n % 7}@localhost' name='{n}'/>"
              "</query></iq>" for n in range(70)]
    client.send(*wishes, "<iq type='get' id='g'>", QUERY.format(""), "</iq>")
    heard = client.until(lambda e: e.get("id") == "g")
    assert [s.get("id") for s in heard if s.get("type") == "result"] == [*(f"s{n}" for n in range(70)), "g"]
    got = {item.get("jid"): item.get("name") for item in heard[-1].iter(ROSTER + "item")}
    assert got == {f"c{n % 7}@localhost": str(n) for n in range(70)}


def test_versions(world: World) -> None:
    """Who names the version that it knows gets what has changed since, as pushes (2.6)."""
    account = world.account()
    client = world.connected(account)
    assert change(client, "<item jid='tybalt@localhost'/>") == "result"
    whole = client.ask("get", "<query xmlns='jabber:iq:roster' ver=''/>")
    version = whole[0].get("ver")
    assert version is not None
    assert whole[0].tag == ROSTER + "query"
    client.log_out()
    other = world.connected(account)
    for jid, more in (("nurse", ""), ("friar", ""), ("nurse", "name='N'")):
        assert change(other, f"<item jid='{jid}@localhost' {more}/>") == "result"
    later = world.connected(account)
    later.send(f"<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>")
    answer, *missed = later.next(), later.next(), later.next()
    assert (answer.get("id"), answer.get("type"), len(answer)) == ("r", "result", 0)
    shown = [(stanza[0][0].get("jid"), stanza[0][0].get("name"), stanza[0].get("ver")) for stanza in missed]
    assert [entry[:2] for entry in shown] == [("friar@localhost", None), ("nurse@localhost", "N")]
    latest = shown[-1][2]
    assert len({version, *(entry[2] for entry in shown)}) == 3
    knowing = world.connected(account)
    assert len(knowing.ask("get", f"<query xmlns='jabber:iq:roster' ver='{latest}'/>")) == 0
    all_of_it = knowing.ask("get", "<query xmlns='jabber:iq:roster' ver='never heard of'/>")
    assert (len(all_of_it[0]), all_of_it[0].get("ver")) == (3, latest)
    assert later.sync() == knowing.sync() == []


def test_versions_are_announced_after_login(world: World) -> None:
    feature = "{urn:xmpp:features:rosterver}ver"
    client = world.connection()
    assert client.open().find(feature) is None
    client.plain(world.account().partition("@")[0], PASSWORD)
    assert client.open().find(feature) is not None
