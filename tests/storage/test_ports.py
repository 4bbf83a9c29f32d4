"""What every back end must do: the port suite. Nothing here knows which one it is."""

import asyncio
import dataclasses

import pytest

from headrace.sasl.credentials import Credentials, ScramVerifier
from headrace.storage.ports import (
    AccountExists,
    ClientTokens,
    RosterChange,
    RosterItem,
    RosterRevision,
    Storage,
    Token,
)
from support.letters import Letters

ROMEO, JULIET, TYBALT = "romeo@example.org", "juliet@example.org", "tybalt@example.net"


def credentials(seed: int) -> Credentials:
    return Credentials(
        sha1=ScramVerifier(bytes([seed]) * 16, 4096, bytes([1, seed]) * 10, bytes([2, seed]) * 10),
        sha256=ScramVerifier(bytes([seed, 0]) * 8, 10000, bytes([3, seed]) * 16, bytes([4, seed]) * 16))


class TestAccounts:
    async def test_account_comes_back_as_created(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        account = await storage.accounts.get(ROMEO)
        assert account is not None
        assert (account.jid, account.credentials) == (ROMEO, credentials(1))
        assert account.created > 1_700_000_000

    async def test_unknown_account(self, storage: Storage) -> None:
        assert await storage.accounts.get(ROMEO) is None
        assert not await storage.accounts.exists(ROMEO)
        assert not await storage.accounts.set_credentials(ROMEO, credentials(1))
        assert not await storage.accounts.delete(ROMEO)

    async def test_second_creation_is_refused_and_changes_nothing(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        with pytest.raises(AccountExists, match=ROMEO):
            await storage.accounts.create(ROMEO, credentials(2))
        account = await storage.accounts.get(ROMEO)
        assert account is not None
        assert account.credentials == credentials(1)

    async def test_new_password_replaces_every_verifier(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        assert await storage.accounts.set_credentials(ROMEO, credentials(2))
        account = await storage.accounts.get(ROMEO)
        assert account is not None
        assert account.credentials == credentials(2)

    async def test_new_password_leaves_nothing_of_the_old_one(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        only = Credentials(sha512=credentials(2).sha256)
        assert await storage.accounts.set_credentials(ROMEO, only)
        account = await storage.accounts.get(ROMEO)
        assert account is not None
        assert account.credentials == only

    async def test_a_verifier_is_added_once(self, storage: Storage) -> None:
        first, second = credentials(3).sha256, credentials(4).sha256
        assert first is not None
        assert second is not None
        assert not await storage.accounts.add_verifier(ROMEO, "sha512", first)
        await storage.accounts.create(ROMEO, credentials(1))
        assert await storage.accounts.add_verifier(ROMEO, "sha512", first)
        assert not await storage.accounts.add_verifier(ROMEO, "sha512", second)
        account = await storage.accounts.get(ROMEO)
        assert account is not None
        assert account.credentials == dataclasses.replace(credentials(1), sha512=first)

    async def test_many_at_once_leave_existing_ones_alone(self, storage: Storage) -> None:
        await storage.accounts.create("user7@example.org", credentials(9))
        many = [(f"user{n}@example.org", credentials(1)) for n in range(2000)]
        assert await storage.accounts.create_many(many) == 1999
        assert len(await storage.accounts.jids("example.org")) == 2000
        kept = await storage.accounts.get("user7@example.org")
        assert kept is not None
        assert kept.credentials == credentials(9)

    async def test_last_seen_is_of_existing_accounts(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        assert await storage.accounts.last_seen(ROMEO) is None
        await storage.accounts.set_last_seen({ROMEO: 1e9, JULIET: 1e9})
        await storage.accounts.set_last_seen({ROMEO: 1e9 + 0.5})
        assert await storage.accounts.last_seen(ROMEO) == 1e9 + 0.5
        assert await storage.accounts.last_seen(JULIET) is None
        assert await storage.accounts.delete(ROMEO)
        assert await storage.accounts.last_seen(ROMEO) is None

    async def test_disabling_and_back(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        for disabled in (True, True, False):
            assert await storage.accounts.set_disabled(ROMEO, disabled)
            account = await storage.accounts.get(ROMEO)
            assert account is not None
            assert (account.disabled, account.credentials) == (disabled, credentials(1))
        assert not await storage.accounts.set_disabled(JULIET, True)

    async def test_counts_are_of_a_host(self, storage: Storage) -> None:
        await storage.accounts.create_many([(jid, credentials(1)) for jid in (TYBALT, ROMEO, JULIET)])
        await storage.accounts.set_disabled(ROMEO, True)
        assert await storage.accounts.count("example.org") == 2
        assert await storage.accounts.count("example.org", disabled=True) == 1
        assert await storage.accounts.count("example.net", disabled=True) == 0

    async def test_jids_are_sorted_and_by_host(self, storage: Storage) -> None:
        await storage.accounts.create_many([(jid, credentials(1)) for jid in (TYBALT, ROMEO, JULIET)])
        assert await storage.accounts.jids("example.org") == [JULIET, ROMEO]
        assert await storage.accounts.jids() == [JULIET, ROMEO, TYBALT]
        assert await storage.accounts.jids("example.com") == []

    async def test_deletion_takes_all_that_is_stored_but_nobody_elses(self, storage: Storage) -> None:
        await storage.accounts.create_many([(ROMEO, credentials(1)), (JULIET, credentials(2))])
        for owner in (ROMEO, JULIET):
            await storage.blocks.add(owner, [TYBALT])
            await storage.documents.put(owner, "vcard", {"": b"<vCard/>"})
        await storage.roster.put_pair(ROMEO, RosterItem(JULIET), JULIET, RosterItem(ROMEO))
        await Letters(storage).add(ROMEO, JULIET, b"<message>1</message>", 1e9)
        await Letters(storage).add(JULIET, ROMEO, b"<message>2</message>", 1e9)
        assert await storage.accounts.delete(ROMEO)
        assert not await storage.accounts.exists(ROMEO)
        assert await storage.roster.load(ROMEO) == []
        assert await Letters(storage).count(ROMEO) == 0
        assert await storage.accounts.exists(JULIET)
        assert len(await storage.roster.load(JULIET)) == 1
        assert await Letters(storage).count(JULIET) == 1
        assert [await storage.blocks.load(owner) for owner in (ROMEO, JULIET)] == [frozenset(), {TYBALT}]
        assert [await storage.documents.get(owner, "vcard", "") for owner in (ROMEO, JULIET)] == [None, b"<vCard/>"]

    async def test_a_name_used_again_inherits_nothing(self, storage: Storage) -> None:
        """Also what came for the old account after its end."""
        await storage.accounts.create(ROMEO, credentials(1))
        Letters(storage).add(ROMEO, JULIET, b"<message>1</message>", 1e9)
        assert await storage.accounts.delete(ROMEO)
        await Letters(storage).add(ROMEO, JULIET, b"<message>2</message>", 1e9)
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        await storage.tokens.issue(ROMEO, PHONE, token(1), 9)
        await storage.accounts.create(ROMEO, credentials(2))
        assert await Letters(storage).count(ROMEO) == 0
        assert await storage.roster.load(ROMEO) == []
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()

    async def test_longest_names(self, storage: Storage) -> None:
        jid, other = (f"{letter * 1023}@{'d' * 1023}" for letter in "ab")
        await storage.accounts.create(jid, credentials(1))
        await storage.roster.put_pair(jid, RosterItem(other), other, RosterItem(jid))
        await Letters(storage).add(jid, other, b"<message/>", 1e9)
        await storage.accounts.set_last_seen({jid: 1e9})
        assert await storage.accounts.jids("d" * 1023) == [jid]
        assert [item.jid for item in await storage.roster.load(jid)] == [other]
        assert await Letters(storage).count(jid) == 1


class TestOrder:
    """What nobody has awaited yet is seen, about the same account."""

    async def test_of_accounts(self, storage: Storage) -> None:
        made = await asyncio.gather(
            storage.accounts.create(ROMEO, credentials(1)), storage.accounts.set_credentials(ROMEO, credentials(2)),
            storage.accounts.exists(ROMEO), storage.accounts.get(ROMEO), storage.accounts.jids(),
            storage.accounts.count("example.org"))
        _, changed, exists, account, jids, count = made
        assert account is not None
        assert account.credentials == credentials(2)
        assert (changed, exists, jids, count) == (True, True, [ROMEO], 1)
        assert await asyncio.gather(storage.accounts.delete(ROMEO), storage.accounts.exists(ROMEO)) == [True, False]

    async def test_of_rosters(self, storage: Storage) -> None:
        items = [RosterItem(JULIET, str(n)) for n in range(20)]
        *_, loaded = await asyncio.gather(
            *(storage.roster.put(ROMEO, item) for item in items), storage.roster.load(ROMEO))
        assert loaded == [items[-1]]
        removed = await asyncio.gather(storage.roster.remove(ROMEO, JULIET), storage.roster.get(ROMEO, JULIET))
        assert removed == [True, None]

    async def test_of_what_else_an_account_has(self, storage: Storage) -> None:
        _, _, blocked, _, document, sizes = await asyncio.gather(
            storage.accounts.create(ROMEO, credentials(1)), storage.blocks.add(ROMEO, [TYBALT]),
            storage.blocks.load(ROMEO), storage.documents.put(ROMEO, "vcard", {"": b"<vCard/>"}),
            storage.documents.get(ROMEO, "vcard", ""), storage.documents.sizes(ROMEO, "vcard"))
        assert (blocked, document, sizes) == ({TYBALT}, b"<vCard/>", {"": 8})


PHONE, LAPTOP = "d4565fa7-4d72-4749-b3d3-740edbf87770", "00000000-0000-4000-8000-000000000000"
DAY = 86_400.0


def token(seed: int, issued: float = 1e9, expires: float = 1e9 + DAY) -> Token:
    return Token("HT-SHA-256-EXPR", bytes([seed]) * 16, issued, expires)


class TestTokens:
    async def test_nobody_has_any_at_first(self, storage: Storage) -> None:
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()
        assert await storage.tokens.forget(ROMEO) == 0

    async def test_a_fresh_token_waits_beside_the_current_one_until_it_is_used(self, storage: Storage) -> None:
        await storage.tokens.issue(ROMEO, PHONE, token(1), 9)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(None, token(1))
        await storage.tokens.used(ROMEO, PHONE, token(1))
        await storage.tokens.issue(ROMEO, PHONE, token(2), 9)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(token(1), token(2))
        await storage.tokens.issue(ROMEO, PHONE, token(3), 9)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(token(1), token(3))
        await storage.tokens.used(ROMEO, PHONE, token(3))
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(token(3), None)

    async def test_only_the_fresh_token_becomes_current(self, storage: Storage) -> None:
        await storage.tokens.issue(ROMEO, PHONE, token(1), 9)
        await storage.tokens.used(ROMEO, PHONE, token(2))
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(None, token(1))

    async def test_clients_and_accounts_are_apart(self, storage: Storage) -> None:
        for number, (jid, client) in enumerate([(ROMEO, PHONE), (ROMEO, LAPTOP), (JULIET, PHONE)]):
            await storage.tokens.issue(jid, client, token(number), 9)
        assert await storage.tokens.forget(ROMEO, PHONE) == 1
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()
        assert await storage.tokens.get(ROMEO, LAPTOP) == ClientTokens(None, token(1))
        assert await storage.tokens.forget(ROMEO) == 1
        assert await storage.tokens.get(JULIET, PHONE) == ClientTokens(None, token(2))

    async def test_what_has_expired_goes_with_the_next_token(self, storage: Storage) -> None:
        await storage.tokens.issue(ROMEO, PHONE, token(1), 9)
        await storage.tokens.issue(ROMEO, LAPTOP, token(2, issued=1e9 + DAY), 9)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()

    async def test_as_many_clients_as_are_kept(self, storage: Storage) -> None:
        for number in range(5):
            await storage.tokens.issue(ROMEO, f"client {number}", token(number, issued=1e9 + number), 3)
        kept = [bool((await storage.tokens.get(ROMEO, f"client {number}")).fresh) for number in range(5)]
        assert kept == [False, False, True, True, True]

    async def test_a_new_password_deletion_and_disabling_end_them(self, storage: Storage) -> None:
        await storage.accounts.create_many([(ROMEO, credentials(1)), (JULIET, credentials(2))])
        for jid in (ROMEO, JULIET):
            await storage.tokens.issue(jid, PHONE, token(1), 9)
        assert await storage.accounts.set_credentials(ROMEO, credentials(3))
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()
        assert await storage.accounts.delete(JULIET)
        assert await storage.tokens.get(JULIET, PHONE) == ClientTokens()
        await storage.tokens.issue(ROMEO, PHONE, token(2), 9)
        assert await storage.accounts.set_disabled(ROMEO, False)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens(None, token(2))
        assert await storage.accounts.set_disabled(ROMEO, True)
        assert await storage.tokens.get(ROMEO, PHONE) == ClientTokens()


class TestRoster:
    async def test_item_comes_back_as_put(self, storage: Storage) -> None:
        item = RosterItem(JULIET, "Juliet ♥", "to", ask=True, approved=True, groups=("Verona", "a\"b,c"),
                          pending_in=b"<presence type='subscribe'/>", listed=False)
        await storage.roster.put(ROMEO, item)
        assert await storage.roster.load(ROMEO) == [item]
        assert await storage.roster.get(ROMEO, JULIET) == item

    async def test_defaults_come_back(self, storage: Storage) -> None:
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        assert await storage.roster.load(ROMEO) == [RosterItem(JULIET)]

    async def test_put_replaces(self, storage: Storage) -> None:
        await storage.roster.put(ROMEO, RosterItem(JULIET, "old", groups=("a",)))
        await storage.roster.put(ROMEO, RosterItem(JULIET, "new"))
        assert await storage.roster.load(ROMEO) == [RosterItem(JULIET, "new")]

    async def test_rosters_are_apart(self, storage: Storage) -> None:
        await storage.roster.put(ROMEO, RosterItem(TYBALT))
        assert await storage.roster.load(JULIET) == []
        assert await storage.roster.get(JULIET, TYBALT) is None

    async def test_remove_says_whether_there_was_one(self, storage: Storage) -> None:
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        assert await storage.roster.remove(ROMEO, JULIET)
        assert not await storage.roster.remove(ROMEO, JULIET)
        assert await storage.roster.load(ROMEO) == []

    async def test_changes_of_several_owners_go_together(self, storage: Storage) -> None:
        await storage.roster.put(ROMEO, RosterItem(TYBALT))
        await storage.roster.apply([
            RosterChange(ROMEO, TYBALT, None),
            RosterChange(ROMEO, JULIET, RosterItem(JULIET, subscription="to")),
            RosterChange(JULIET, ROMEO, RosterItem(ROMEO, subscription="from"))])
        assert await storage.roster.load(ROMEO) == [RosterItem(JULIET, subscription="to")]
        assert await storage.roster.load(JULIET) == [RosterItem(ROMEO, subscription="from")]

    async def test_failing_change_leaves_nothing_of_its_commit(self, storage: Storage) -> None:
        broken = RosterItem(ROMEO, name=None)  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"(?i)null"):
            await storage.roster.put_pair(ROMEO, RosterItem(JULIET), JULIET, broken)
        assert await storage.roster.load(ROMEO) == []


class TestRosterVersions:
    async def test_visible_changes_count(self, storage: Storage) -> None:
        assert await storage.roster.version(ROMEO) == 0
        first, hidden, second, other = await storage.roster.apply([
            RosterChange(ROMEO, JULIET, RosterItem(JULIET)),
            RosterChange(ROMEO, TYBALT, RosterItem(TYBALT, listed=False), visible=False),
            RosterChange(ROMEO, JULIET, RosterItem(JULIET, "J")),
            RosterChange(JULIET, ROMEO, RosterItem(ROMEO))])
        assert (second, hidden) == (first + 1, 0)
        assert await storage.roster.version(ROMEO) == second
        assert await storage.roster.version(JULIET) == other

    async def test_revisions_are_the_last_of_each_contact_in_order(self, storage: Storage) -> None:
        [before, *_] = await storage.roster.apply([
            RosterChange(ROMEO, JULIET, RosterItem(JULIET)), RosterChange(ROMEO, TYBALT, RosterItem(TYBALT))])
        await storage.roster.put(ROMEO, RosterItem(JULIET, "J", groups=("a", "b")))
        assert await storage.roster.remove(ROMEO, TYBALT)
        assert not await storage.roster.remove(ROMEO, TYBALT)
        await storage.roster.put(ROMEO, RosterItem(JULIET, "J", "both"))
        assert await storage.roster.revisions(ROMEO, before) == [
            RosterRevision(before + 3, TYBALT, None),
            RosterRevision(before + 4, JULIET, RosterItem(JULIET, "J", "both"))]
        assert await storage.roster.revisions(ROMEO, before + 3) == [
            RosterRevision(before + 4, JULIET, RosterItem(JULIET, "J", "both"))]
        assert await storage.roster.revisions(ROMEO, before + 4) == []

    async def test_versions_of_other_rosters_are_not_known(self, storage: Storage) -> None:
        assert await storage.roster.revisions(ROMEO, 0) == []
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        version = await storage.roster.version(ROMEO)
        assert await storage.roster.revisions(ROMEO, 0) is None
        assert await storage.roster.revisions(ROMEO, version + 1) is None

    async def test_memory_is_bounded(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        for backend in ("sqlite", "postgres"):
            monkeypatch.setattr(f"headrace.storage.{backend}.roster.ROSTER_MEMORY", 3)
        contacts = [f"c{number}@example.net" for number in range(6)]
        versions = await storage.roster.apply([RosterChange(ROMEO, jid, RosterItem(jid)) for jid in contacts])
        assert await storage.roster.revisions(ROMEO, versions[1]) is None
        known = await storage.roster.revisions(ROMEO, versions[2])
        assert known is not None
        assert [revision.contact for revision in known] == contacts[3:]

    async def test_removing_what_is_not_there(self, storage: Storage) -> None:
        [version] = await storage.roster.apply([RosterChange(ROMEO, JULIET, None)])
        assert await storage.roster.version(ROMEO) == version
        assert await storage.roster.revisions(ROMEO, version - 1) == [RosterRevision(version, JULIET, None)]

    async def test_an_account_made_again_repeats_no_version(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        await storage.roster.put(ROMEO, RosterItem(JULIET))
        old = await storage.roster.version(ROMEO)
        await storage.accounts.delete(ROMEO)
        assert await storage.roster.version(ROMEO) == 0
        await asyncio.sleep(0.002)  # as long as a version and its memory last
        await storage.accounts.create(ROMEO, credentials(2))
        await storage.roster.put(ROMEO, RosterItem(TYBALT))
        assert await storage.roster.revisions(ROMEO, old) is None

    async def test_failing_change_makes_no_version(self, storage: Storage) -> None:
        with pytest.raises(Exception, match=r"(?i)null"):
            await storage.roster.apply([RosterChange(ROMEO, JULIET, RosterItem(JULIET)),
                                        RosterChange(ROMEO, TYBALT, RosterItem(TYBALT, name=None))])  # type: ignore[arg-type]
        assert await storage.roster.version(ROMEO) == 0


class TestOffline:
    async def test_messages_come_back_in_order_with_their_times(self, storage: Storage) -> None:
        stanzas = [b"<message>%d</message>" % n for n in range(50)]
        ids = await asyncio.gather(
            *(Letters(storage).add(ROMEO, JULIET, stanza, 1e9 + n) for n, stanza in enumerate(stanzas)))
        fetched = await Letters(storage).fetch(ROMEO)
        assert [message.stanza for message in fetched] == stanzas
        assert [message.id for message in fetched] == ids == sorted(set(ids))
        assert [message.time for message in fetched] == [1e9 + n for n in range(50)]

    async def test_fetch_sees_what_nobody_has_awaited(self, storage: Storage) -> None:
        tickets = [Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9) for _ in range(1200)]
        assert len(await Letters(storage).fetch(ROMEO)) == 1200
        assert await Letters(storage).count(ROMEO) == 1200
        assert len(set(await asyncio.gather(*tickets))) == 1200

    async def test_remove_forgets_up_to_an_id_and_only_the_owners(self, storage: Storage) -> None:
        ids = [await Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9) for _ in range(3)]
        await Letters(storage).add(JULIET, ROMEO, b"<message/>", 1e9 - 5)
        assert await Letters(storage).remove(ROMEO, ids[1]) == 2
        assert [message.id for message in await Letters(storage).fetch(ROMEO)] == [ids[2]]
        assert await Letters(storage).count(JULIET) == 1

    async def test_remove_sees_what_nobody_has_awaited(self, storage: Storage) -> None:
        Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9)
        assert await Letters(storage).remove(ROMEO, 2**63 - 1) == 1

    async def test_bytes_are_kept_as_they_are(self, storage: Storage) -> None:
        stanza = bytes(range(256)) * 1000
        await Letters(storage).add(ROMEO, JULIET, stanza, 1e9)
        [message] = await Letters(storage).fetch(ROMEO)
        assert message.stanza == stanza

    async def test_ids_grow_though_the_clock_goes_back(self, storage: Storage) -> None:
        first = await Letters(storage).add(ROMEO, JULIET, b"<message>1</message>", 2e9)
        second = await Letters(storage).add(ROMEO, JULIET, b"<message>2</message>", 1e9)
        assert second > first

    async def test_cancelled_waiter_does_not_take_its_message_along(self, storage: Storage) -> None:
        waiter = asyncio.ensure_future(Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9))
        waiter.cancel()
        await Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9)
        assert await Letters(storage).count(ROMEO) == 2


class TestBlocks:
    async def test_lists_are_apart_and_know_each_jid_once(self, storage: Storage) -> None:
        await storage.accounts.create_many([(ROMEO, credentials(1)), (JULIET, credentials(2))])
        assert await storage.blocks.load(ROMEO) == frozenset()
        await storage.blocks.add(ROMEO, [TYBALT, "example.com", f"{JULIET}/balcony"])
        await storage.blocks.add(ROMEO, [TYBALT])
        await storage.blocks.add(JULIET, [TYBALT])
        await storage.blocks.remove(ROMEO, ["example.com", "unknown.example"])
        assert await storage.blocks.load(ROMEO) == {TYBALT, f"{JULIET}/balcony"}
        await storage.blocks.remove(ROMEO, await storage.blocks.load(ROMEO))
        assert [await storage.blocks.load(owner) for owner in (ROMEO, JULIET)] == [frozenset(), {TYBALT}]

    async def test_longest_jid_fits(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        longest = f"{'l' * 1023}@{'d' * 1023}/{'r' * 1023}"
        await storage.blocks.add(ROMEO, [longest])
        assert await storage.blocks.load(ROMEO) == {longest}

    async def test_nobody_owns_nothing(self, storage: Storage) -> None:
        await storage.blocks.add(ROMEO, [TYBALT])
        assert await storage.blocks.load(ROMEO) == frozenset()


class TestDocuments:
    async def test_content_comes_back_by_owner_kind_and_name(self, storage: Storage) -> None:
        await storage.accounts.create_many([(ROMEO, credentials(1)), (JULIET, credentials(2))])
        content = bytes(range(256)) * 1000
        await storage.documents.put(ROMEO, "private", {"a": content, "b": b"<b/>"})
        await storage.documents.put(ROMEO, "vcard", {"a": b"<vCard/>"})
        await storage.documents.put(JULIET, "private", {"a": b"<hers/>"})
        assert await storage.documents.get(ROMEO, "private", "a") == content
        assert await storage.documents.get(ROMEO, "private", "c") is None
        assert await storage.documents.sizes(ROMEO, "private") == {"a": len(content), "b": 4}

    async def test_put_replaces(self, storage: Storage) -> None:
        await storage.accounts.create(ROMEO, credentials(1))
        await storage.documents.put(ROMEO, "private", {"a": b"<old/>", "b": b"<b/>"})
        await storage.documents.put(ROMEO, "private", {"a": b""})
        assert await storage.documents.get(ROMEO, "private", "a") == b""
        assert await storage.documents.sizes(ROMEO, "private") == {"a": 0, "b": 4}

    async def test_removed_ones_are_gone(self, storage: Storage) -> None:
        await storage.accounts.create_many([(ROMEO, credentials(1)), (JULIET, credentials(2))])
        for owner in (ROMEO, JULIET):
            await storage.documents.put(owner, "push", {"a": b"1", "b": b"2", "c": b"3"})
        await storage.documents.remove(ROMEO, "push", ["a", "c", "never"])
        assert await storage.documents.all(ROMEO, "push") == {"b": b"2"}
        assert len(await storage.documents.all(JULIET, "push")) == 3
        assert await storage.documents.all(ROMEO, "private") == {}

    async def test_nobody_owns_nothing(self, storage: Storage) -> None:
        await storage.documents.put(ROMEO, "private", {"a": b"<a/>"})
        assert await storage.documents.get(ROMEO, "private", "a") is None


class TestLife:
    async def test_closing_commits_what_waits(self, open_storage) -> None:
        storage = await open_storage()
        tickets = [Letters(storage).add(ROMEO, JULIET, b"<message/>", 1e9) for _ in range(700)]
        await storage.close()
        assert all(ticket.done() for ticket in tickets)
        again = await open_storage()
        assert await Letters(again).count(ROMEO) == 700
        await again.close()

    async def test_ids_go_on_where_the_last_run_ended(self, open_storage) -> None:
        storage = await open_storage()
        last = await Letters(storage).add(ROMEO, JULIET, b"<message/>", 2e9)
        await Letters(storage).remove(ROMEO, last)
        await storage.close()
        again = await open_storage()
        assert await Letters(again).add(ROMEO, JULIET, b"<message/>", 1e9) == last + 1
        await again.close()

    async def test_secret_is_made_once(self, open_storage) -> None:
        storage = await open_storage()
        secret = await storage.secret()
        assert len(secret) == 32
        assert await storage.secret() == secret
        await storage.close()
        again = await open_storage()
        assert await again.secret() == secret
        await again.close()
