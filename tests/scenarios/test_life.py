"""What owners and administrators do with accounts, over the wire (XEP-0077, XEP-0050, XEP-0133, XEP-0157)."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.people import PASSWORD, World, befriend
from support.rawclient import NS, SASL, Client, body, brief, condition
from support.server import Server, running

ADMIN = "admin@localhost"
NODE = "http://jabber.org/protocol/admin#"
COMMANDS, X = "{http://jabber.org/protocol/commands}", "{jabber:x:data}"
HOST = f"""
admins = ["{ADMIN}"]
[host.contact]
abuse = ["mailto:abuse@localhost"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    users = {f"{name}@localhost": PASSWORD for name in ("admin", *(f"p{number}" for number in range(100)))}
    with running(tmp_path_factory.mktemp("server"), users=users, more=HOST) as server:
        yield server


@pytest.fixture
def admin(world: World) -> Client:
    return world.online(ADMIN)


def register(client: Client, inside: str, to: str = "") -> ET.Element:
    return client.ask("set", f"<query xmlns='jabber:iq:register'>{inside}</query>", to)


def field(var: str, *values: str) -> str:
    return f"<field var='{var}'>{''.join(f'<value>{value}</value>' for value in values)}</field>"


def execute(client: Client, name: str, *fields: str) -> ET.Element:
    """Asks for the form, fills it in and gives the last answer: the command, or the stanza that is an error."""
    head = f"<command xmlns='{COMMANDS[1:-1]}' node='{NODE}{name}'"
    answer = client.ask("set", f"{head}/>", "localhost")
    if answer.get("type") == "error" or answer[0].get("status") == "completed":
        return answer if answer.get("type") == "error" else answer[0]
    assert [child.tag for child in answer[0]] == [f"{COMMANDS}actions", f"{X}x"]
    session = answer[0].get("sessionid")
    answer = client.ask("set", f"{head} sessionid='{session}' action='complete'><x xmlns='jabber:x:data' type='submit'>"
                               f"{''.join(fields)}</x></command>", "localhost")
    return answer if answer.get("type") == "error" else answer[0]


def refused_login(world: World, account: str, password: str) -> str:
    """The condition of the failure; '' if the login succeeds."""
    client = world.connection()
    client.open()
    answer = client.plain(account.partition("@")[0], password)
    return "" if answer.tag == SASL + "success" else answer[0].tag.removeprefix(SASL)


# The owner

@pytest.mark.parametrize("to", ["", "localhost"])
def test_new_password(world: World, to: str) -> None:
    """The session that changed it stays, the others end."""
    one = world.online(resource="one")
    two = world.online(one.bare, "two")
    name = one.bare.partition("@")[0]
    one.send("<iq type='set' id='new'", f" to='{to}'" if to else "", "><query xmlns='jabber:iq:register'>"
             f"<username>{name}</username><password>new &amp; better</password></query></iq>")
    seen = one.until(lambda e: e.get("id") == "new")
    assert (seen[-1].get("type"), len(seen[-1])) == ("result", 0)
    assert two.stream_error() == "reset"
    assert any((stanza.get("type"), stanza.get("from")) == ("unavailable", two.jid) for stanza in seen + one.sync())
    assert refused_login(world, one.bare, PASSWORD) == "not-authorized"
    assert refused_login(world, one.bare, "new & better") == ""


@pytest.mark.parametrize(("inside", "expected"), [
    ("<username>{name}</username><password/>", "bad-request"), ("<password>new</password>", "bad-request"),
    ("<username>p99</username><password>new</password>", "not-allowed"), ("", "bad-request"),
    ("<remove/><username>{name}</username>", "bad-request"),
    ("<username>{name}</username><password>a\u0007</password>".replace("\u0007", "\u200b"), "not-acceptable"),
])
def test_changes_that_are_refused(world: World, inside: str, expected: str) -> None:
    client = world.online()
    assert condition(register(client, inside.format(name=client.bare.partition("@")[0]))) == expected
    assert refused_login(world, client.bare, PASSWORD) == ""


def test_what_is_on_file(world: World) -> None:
    client = world.online()
    query = client.ask("get", "<query xmlns='jabber:iq:register'/>")[0]
    assert [child.tag.rpartition("}")[2] for child in query] == ["registered", "username", "password"]
    assert query[1].text == client.bare.partition("@")[0]


def test_removal(world: World) -> None:
    """Contacts learn of it, all sessions end, and the next of that name is a stranger."""
    romeo, juliet = world.friends()
    other = world.online(romeo.bare)
    romeo.ask("set", "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>")
    juliet.sync()
    assert register(romeo, "<remove/>").get("type") == "result"
    assert romeo.stream_error() == other.stream_error() == "not-authorized"
    heard = juliet.until(lambda e: e.get("type") == "unsubscribed")
    assert f"presence unsubscribe {romeo.bare}" in [brief(stanza) for stanza in heard]
    assert [item.get("subscription") for item in juliet.ask("get", "<query xmlns='jabber:iq:roster'/>")[0]] == ["none"]
    assert refused_login(world, romeo.bare, PASSWORD) == "not-authorized"
    assert condition(juliet.ask("get", "<vCard xmlns='vcard-temp'/>", romeo.bare)) == "service-unavailable"


# Administrators

def test_commands_are_shown_to_administrators_alone(world: World, admin: Client) -> None:
    listing = f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS[1:-1]}'/>"
    shown = {item.get("node") for item in admin.ask("get", listing, "localhost")[0]}
    assert {NODE + "add-user", NODE + "announce"} <= shown
    stranger = world.online()
    assert len(stranger.ask("get", listing, "localhost")[0]) == 0
    info = f"<query xmlns='http://jabber.org/protocol/disco#info' node='{NODE}add-user'/>"
    assert admin.ask("get", info, "localhost")[0][0].get("type") == "command-node"
    assert condition(stranger.ask("get", info, "localhost")) == "forbidden"
    for name in ("add-user", "get-online-users-num"):
        assert condition(execute(stranger, name)) == "forbidden"


