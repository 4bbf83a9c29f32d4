import pytest

from headrace.modules.lifecycle import Lifecycle
from headrace.storage.ports import AccountExists, StorageError, Token
from support.world import World

ROMEO, TYBALT = "romeo@example.org", "tybalt@example.org"


@pytest.fixture
def life(world: World) -> Lifecycle:
    for resource in (f"{ROMEO}/a", f"{ROMEO}/b", f"{TYBALT}/c"):
        world.arrives(resource)
    return world.context.life


async def salt(world: World) -> bytes:
    account = await world.storage.accounts.get(ROMEO)
    assert account is not None
    assert account.credentials.sha256 is not None
    return account.credentials.sha256.salt


async def test_creation(world: World, life: Lifecycle) -> None:
    await life.create(ROMEO, "secret", source="192.0.2.1")
    assert await salt(world) == b"192.0.2.1 secret"
    with pytest.raises(AccountExists):
        await life.create(ROMEO, "other")


@pytest.mark.parametrize(("jid", "password"), [(ROMEO, ""), ("\u0221@example.org", "secret")])
async def test_what_cannot_be_created(world: World, life: Lifecycle, jid: str, password: str) -> None:
    """U+0221 is not assigned in Unicode 3.2, which prepares our own accounts' names."""
    with pytest.raises(ValueError):  # noqa: PT011  the words are those of whoever judges
        await life.create(jid, password)
    assert await world.storage.accounts.jids() == []


async def test_new_password_ends_other_sessions(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)
    assert await life.set_password(ROMEO, "new", but=f"{ROMEO}/a")
    assert await salt(world) == b" new"
    assert world.home.ended == [(f"{ROMEO}/b", "reset")]
    assert not await life.set_password("nobody@example.org", "new")


async def test_refused_password_ends_nothing(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)
    with pytest.raises(ValueError, match="empty"):
        await life.set_password(ROMEO, "")
    assert world.home.ended == []


async def test_disabling_ends_sessions_and_can_be_undone(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)
    assert await life.disable(ROMEO)
    assert world.home.ended == [(f"{ROMEO}/a", "policy-violation"), (f"{ROMEO}/b", "policy-violation")]
    assert (await world.storage.accounts.get(ROMEO)).disabled  # type: ignore[union-attr]
    assert await life.enable(ROMEO)
    assert not (await world.storage.accounts.get(ROMEO)).disabled  # type: ignore[union-attr]
    assert not await life.disable("nobody@example.org")
    assert not await life.enable("nobody@example.org")


async def test_ending_all_sessions_takes_tokens_along(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)
    await world.storage.tokens.issue(ROMEO, "phone", Token("HT-SHA-256-NONE", b"s", 1e9, 2e9), 5)
    assert await life.end(f"{ROMEO}/a") == 1
    assert (await world.storage.tokens.get(ROMEO, "phone")).fresh is not None
    assert await life.end(ROMEO) == 1
    assert (await world.storage.tokens.get(ROMEO, "phone")).fresh is None
    assert world.home.ended == [(f"{ROMEO}/a", "policy-violation"), (f"{ROMEO}/b", "policy-violation")]


async def test_deletion_asks_the_modules_while_the_account_is_there_and_shut(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)
    await world.context.blocklists.of(ROMEO)
    asked = []

    async def hook(jid: str) -> None:
        account = await world.storage.accounts.get(jid)
        asked.append((jid, account is not None and account.disabled, list(world.home.ended)))

    life.deleting = [hook]
    assert await life.delete(ROMEO, but=f"{ROMEO}/b")
    assert asked == [(ROMEO, True, [(f"{ROMEO}/a", "not-authorized")])]
    assert not await world.storage.accounts.exists(ROMEO)
    assert world.context.blocklists.known(ROMEO) is None
    assert not await life.delete(ROMEO)


async def test_broken_off_deletion_can_be_repeated(world: World, life: Lifecycle) -> None:
    await world.account(ROMEO)

    async def fails(jid: str) -> None:
        raise OSError

    life.deleting = [fails]
    with pytest.raises(OSError):  # noqa: PT011
        await life.delete(ROMEO)
    assert (await world.storage.accounts.get(ROMEO)).disabled  # type: ignore[union-attr]
    life.deleting = []
    assert await life.delete(ROMEO)


async def test_an_account_whose_messages_stay_stays(world: World, life: Lifecycle,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would see that they are there."""
    await world.account(ROMEO)

    async def forget(owner: str) -> None:
        raise StorageError("down")

    with monkeypatch.context() as patched:
        patched.setattr(world.storage.archive, "forget", forget)
        with pytest.raises(StorageError):
            await life.delete(ROMEO)
    assert await world.storage.accounts.exists(ROMEO)
    assert await life.delete(ROMEO)
    assert not await world.storage.accounts.exists(ROMEO)
