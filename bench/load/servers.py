"""The servers under test (bench/compare/peers.py), as the C driver's callers want them: port and processes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "bench")]

from compare import peers
from compare.peers import PASSWORD, SERVERS
from headrace.bench.process import tree

__all__ = ["PASSWORD", "ROOT", "SERVERS", "running", "tree"]


@contextmanager
def running(name: str, folder: Path, users: int, under: Sequence[str] = ()) -> Iterator[tuple[int, list[int]]]:
    """Starts a server on one core, perhaps under a tool like strace; gives its port and processes."""
    with peers.running(name, folder, users, under=under) as server:
        yield server.port, tree(server.pid)