def test_an_account_from_its_beginning_to_its_end(world: World, admin: Client) -> None:
    jid, friend = "mercutio@localhost", world.online()
    done = execute(admin, "add-user", field("accountjid", jid), field("password", PASSWORD),
                   field("password-verify", PASSWORD))
    assert done.get("status") == "completed"
    assert condition(execute(admin, "add-user", field("accountjid", jid), field("password", "x"))) == "conflict"
    client = world.online(jid)
    befriend(friend, client)
    execute(admin, "end-user-session", field("accountjids", jid))
    assert client.stream_error() == "policy-violation"
    client = world.online(jid)
    execute(admin, "change-user-password", field("accountjid", jid), field("password", "new"))
    assert client.stream_error() == "reset"
    assert refused_login(world, jid, "new") == ""
    client = world.connection()
    client.log_in("mercutio", "new")
    execute(admin, "disable-user", field("accountjids", jid))
    assert client.stream_error() == "policy-violation"
    assert refused_login(world, jid, "new") == "account-disabled"
    assert refused_login(world, jid, "guess") == "not-authorized"
    execute(admin, "reenable-user", field("accountjids", jid))
    assert refused_login(world, jid, "new") == ""
    friend.sync()
    execute(admin, "delete-user", field("accountjids", jid))
    friend.until(lambda e: e.get("type") == "unsubscribed" and e.get("from") == jid)
    assert refused_login(world, jid, "new") == "not-authorized"
    failed = execute(admin, "delete-user", field("accountjids", jid))
    assert failed.find(f"{COMMANDS}note[@type='error']") is not None


def test_accounts_elsewhere_are_not_theirs(admin: Client) -> None:
    for name, var in (("delete-user", "accountjids"), ("end-user-session", "accountjids"), ("add-user", "accountjid")):
        answer = execute(admin, name, field(var, "x@far.example"), field("password", "x"))
        assert condition(answer) == "forbidden"


def test_numbers(world: World, admin: Client) -> None:
    def number(name: str) -> int:
        value = execute(admin, f"get-{name}-users-num").find(f"{X}x/{X}field[@var='{name}usersnum']/{X}value")
        assert value is not None
        return int(value.text or "")

    accounts, here = number("registered"), number("online")
    world.online(world.online().bare)
    assert (number("registered"), number("online")) == (accounts, here + 1)
    assert (number("active"), number("idle")) == (here + 1, 0)
    assert accounts >= 50
    account = world.account()
    execute(admin, "disable-user", field("accountjids", account))
    assert number("disabled") == 1
    execute(admin, "reenable-user", field("accountjids", account))


def test_statistics_of_a_user(world: World, admin: Client) -> None:
    one = world.friends()[0]
    second = world.online(one.bare)
    form = execute(admin, "user-stats", field("accountjid", one.bare)).find(f"{X}x")
    assert form is not None
    told = {each.get("var"): [value.text for value in each.iter(f"{X}value")] for each in form.iter(f"{X}field")}
    assert told["rostersize"] == ["1"]
    assert told["onlineresources"] == sorted(client.jid.partition("/")[2] for client in (one, second))
    assert told["ipaddresses"] == ["127.0.0.1"]
    assert condition(execute(admin, "user-stats", field("accountjid", "nobody@localhost"))) == "item-not-found"


def test_announcement(world: World, admin: Client) -> None:
    one = world.online()
    two, silent = world.online(one.bare), world.connected()
    execute(admin, "announce", field("announcement", "We go down", "at <noon>".replace("<", "&lt;")))
    for client in (one, two):
        [message] = [stanza for stanza in client.sync() if stanza.tag == NS + "message"]
        assert (message.get("from"), message.get("type"), body(message)) == (
            "localhost", "headline", "We go down\nat <noon>")
    assert silent.sync() == []


def test_whom_to_turn_to(world: World) -> None:
    info = world.online().ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "localhost")[0]
    form = info.find(f"{X}x")
    assert form is not None
    assert [value.text for value in form.iter(f"{X}value")] == [
        "http://jabber.org/network/serverinfo", "mailto:abuse@localhost"]


# What is kept for an account

def test_private_storage_and_card(world: World) -> None:
    one, other = world.online(), world.online()
    kept = "<storage xmlns='storage:bookmarks'><conference jid='a@b' name='&lt;é'/></storage>"
    query = "<query xmlns='jabber:iq:private'>{}</query>"
    assert one.ask("set", query.format(kept)).get("type") == "result"
    one.ask("set", "<vCard xmlns='vcard-temp'><FN>One</FN></vCard>")
    again = world.online(one.bare)
    stored = again.ask("get", query.format("<storage xmlns='storage:bookmarks'/>"))
    assert stored[0][0][0].get("name") == "<é"
    assert condition(other.ask("get", query.format("<storage xmlns='storage:bookmarks'/>"), one.bare)) == "forbidden"
    assert other.ask("get", "<vCard xmlns='vcard-temp'/>", one.bare)[0].findtext("{vcard-temp}FN") == "One"
    assert condition(other.ask("set", "<vCard xmlns='vcard-temp'/>", one.bare)) == "forbidden"
    assert len(other.ask("get", "<vCard xmlns='vcard-temp'/>")[0]) == 0
