"""The nine subscription states of RFC 6121 appendix A, from one side, and what every event does to them."""

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """As the appendix names them. "Out": our request waits for them; "In": theirs waits for us."""

    NONE = "None"
    NONE_OUT = "None + Pending Out"
    NONE_IN = "None + Pending In"
    NONE_OUT_IN = "None + Pending Out+In"
    TO = "To"
    TO_IN = "To + Pending In"
    FROM = "From"
    FROM_OUT = "From + Pending Out"
    BOTH = "Both"

    @classmethod
    def of(cls, subscription: str, *, ask: bool, pending: bool) -> "State":
        """From a roster item. A request for what is granted already doesn't count."""
        out = ask and subscription in ("none", "from")
        waiting = pending and subscription in ("none", "to")
        sub = f" + Pending {'+'.join(part for part, on in (('Out', out), ('In', waiting)) if on)}"
        return cls(subscription.capitalize() + (sub if out or waiting else ""))

    @property
    def subscription(self) -> str:
        """none, to, from or both."""
        return self.value.partition(" ")[0].lower()

    @property
    def ask(self) -> bool:
        return "Out" in self.value

    @property
    def pending(self) -> bool:
        return self.value.endswith("In")


class Step(NamedTuple):
    """What an event leads to."""

    state: State
    carried: bool  # outbound: routed to the contact; inbound: delivered to the user
    approved: bool  # the server answers for the user with `subscribed` (RFC 6121 3.1.3)


_SHORT = {"N": State.NONE, "NO": State.NONE_OUT, "NI": State.NONE_IN, "NOI": State.NONE_OUT_IN, "T": State.TO,
          "TI": State.TO_IN, "F": State.FROM, "FO": State.FROM_OUT, "B": State.BOTH}


def _row(cells: str) -> dict[State, Step]:
    return {state: Step(_SHORT[cell.strip(">!")], ">" in cell, "!" in cell)
            for state, cell in zip(_SHORT.values(), cells.split(), strict=True)}


# Each cell is the new state; > carried on, ! answered by the server.
# before:              N    NO   NI   NOI  T    TI   F    FO   B
OUTBOUND = {  # A.2
    "subscribe": _row("   >NO  >NO  >NOI >NOI >T   >TI  >FO  >FO  >B"),
    "unsubscribe": _row(" >N   >N   >NI  >NI  >N   >NI  >F   >F   >F"),
    "subscribed": _row("   N    NO  >F   >FO   T   >B    F    FO   B"),
    "unsubscribed": _row(" N    NO  >N   >NO   T   >T   >N   >NO  >T"),
}
INBOUND = {  # A.3
    "subscribe": _row("   >NI  >NOI  NI   NOI >TI   TI  F!   FO!  B!"),
    "unsubscribe": _row("  N    NO  >N   >NO   T   >T   >N   >NO  >T"),
    "subscribed": _row("   N   >T    NI  >TI   T    TI   F   >B    B"),
    "unsubscribed": _row(" N   >N    NI  >NI  >N   >NI   F   >F   >F"),
}
