"""The queue towards the archive: numbers, stanza-ids, tickets, refusal. When groups start: storage/test_group.py."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.router.archive import DONE_WAIT, FULL_GROUP, QUIET, STALE, Archive, number_at, time_of
from headrace.router.group import MessageFlag

TIMES = st.floats(0, 4e9, allow_nan=False)
ROMEO, JULIET = b"romeo@example.org", b"juliet@example.org"


class Hand:
    """A clock moved by hand, and who is woken."""

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: list[float] = []
        self.archive = Archive(bytes(range(16)), clock=lambda: self.time)
        self.archive.wake = self.calls.append

    def put(self, count: int = 1) -> None:
        for _ in range(count):
            number = self.archive.number()
            assert number
            self.archive.add_ready(number, b"<message/>", ROMEO, JULIET)


class Client:
    """What a session is to the queue."""

    sm_key = 2**63 + 5

    def __init__(self) -> None:
        self.settled: list[int] = []

    def committing(self, ticket: int) -> int:
        """h once the commit to come is done."""
        return 7

    def settle(self, ticket: int) -> None:
        self.settled.append(ticket)


@given(TIMES, st.lists(TIMES, max_size=30))
def test_numbers_grow_whatever_the_clock_does(start: float, times: list[float]) -> None:
    archive = Archive(bytes(16), number_at(start))
    numbers = [archive.number(time) for time in times]
    assert all(a < b for a, b in zip([number_at(start), *numbers], numbers, strict=False))


@pytest.mark.parametrize("time", [0.0, 1e9, 1_700_000_000.25, 9e9])
def test_time_comes_back_and_fits_63_bits(time: float) -> None:
    assert time_of(number_at(time)) == time
    assert number_at(time) < 2**63


def test_reservation_is_renewed_before_it_ends() -> None:
    archive, renewed = Archive(bytes(16)), 0
    for second in range(100):
        last = archive.number(1e9 + second)
        if reservation := archive.reservation():
            archive.reserve(reservation)
            renewed += 1
        assert archive.reserved > last
    assert 10 <= renewed <= 25


def test_stanza_id_is_the_number_and_a_hash_of_it_and_its_owner() -> None:
    archive, other = Archive(bytes(range(16))), Archive(bytes(16))
    id = archive.id_of(2**62 + 10, ROMEO)
    assert id.startswith("400000000000000a")
    assert len(id) == 32
    assert id == Archive(bytes(range(16))).id_of(2**62 + 10, ROMEO)
    tails = {text[16:] for text in (id, archive.id_of(2**62 + 11, ROMEO), archive.id_of(2**62 + 10, JULIET),
                                    other.id_of(2**62 + 10, ROMEO))}
    assert len(tails) == 4


def test_only_the_owner_s_ids_have_numbers() -> None:
    archive = Archive(bytes(range(16)))
    id = archive.id_of(12345, ROMEO)
    assert archive.number_of(id, ROMEO) == 12345
    for wrong in ("", "x", id[:-1], id + "0", id.upper() if id.upper() != id else "a" * 32, " " + id[1:],
                  "-" + id[1:], id[:16] + "0" * 16, "0x" + id[2:], "\u0660" * 32):
        assert archive.number_of(wrong, ROMEO) == 0
    assert archive.number_of(id, JULIET) == 0


def test_short_secret() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Archive(bytes(15))


def run(scenario) -> None:
    """Inside a loop, which add_ready() needs."""
    async def main() -> None:
        scenario(Hand())

    asyncio.run(main())


def test_numbers_come_in_order_with_their_messages() -> None:
    def scenario(hand: Hand) -> None:
        early, late = hand.archive.number(), hand.archive.number()
        hand.archive.add_ready(late, b"<message/>", ROMEO, JULIET)
        for wrong in (early, late, late + 1):
            with pytest.raises(ValueError, match="order"):
                hand.archive.add_ready(wrong, b"<message/>", ROMEO, JULIET)
        assert hand.archive.waiting == 1

    run(scenario)


def test_wakes_once_a_group() -> None:
    def scenario(hand: Hand) -> None:
        hand.put(QUIET - 1)
        assert hand.calls == [0.0]
        hand.archive.take()
        hand.archive.committed()
        hand.put(FULL_GROUP - 1)
        assert hand.calls == [0.0, 0.005]
        hand.put(50)
        assert hand.calls == [0.0, 0.005, 0.0]

    run(scenario)


def test_nobody_is_woken_while_a_group_is_written_but_after_it() -> None:
    def scenario(hand: Hand) -> None:
        hand.put()
        group = hand.archive.take()
        assert group is not None
        assert len(group) == 1
        hand.put(3)
        assert hand.archive.take() is None
        assert hand.calls == [0.0]
        hand.archive.committed()
        assert hand.calls == [0.0, 0.005]
        assert hand.archive.waiting == 3

    run(scenario)


def test_what_is_done_with_waits_for_a_message_but_not_for_ever() -> None:
    def scenario(hand: Hand) -> None:
        hand.archive.done(7)
        hand.archive.done(8)
        assert hand.calls == [DONE_WAIT]
        assert (hand.archive.waiting, hand.archive.idle) == (0, False)
        hand.put(QUIET)
        assert hand.calls == [DONE_WAIT, 0.0]
        group = hand.archive.take()
        assert group is not None
        assert (len(group), group.finished) == (QUIET, [7, 8])
        hand.archive.done(9)
        assert hand.calls == [DONE_WAIT, 0.0]
        hand.archive.committed()
        assert hand.calls == [DONE_WAIT, 0.0, DONE_WAIT]
        group = hand.archive.take()
        assert group is not None
        assert (len(group), group.finished) == (0, [9])
        hand.archive.committed()
        assert hand.archive.idle

    run(scenario)


def test_tickets_settle_after_the_commit() -> None:
    async def main() -> None:
        hand, client = Hand(), Client()
        for ticket in (3, 4, 0):
            hand.archive.add_ready(hand.archive.number(), b"<message/>", ROMEO, JULIET, MessageFlag.M_ARCHIVE_B,
                                   client, ticket)
        hand.archive.take()
        assert client.settled == []
        hand.archive.committed()
        assert client.settled == [3, 4]

    asyncio.run(main())


def test_a_session_that_fails_keeps_nobody_waiting() -> None:
    class Broken(Client):
        def settle(self, ticket: int) -> None:
            raise RuntimeError("broken")

    async def main() -> None:
        hand, client = Hand(), Client()
        for session in (Broken(), client):
            future = hand.archive.add_ready(
                hand.archive.number(), b"<message/>", ROMEO, JULIET, session=session, ticket=1)
        hand.archive.take()
        with pytest.raises(RuntimeError, match="broken"):
            hand.archive.committed()
        assert client.settled == [1]
        assert future.done()
        hand.put()

    asyncio.run(main())


def test_refuses_while_the_oldest_is_too_old() -> None:
    def scenario(hand: Hand) -> None:
        hand.put()
        hand.archive.take()
        hand.time = STALE
        assert hand.archive.refuses is None
        hand.time += 0.1
        assert "2 s" in (hand.archive.refuses or "")
        assert hand.archive.number() == 0
        hand.archive.committed()
        assert hand.archive.refuses is None

    run(scenario)


def test_refuses_too_while_what_is_done_with_is_stuck() -> None:
    def scenario(hand: Hand) -> None:
        hand.archive.done(7)
        hand.archive.take()
        hand.time = 10.0
        assert hand.archive.refuses is None
        hand.put()
        hand.time += STALE + 0.1
        assert hand.archive.number() == 0

    run(scenario)


def test_refuses_when_full_and_when_closed() -> None:
    def scenario(hand: Hand) -> None:
        hand.archive.most_bytes = 100
        hand.put(2)
        assert hand.archive.number() == 0
        assert "no more" in (hand.archive.refuses or "")
        hand.archive.most_bytes = 10_000
        assert hand.archive.number()
        hand.archive.closed = True
        assert hand.archive.number() == 0

    run(scenario)


def test_given_up_group_fails_its_futures() -> None:
    async def main() -> None:
        hand = Hand()
        future = hand.archive.add_ready(hand.archive.number(), b"<message/>", ROMEO, JULIET)
        hand.archive.take()
        hand.archive.failed(OSError("disk"))
        with pytest.raises(OSError, match="disk"):
            await future

    asyncio.run(main())


def test_flushed_is_done_with_the_last_group() -> None:
    async def main() -> None:
        hand = Hand()
        assert hand.archive.flushed() is None
        hand.put()
        hand.archive.take()
        hand.put()
        future = hand.archive.flushed()
        assert future is not None
        hand.archive.committed()
        assert not future.done()
        hand.archive.take()
        hand.archive.committed()
        assert await future == hand.archive.last

    asyncio.run(main())
