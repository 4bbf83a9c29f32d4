"""Every cell of RFC 6121 appendix A, in the appendix's own layout."""

import pytest

from headrace.xep.subscription import INBOUND, OUTBOUND, State

# existing state | routed or delivered | new state, "-" for no change
APPENDIX = {
    ("A.2.1", "out", "subscribe"): """
        None                 | yes | None + Pending Out
        None + Pending Out   | yes | -
        None + Pending In    | yes | None + Pending Out+In
        None + Pending Out+In| yes | -
        To                   | yes | -
        To + Pending In      | yes | -
        From                 | yes | From + Pending Out
        From + Pending Out   | yes | -
        Both                 | yes | -""",
    ("A.2.2", "out", "unsubscribe"): """
        None                 | yes | -
        None + Pending Out   | yes | None
        None + Pending In    | yes | -
        None + Pending Out+In| yes | None + Pending In
        To                   | yes | None
        To + Pending In      | yes | None + Pending In
        From                 | yes | -
        From + Pending Out   | yes | From
        Both                 | yes | From""",
    ("A.2.3", "out", "subscribed"): """
        None                 | no  | -
        None + Pending Out   | no  | -
        None + Pending In    | yes | From
        None + Pending Out+In| yes | From + Pending Out
        To                   | no  | -
        To + Pending In      | yes | Both
        From                 | no  | -
        From + Pending Out   | no  | -
        Both                 | no  | -""",
    ("A.2.4", "out", "unsubscribed"): """
        None                 | no  | -
        None + Pending Out   | no  | -
        None + Pending In    | yes | None
        None + Pending Out+In| yes | None + Pending Out
        To                   | no  | -
        To + Pending In      | yes | To
        From                 | yes | None
        From + Pending Out   | yes | None + Pending Out
        Both                 | yes | To""",
    ("A.3.1", "in", "subscribe"): """
        None                 | yes | None + Pending In
        None + Pending Out   | yes | None + Pending Out+In
        None + Pending In    | no  | -
        None + Pending Out+In| no  | -
        To                   | yes | To + Pending In
        To + Pending In      | no  | -
        From                 | no  | -
        From + Pending Out   | no  | -
        Both                 | no  | -""",
    ("A.3.2", "in", "unsubscribe"): """
        None                 | no  | -
        None + Pending Out   | no  | -
        None + Pending In    | yes | None
        None + Pending Out+In| yes | None + Pending Out
        To                   | no  | -
        To + Pending In      | yes | To
        From                 | yes | None
        From + Pending Out   | yes | None + Pending Out
        Both                 | yes | To""",
    ("A.3.3", "in", "subscribed"): """
        None                 | no  | -
        None + Pending Out   | yes | To
        None + Pending In    | no  | -
        None + Pending Out+In| yes | To + Pending In
        To                   | no  | -
        To + Pending In      | no  | -
        From                 | no  | -
        From + Pending Out   | yes | Both
        Both                 | no  | -""",
    ("A.3.4", "in", "unsubscribed"): """
        None                 | no  | -
        None + Pending Out   | yes | None
        None + Pending In    | no  | -
        None + Pending Out+In| yes | None + Pending In
        To                   | yes | None
        To + Pending In      | yes | None + Pending In
        From                 | no  | -
        From + Pending Out   | yes | From
        Both                 | yes | From""",
}
CELLS = [(section, direction, type, *(cell.strip() for cell in line.split("|")))
         for (section, direction, type), table in APPENDIX.items() for line in table.strip().splitlines()]


def test_every_cell_is_there() -> None:
    assert len(CELLS) == len(State) * 8 == sum(len(row) for row in (*OUTBOUND.values(), *INBOUND.values()))


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_cell(cell: tuple[str, ...]) -> None:
    _, direction, type, before, carried, after = cell
    step = {"out": OUTBOUND, "in": INBOUND}[direction][type][State(before)]
    assert step.state is State(before if after == "-" else after)
    assert step.carried is (carried == "yes")


@pytest.mark.parametrize("state", State)
def test_a_request_for_what_is_granted_is_answered_by_the_server(state: State) -> None:
    """RFC 6121 3.1.3; and nothing else ever is."""
    assert INBOUND["subscribe"][state].approved is (state.subscription in ("from", "both"))
    rows = [*OUTBOUND.values(), INBOUND["unsubscribe"], INBOUND["subscribed"], INBOUND["unsubscribed"]]
    assert not any(row[state].approved for row in rows)


@pytest.mark.parametrize("state", State)
def test_state_of_an_item(state: State) -> None:
    assert State.of(state.subscription, ask=state.ask, pending=state.pending) is state


def test_stale_marks_of_an_item_count_for_nothing() -> None:
    assert State.of("both", ask=True, pending=True) is State.BOTH
    assert State.of("to", ask=True, pending=False) is State.TO
