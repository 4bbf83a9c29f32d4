"""XEP-0313 (version 1.1.3) and XEP-0441 (version 0.2.0): an archive's XML, and what its preferences mean."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args
from xml.etree.ElementTree import Element

from headrace.core.jid import JID
from headrace.core.ns import CLIENT, DATA_FORMS, DELAY, FORWARD, MAM, VALIDATE
from headrace.core.writer import escape
from headrace.xep import rsm
from headrace.xep.datetimes import format_datetime, parse_datetime
from headrace.xep.forms import FIELD, Field, Invalid, Values, submitted

Default = Literal["always", "never", "roster"]
FIELDS = (Field("with", "jid-single"), Field("start"), Field("end"), Field("before-id"), Field("after-id"),
          Field("ids", "list-multi"))
_DEFAULTS: tuple[Default, ...] = get_args(Default)


class Preferences(NamedTuple):
    """Whose messages an archive takes (XEP-0441). JIDs are prepared, bare or full."""

    default: Default = "always"
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def takes(self, peer: str, *, in_roster: bool) -> bool:
        """What passes between its owner and this prepared JID."""
        names = {peer, peer.partition("/")[0]}
        if names.intersection(self.never):
            return False
        if names.intersection(self.always):
            return True
        return in_roster if self.default == "roster" else self.default == "always"


def parse_preferences(prefs: Element) -> Preferences:
    """Of a <prefs/>. Raises JIDError, ValueError for a default that there is not."""
    default = next((d for d in _DEFAULTS if d == prefs.get("default")), None)
    if default is None:
        raise ValueError("the default is always, never or roster")
    return Preferences(default, _jids(prefs, "always"), _jids(prefs, "never"))


def _jids(prefs: Element, name: str) -> tuple[str, ...]:
    found = (JID.parse((jid.text or "").strip()).full for jid in prefs.iterfind(f"{{{MAM}}}{name}/{{{MAM}}}jid"))
    return tuple(dict.fromkeys(found))


def preferences(those: Preferences) -> bytes:
    """The <prefs/>."""
    lists = _list("always", those.always) + _list("never", those.never)
    return f"<prefs xmlns='{MAM}' default='{those.default}'>{lists}</prefs>".encode()


def _list(name: str, jids: Iterable[str]) -> str:
    return f"<{name}>" + "".join(f"<jid>{escape(jid)}</jid>" for jid in jids) + f"</{name}>"


class Query(NamedTuple):
    """What a <query/> asks for. JIDs are prepared, times are unix s, ids as the client knows them."""

    id: str | None = None           # comes back with each result
    with_: str | None = None
    start: float | None = None
    end: float | None = None
    before_id: str | None = None
    after_id: str | None = None
    ids: tuple[str, ...] = ()
    page: rsm.PageRequest = rsm.PageRequest()
    flip: bool = False              # results come the newest first

    @property
    def named(self) -> set[str]:
        """The ids in it, which must all be there."""
        alone = (self.before_id, self.after_id, self.page.after, self.page.before)
        return {*self.ids, *(id for id in alone if id)}


def parse_query(query: Element) -> Query:
    """Raises Invalid, ValueError, Unsupported."""
    form = query.find(f"{{{DATA_FORMS}}}x")
    values: Values = {}
    if form is not None:
        known = {"FORM_TYPE", *(field.var for field in FIELDS)}
        for field in form.iterfind(FIELD):
            if field.get("var", "") not in known:
                raise rsm.Unsupported(f"{field.get('var')!r} is no field of this archive")
        if form.get("type") != "submit":
            raise Invalid("the form is not submitted")
        values = submitted(form, MAM, FIELDS)
    one = {var: value[0] for var, value in values.items()}
    return Query(
        query.get("queryid"), one.get("with"),
        parse_datetime(one["start"]) if "start" in one else None,
        parse_datetime(one["end"]) if "end" in one else None,
        one.get("before-id"), one.get("after-id"), tuple(dict.fromkeys(values.get("ids", ()))),
        rsm.parse(query), query.find(f"{{{MAM}}}flip-page") is not None)


def query_form() -> bytes:
    """The <query/> that says what can be asked for."""
    fields = "".join(_field(field) for field in FIELDS)
    return (f"<query xmlns='{MAM}'><x xmlns='{DATA_FORMS}' type='form'>"
            f"<field type='hidden' var='FORM_TYPE'><value>{MAM}</value></field>{fields}</x></query>").encode()


def _field(field: Field) -> str:
    listed = field.type == "list-multi"     # of arbitrary values: XEP-0122 3.2.2
    inside = f"<validate xmlns='{VALIDATE}' datatype='xs:string'><open/></validate>" if listed else ""
    return f"<field type='{field.type}' var='{field.var}'>{inside}</field>"


def result(owner: str, to: str, query: str | None, *, id: str, time: float, stanza: bytes) -> bytes:
    """The message that brings a stored one, which is self-contained and in no namespace by itself."""
    name = "" if query is None else f" queryid='{escape(query)}'"
    head = (f"<message from='{escape(owner)}' to='{escape(to)}'><result xmlns='{MAM}'{name} id='{id}'>"
            f"<forwarded xmlns='{FORWARD}'><delay xmlns='{DELAY}' stamp='{format_datetime(time)}'/>"
            f"<message xmlns='{CLIENT}'")
    return head.encode() + stanza.removeprefix(b"<message") + b"</forwarded></result></message>"


def fin(ids: tuple[str, str] | None, count: int | None, *, complete: bool) -> bytes:
    """ids: of the first and the last result."""
    first, last = ids or (None, None)
    mark = " complete='true'" if complete else ""
    return f"<fin xmlns='{MAM}'{mark}>{rsm.written(first, last, count)}</fin>".encode()


def metadata(ends: tuple[tuple[str, float], tuple[str, float]] | None) -> bytes:
    """ends: id and time of the first and the last message; None: the archive is empty."""
    if ends is None:
        return f"<metadata xmlns='{MAM}'/>".encode()
    inside = "".join(f"<{name} id='{id}' timestamp='{format_datetime(time)}'/>"
                     for name, (id, time) in zip(("start", "end"), ends, strict=True))
    return f"<metadata xmlns='{MAM}'>{inside}</metadata>".encode()
