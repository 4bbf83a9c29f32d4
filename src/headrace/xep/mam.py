"""XEP-0313 (version 1.1.3) and XEP-0441 (version 0.2.0): an archive's XML, and what its preferences mean."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args
from xml.etree.ElementTree import Element

from headrace.core.jid import JID
from headrace.core.ns import MAM
from headrace.core.writer import escape

Default = Literal["always", "never", "roster"]
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
