"""Several domains of Debian's ejabberd on one stream of ours (XEP-0220 2.6.2)."""

from pathlib import Path

from support.federated import CLIENT, SERVER, Authority, route, site
from support.foreign import ejabberd
from support.ports import unused_port

OURS, THEIRS, HALL = "a.example", "b.example", "hall.b.example"
PING = "<ping xmlns='urn:xmpp:ping'/>"


def test_to_several_domains(tmp_path: Path) -> None:
    authority, ours, theirs = Authority(tmp_path / "authority"), unused_port(), unused_port()
    pair = authority.issue(OURS, [OURS], purposes=(SERVER, CLIENT))     # it asks who connects for clientAuth
    routes = route(THEIRS, theirs) + route(HALL, theirs)
    with (site(tmp_path / "ours", OURS, ours, authority, pair=pair, routes=routes) as a,
          ejabberd(tmp_path / "theirs", THEIRS, theirs, authority, routes={OURS: ours}, more=[HALL],
                   modules="  mod_s2s_dialback: {}")):
        romeo = a.client("romeo")
        for domain in (THEIRS, HALL, THEIRS, HALL):
            answer = romeo.ask("get", PING, to=domain)
            assert (answer.get("type"), answer.get("from")) == ("result", domain)
        assert [(e["domain"], e["event"]) for e in a.server.log if e["event"].startswith("s2s stream")] == [
            (THEIRS, "s2s stream opened"), (HALL, "s2s stream shared")]
