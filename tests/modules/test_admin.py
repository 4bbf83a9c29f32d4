from dataclasses import replace

import pytest

from headrace.modules.admin import Admin
from headrace.modules.api import Call, Command, Done, Refused
from headrace.modules.hosts import Host
from headrace.modules.lifecycle import Lifecycle
from headrace.session.derive import TooBusy
from headrace.storage.ports import RosterItem
from support.stanzas import tree
from support.world import World, request

ADMIN, ROMEO, JULIET = "admin@example.org", "romeo@example.org", "juliet@example.org"
SENDER = f"{ADMIN}/r"


@pytest.fixture
def admin(world: World) -> Admin:
    hosts = {"example.org": Host(admins=frozenset({ADMIN})), "example.net": Host()}
    return Admin(replace(world.context, hosts=hosts), Admin.Options())


async def run(admin: Admin, name: str, **values: tuple[str, ...]) -> Done:
    iq = request("<iq type='set' id='1'><command xmlns='http://jabber.org/protocol/commands'/></iq>", SENDER,
                 "example.org")
    done: Done = await getattr(admin, name)(Call(iq, {key.replace("_", "-"): value for key, value in values.items()}))
    return done


async def refusal(admin: Admin, name: str, **values: tuple[str, ...]) -> str:
    with pytest.raises(Refused) as refused:
        await run(admin, name, **values)
    return refused.value.condition


def test_nodes_are_those_of_the_document(admin: Admin) -> None:
    methods = [getattr(Admin, name) for name in dir(Admin)]
    found = {method.command.node: method.command for method in methods if hasattr(method, "command")}
    assert {node.removeprefix("http://jabber.org/protocol/admin#") for node in found} == {
        "add-user", "delete-user", "disable-user", "reenable-user", "end-user-session", "change-user-password",
        "get-registered-users-num", "get-disabled-users-num", "get-online-users-num", "get-active-users-num",
        "get-idle-users-num", "get-online-users-list", "user-stats", "announce"}
    assert all(isinstance(c, Command) and c.form_type == "http://jabber.org/protocol/admin" for c in found.values())


async def test_adding(world: World, admin: Admin) -> None:
    done = await run(admin, "add", accountjid=(ROMEO,), password=("secret",), password_verify=("secret",))
    assert not done.failed
    assert await world.storage.accounts.exists(ROMEO)
    assert await refusal(admin, "add", accountjid=(ROMEO,), password=("other",)) == "conflict"


@pytest.mark.parametrize(("jid", "passwords", "condition"), [
    (JULIET, "a b", "bad-request"), (JULIET, " ", "not-acceptable"), ("example.org", "a a", "bad-request"),
    (f"{JULIET}/r", "a a", "bad-request"), ("juliet@example.net", "a a", "forbidden"),
    ("juliet@far.example", "a a", "forbidden"),
])
async def test_adding_refused(world: World, admin: Admin, jid: str, passwords: str, condition: str) -> None:
    one, two = passwords.split(" ")
    assert await refusal(admin, "add", accountjid=(jid,), password=(one,), password_verify=(two,)) == condition
    assert await world.storage.accounts.jids() == []


async def test_new_password(world: World, admin: Admin) -> None:
    await world.account(ROMEO, ADMIN)
    for jid in (SENDER, f"{ADMIN}/other", f"{ROMEO}/o"):
        world.arrives(jid)
    await run(admin, "change_password", accountjid=(ROMEO,), password=("new",))
    await run(admin, "change_password", accountjid=(ADMIN,), password=("new",))
    assert world.home.ended == [(f"{ROMEO}/o", "reset"), (f"{ADMIN}/other", "reset")]
    assert await refusal(admin, "change_password", accountjid=(JULIET,), password=("new",)) == "item-not-found"
    assert await refusal(admin, "change_password", accountjid=(ROMEO,), password=("",)) == "not-acceptable"


async def test_too_many_derivations_at_once_are_no_failure_of_ours(world: World, admin: Admin) -> None:
    async def busy(source: str, password: str) -> None:
        raise TooBusy(source)

    life = Lifecycle(world.storage, world.home, world.context.blocklists, world.context.archiving,
                     busy)  # type: ignore[arg-type]
    admin = Admin(replace(admin.context, life=life), Admin.Options())
    with pytest.raises(TooBusy):
        await run(admin, "add", accountjid=(ROMEO,), password=("secret",))


