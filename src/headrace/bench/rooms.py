"""Rooms of a run (XEP-0045)."""

from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.run import Run
from headrace.bench.sessions import Session, patience
from headrace.bench.wire import stanza_error
from headrace.core import ns
from headrace.core.stanza import Stanza
from headrace.core.writer import escape

MUC = "http://jabber.org/protocol/muc"
ITEM = f"{{{ns.DISCO_ITEMS}}}query/{{{ns.DISCO_ITEMS}}}item"
STATUS = f"{{{MUC}#user}}x/{{{MUC}#user}}status"
INSTANT = f"<query xmlns='{MUC}#owner'><x xmlns='{ns.DATA_FORMS}' type='submit'/></query>"
WITHOUT_HISTORY = f"<x xmlns='{MUC}'><history maxchars='0'/></x>"


async def service(run: Run, session: Session) -> str:
    """Where rooms are. Raises NotOffered."""
    if run.options.service:
        return run.options.service
    answer = await session.wire.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to=run.options.domain)
    for item in answer.element().iterfind(ITEM):
        jid = item.get("jid", "")
        if MUC in await run.features(session, jid):
            return jid
    raise NotOffered("the server does not offer rooms (XEP-0045); --service names a service that it doesn't list")


async def join(run: Run, session: Session, room: str, nick: str) -> None:
    """Its occupant from now on; the room is made where there is none."""
    wire = session.wire
    me = f"{room}/{nick}"
    wire.negotiating = True
    session.client.send_stanza(f"<presence to='{escape(me)}'>{WITHOUT_HISTORY}</presence>".encode())
    async with patience(run.options.patience, f"{session.bare}: joining {room}"):
        while not _is_end(answer := await wire.next(), me):
            pass
    wire.negotiating = False
    if answer.type == "error":
        raise BenchError(f"{session.bare}: {room} cannot be joined: {stanza_error(answer)}")
    codes = {status.get("code") for status in answer.element().iterfind(STATUS)}
    if "201" in codes:
        await wire.request(f"making {room}", INSTANT, type="set", to=room)


def _is_end(stanza: Stanza, me: str) -> bool:
    """One's own presence comes last (7.2.2)."""
    if stanza.name != "presence" or stanza.from_ not in (me, me.partition("/")[0]):
        return False
    return stanza.type == "error" or stanza.from_ == me
