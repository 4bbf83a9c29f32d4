"""Subscriptions between a run's users (RFC 6121 3)."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from headrace.bench.errors import BenchError
from headrace.bench.run import Run
from headrace.bench.sessions import Session, several
from headrace.core import ns

ROSTER = f"<query xmlns='{ns.ROSTER}'/>"
ITEM = f"{{{ns.ROSTER}}}query/{{{ns.ROSTER}}}item"
AT_ONCE = 50        # requests that wait for their answer, all users together
TRIES = 100


async def subscribe(run: Run, pairs: Sequence[tuple[Session, Session]]) -> None:
    """The first of each pair gets the second one's presence from now on; those of an earlier run do already."""
    watched: dict[str, set[str]] = defaultdict(set)
    watching: dict[str, set[str]] = defaultdict(set)
    users = {user.bare: user for pair in pairs for user in pair}
    for watcher, other in pairs:
        watching[watcher.bare].add(other.bare)
        watched[other.bare].add(watcher.bare)
    run.screen.phase("subscribing to presence")
    await several(list(watching), lambda bare: _say(users[bare], "subscribe", watching[bare]), AT_ONCE)
    await several(list(watched), lambda bare: _wait(users[bare], {}), AT_ONCE)
    await several(list(watched), lambda bare: _say(users[bare], "subscribed", watched[bare]), AT_ONCE)
    await several(list(watching), lambda bare: _wait(users[bare], dict.fromkeys(watching[bare], ("to", "both"))),
                  AT_ONCE)


async def _say(user: Session, kind: str, to: set[str]) -> None:
    for address in sorted(to):
        user.client.send_stanza(f"<presence type='{kind}' to='{address}'/>".encode())
    await user.wire.ask(f"<ping xmlns='{ns.PING}'/>")       # the server has dealt with them


async def _wait(user: Session, states: dict[str, tuple[str, ...]]) -> None:
    """Until the roster has these."""
    for _ in range(TRIES):
        answer = await user.wire.request("the roster", ROSTER)
        have = {item.get("jid"): item.get("subscription") for item in answer.element().iterfind(ITEM)}
        if all(have.get(address) in wanted for address, wanted in states.items()):
            return
        await asyncio.sleep(0.1)
    raise BenchError(f"{user.bare}: the server does not subscribe it to the presence of {min(states)}")
