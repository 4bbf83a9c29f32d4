"""The outgoing spool (protocol.md 3): messages that other servers and components are to have, whatever happens to us.

The data plane puts them in (headrace.router.filing) and takes them out once the other side has them. Whoever gives one
up takes it out as well. What a server leaves in it is sent by the next run.
"""

from collections.abc import Callable

from headrace.core import ns, reply
from headrace.core.stanza import Stanza, parse_stanza
from headrace.router.router import Router
from headrace.session.ports import Far
from headrace.storage.ports import ArchiveStore
from headrace.xep.delay import delay

PAGE = 500
LEAST_SECONDS = 300.0   # what an earlier run has left is tried for so long: until its sender is back, who hears of it


async def restore(store: ArchiveStore, far: Far, at_home: Callable[[str], bool]) -> int:
    """Hands over what is in the spool from senders whose home this worker is; how many those are. Before anything else
    is sent."""
    count = last = 0
    while found := await store.spooled(last, PAGE):
        for message in found:
            stanza = parse_stanza(message.stanza)
            if at_home((stanza.from_ or "").partition("/")[0]):
                far.restore(stanza, message.id)
                count += 1
        last = found[-1].id
    return count


def give_up_at(now: float, age: float, seconds: float) -> float:
    """Until when a message of that age is tried, where it is for so many seconds."""
    return now + max(seconds - age, min(seconds, LEAST_SECONDS))


def stamped(raw: bytes, from_: str, taken: float) -> bytes:
    """The stanza with <delay/> (XEP-0203) by that domain of ours, once."""
    stanza = parse_stanza(raw)
    if any(child.get("from") == from_ for child in stanza.element().iterfind(f"{{{ns.DELAY}}}delay")):
        return raw      # nobody else may name a domain of ours there
    return stanza.written(delay(from_, taken))


def give_back(router: Router, stanza: Stanza, number: int, condition: str, text: str | None = None, *,
              wanted: bool = True) -> None:
    """It is not sent any more; wanted: its sender is told. With a text, he may try again."""
    error = reply.error_reply(stanza, condition, text, type="wait" if text else None) if wanted else None
    if error is not None:
        router.route(error)
    done(router, number)


def done(router: Router, number: int) -> None:
    """It has left the spool; 0: it was not there."""
    if number and router.archive is not None:
        router.archive.done(number)


def wants_error(stanza: Stanza) -> bool:
    """Is its sender told when it fails? Presence that only says good-bye or no needs no answer."""
    return stanza.name != "presence" or stanza.type in (None, "subscribe", "probe")