@pytest.mark.parametrize(("name", "condition"), [("delete", "not-authorized"), ("disable", "policy-violation")])
async def test_several_at_once(world: World, admin: Admin, name: str, condition: str) -> None:
    await world.account(ROMEO, JULIET)
    world.arrives(f"{ROMEO}/o")
    done = await run(admin, name, accountjids=(ROMEO, "nobody@example.org", JULIET))
    assert done.failed
    assert "nobody@example.org" in done.note
    assert world.home.ended == [(f"{ROMEO}/o", condition)]
    left = await world.storage.accounts.count("example.org"), await world.storage.accounts.count(
        "example.org", disabled=True)
    assert left == ((0, 0) if name == "delete" else (2, 2))


async def test_all_are_judged_before_the_first_is_changed(world: World, admin: Admin) -> None:
    await world.account(ROMEO)
    assert await refusal(admin, "delete", accountjids=(ROMEO, "juliet@example.net")) == "forbidden"
    assert await world.storage.accounts.exists(ROMEO)


async def test_enabling_again(world: World, admin: Admin) -> None:
    await world.account(ROMEO)
    await run(admin, "disable", accountjids=(ROMEO,))
    assert not (await run(admin, "enable", accountjids=(ROMEO,))).failed
    assert await world.storage.accounts.count("example.org", disabled=True) == 0


async def test_ending_sessions(world: World, admin: Admin) -> None:
    for jid in (f"{ROMEO}/a", f"{ROMEO}/b", f"{JULIET}/c", f"{JULIET}/d"):
        world.arrives(jid)
    done = await run(admin, "end_session", accountjids=(ROMEO, f"{JULIET}/d", "nobody@example.org"))
    assert done.note == "3 sessions ended."
    assert [jid for jid, _ in world.home.ended] == [f"{ROMEO}/a", f"{ROMEO}/b", f"{JULIET}/d"]
    assert await refusal(admin, "end_session", accountjids=("a@example.net/x",)) == "forbidden"


async def test_numbers_are_of_the_domain(world: World, admin: Admin) -> None:
    await world.account(ROMEO, JULIET, ADMIN, "x@example.net")
    await run(admin, "disable", accountjids=(JULIET,))
    for jid, silence in ((f"{ROMEO}/a", 0.0), (f"{ROMEO}/b", 900.0), (f"{ADMIN}/c", 601.0), ("x@example.net/d", 0.0)):
        world.arrives(jid, silence=silence)
    numbers = [(await run(admin, name)).fields[0] for name in ("registered", "disabled", "online", "active", "idle")]
    assert [(number.var, number.values) for number in numbers] == [
        ("registeredusersnum", ("3",)), ("disabledusersnum", ("1",)), ("onlineusersnum", ("2",)),
        ("activeusersnum", ("1",)), ("idleusersnum", ("1",))]
    [who] = (await run(admin, "who")).fields
    assert (who.var, who.values) == ("onlineuserjids", (ADMIN, ROMEO))


async def test_statistics_of_a_user(world: World, admin: Admin) -> None:
    await world.account(ROMEO, JULIET)
    await world.storage.roster.put(ROMEO, RosterItem(JULIET))
    await world.storage.roster.put(ROMEO, RosterItem("stranger@far.example", pending_in=b"<presence/>", listed=False))
    for jid in (f"{ROMEO}/b", f"{ROMEO}/a", f"{JULIET}/c"):
        world.arrives(jid)
    fields = (await run(admin, "statistics", accountjid=(ROMEO,))).fields
    assert {field.var: field.values for field in fields} == {
        "rostersize": ("1",), "onlineresources": ("a", "b"), "ipaddresses": ("192.0.2.1",)}
    assert await refusal(admin, "statistics", accountjid=("nobody@example.org",)) == "item-not-found"
    assert await refusal(admin, "statistics", accountjid=("x@example.net",)) == "forbidden"


async def test_announcement(world: World, admin: Admin) -> None:
    here = [world.arrives(jid) for jid in (f"{ROMEO}/a", f"{ROMEO}/b", f"{ADMIN}/c")]
    away, foreign = world.arrives(f"{JULIET}/d", available=False), world.arrives("x@example.net/e")
    assert (await run(admin, "announce", announcement=("Down <soon>", "", "Bye"))).note == "2 users have got it."
    for resource in here:
        [message] = map(tree, resource.got)
        assert (message.get("from"), message.get("type")) == ("example.org", "headline")
        assert message.get("to") == resource.jid.partition("/")[0]
        assert message.findtext("{jabber:client}body") == "Down <soon>\n\nBye"
    assert away.got == foreign.got == []
