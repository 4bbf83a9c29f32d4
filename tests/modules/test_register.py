import pytest

from headrace.modules.api import End, Refused, Reply
from headrace.modules.register import Register
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO = "romeo@example.org"
SENDER = f"{ROMEO}/o"


async def ask(world: World, type: str, inside: str = "", to: str | None = None) -> list[object]:
    got = request(f"<iq type='{type}' id='1'><query xmlns='jabber:iq:register'>{inside}</query></iq>", SENDER, to)
    return await effects(getattr(world.module(Register), type)(got))


def credentials(name: str, password: str) -> str:
    return f"<username>{name}</username><password>{password}</password>"


@pytest.mark.parametrize("to", [None, "example.org"])
async def test_on_file(world: World, to: str | None) -> None:
    [answer] = await ask(world, "get", to=to)
    assert isinstance(answer, Reply)
    assert shape(tree(answer.payload)) == shape(tree(
        "<query xmlns='jabber:iq:register'><registered/><username>romeo</username><password/></query>"))


async def test_new_password_leaves_the_session_that_wanted_it(world: World) -> None:
    await world.account(ROMEO)
    for resource in (SENDER, f"{ROMEO}/other"):
        world.arrives(resource)
    assert await ask(world, "set", credentials("Romeo", "new")) == [Reply()]
    assert world.home.ended == [(f"{ROMEO}/other", "reset")]
    account = await world.storage.accounts.get(ROMEO)
    assert account is not None
    assert account.credentials.sha256 is not None
    assert account.credentials.sha256.salt == f"{ROMEO} new".encode()


async def test_removal_answers_before_the_session_ends(world: World) -> None:
    await world.account(ROMEO)
    for resource in (SENDER, f"{ROMEO}/other"):
        world.arrives(resource)
    answer, end = await ask(world, "set", "<remove/>")
    assert answer == Reply()
    assert isinstance(end, End)
    assert (end.condition, world.home.ended) == ("not-authorized", [(f"{ROMEO}/other", "not-authorized")])
    assert not await world.storage.accounts.exists(ROMEO)


@pytest.mark.parametrize(("inside", "to", "condition"), [
    ("", None, "bad-request"), ("<username>romeo</username>", None, "bad-request"),
    (credentials("romeo", ""), None, "bad-request"), (credentials("", "new"), None, "bad-request"),
    (credentials("juliet", "new"), None, "not-allowed"), (credentials("romeo", "new"), "example.net", "not-allowed"),
    ("<remove/>", "example.net", "not-allowed"), ("<remove/><username>romeo</username>", None, "bad-request"),
])
async def test_refused(world: World, inside: str, to: str | None, condition: str) -> None:
    await world.account(ROMEO)
    with pytest.raises(Refused) as refused:
        await ask(world, "set", inside, to)
    assert refused.value.condition == condition
    assert await world.storage.accounts.exists(ROMEO)


async def test_name_that_has_to_be_escaped(world: World) -> None:
    with pytest.raises(Refused, match="not-acceptable") as refused:
        await ask(world, "set", credentials("d'artagnan", "new"))
    assert refused.value.text is not None
    assert refused.value.text.endswith(r"write d\27artagnan")
    with pytest.raises(Refused, match="not-acceptable"):
        await ask(world, "set", credentials(" ", "new"))


@pytest.mark.parametrize(("inside", "condition"), [(credentials("romeo", "new"), "not-allowed"),
                                                   ("<remove/>", "registration-required")])
async def test_who_has_no_account(world: World, inside: str, condition: str) -> None:
    """An anonymous login."""
    with pytest.raises(Refused, match=condition):
        await ask(world, "set", inside)
