"""Stanzas between a local client and another server, in one process: for callgrind (bench/count.py --federation).

    python -m native.federated TURNS BATCH out|in|kept

kept: out, by way of the spool; committing is left out.
"""

import sys

from headrace.router.archive import Archive
from headrace.router.rig import Rig
from headrace.session.domains import S2SConfig

HEADER = (b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='b.example'"
          b" to='localhost' version='1.0'>")
BODY = "x" * 200
OUT = f"<message to='juliet@b.example/r' type='headline' id='m1'><body>{BODY}</body></message>".encode()
KEPT = OUT.replace(b"headline", b"chat")
IN = (f"<message from='juliet@b.example/r' to='romeo@localhost/r' type='headline' id='m1'>"
      f"<body>{BODY}</body></message>").encode()


class Quiet:
    """A Negotiator and a Control that nothing is told."""

    def __getattr__(self, name: str):
        return lambda *arguments: None


def run(turns: int, batch: int, direction: str) -> int:
    """Bytes that have come out."""
    rig = Rig(Quiet())
    romeo = rig.connect("romeo@localhost/r")
    peer = rig.federate(Quiet(), S2SConfig())
    rig.feed(peer, HEADER)
    peer.admit("b.example", "localhost")
    peer.settle()
    peer.carries("localhost", "b.example")
    archive = Archive(bytes(16))
    rig.router.archive = archive if direction == "kept" else None
    source, sink, stanzas = {"out": (romeo, peer, OUT * batch), "in": (peer, romeo, IN * batch),
                             "kept": (romeo, peer, KEPT * batch)}[direction]
    total = 0
    for _ in range(turns):
        rig.feed(source, stanzas)
        rig.turn()
        total += len(rig.taken(sink.link))
        if archive.take() is not None:
            archive.committed()
    return total


if __name__ == "__main__":
    turns, batch = int(sys.argv[1]), int(sys.argv[2])
    assert run(turns, batch, sys.argv[3]) > turns * batch * len(BODY)
