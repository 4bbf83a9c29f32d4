"""Where a domain's server is, by DNS alone: direct TLS is a service of its own (XEP-0368)."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.federated import Authority, Site, site
from support.nameserver import NameServer
from support.ports import unused_port
from support.rawclient import bodies

OURS, THEIRS, PLACE = "a.example", "b.example", "xmpp.b.example"


@dataclass
class Places:
    ours: Site
    theirs: Site    # whose listener is for direct TLS
    names: NameServer

    def publish(self, *, direct: int, plain: int) -> None:
        """Priorities of both services; the plain one leads nowhere."""
        self.names.table = {
            (f"_xmpps-server._tcp.{THEIRS}", "SRV"): [f"{direct} 0 {self.theirs.port} {PLACE}."],
            (f"_xmpp-server._tcp.{THEIRS}", "SRV"): [f"{plain} 0 {unused_port()} {PLACE}."],
            (f"_xmpps-server._tcp.{OURS}", "SRV"): [f"0 0 {self.ours.port} {PLACE}."], (PLACE, "A"): ["127.0.0.1"]}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    authority = Authority(folder / "authority")
    with NameServer({}) as names:
        resolver = f'resolver = ["127.0.0.1:{names.port}"]'
        with (site(folder / "a", OURS, unused_port(), authority, tls="direct", s2s=resolver) as here,
              site(folder / "b", THEIRS, unused_port(), authority, tls="direct", s2s=resolver) as there):
            yield Places(here, there, names)


@pytest.mark.parametrize(("direct", "plain"), [(0, 1), (1, 0)])
def test_direct_tls(places: Places, direct: int, plain: int) -> None:
    """Both services are one list; what is not there costs an attempt."""
    places.publish(direct=direct, plain=plain)
    done = places.ours.server.command("s2s", "test", THEIRS, "--from", OURS)
    assert done.returncode == 0, done.stdout
    steps = done.stdout.splitlines()
    assert [target.endswith("(direct TLS)") for target in steps[0].split(", ")] == [direct < plain, direct > plain]
    assert [step for step in steps if step.startswith("TCP: connected")] == [
        f"TCP: connected to 127.0.0.1, port {places.theirs.port}"]
    assert any("refused" in step for step in steps) == (plain < direct)


def test_chat_both_ways(places: Places) -> None:
    places.publish(direct=0, plain=1)
    romeo, juliet = places.ours.client("romeo"), places.theirs.client("juliet")
    for client in (romeo, juliet):
        client.send("<presence/>")
        client.sync()
    for speaker, listener, to in ((juliet, romeo, f"romeo@{OURS}/r"), (romeo, juliet, f"juliet@{THEIRS}/r")):
        speaker.send(f"<message to='{to}' type='chat'><body>hi</body></message>")
        assert bodies([listener.next()]) == ["hi"]
