"""CPU time and memory from /proc, of a process and those below it."""

import os
import subprocess
import sys

import pytest

from headrace.bench.process import Processes, Usage, tree

PROGRAM = """
import subprocess, sys
held = bytearray(30_000_000)
for i in range(0, len(held), 4096):
    held[i] = 1
child = subprocess.Popen([sys.executable, "-c", "x = bytearray(10_000_000); x[::4096] = b'1' * len(x[::4096]); "
                          "print(flush=True); input()"], stdin=sys.stdin, stdout=subprocess.PIPE)
child.stdout.readline()
print(sum(range(3_000_000)), flush=True)
child.wait()
"""


def test_a_tree_is_read() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        server = Processes(process.pid)
        assert len(tree(process.pid)) == 2
        assert server.usage().cpu > 0
        memory = server.memory()
        assert memory.pss > 40_000_000
        assert memory.rss > memory.pss
        assert server.cores() == len(os.sched_getaffinity(0))
        process.stdin.close()
    with pytest.raises(OSError, match="No such file"):
        server.usage()


def test_the_busiest_thread_is_found() -> None:
    before = Usage(1.0, {1: (1.0, 0.5), 2: (5.0, 0.0)})
    after = Usage(4.0, {1: (2.0, 2.5), 2: (6.0, 0.0), 3: (0.5, 0.0)})
    assert after.busiest(before) == (1.0, 2.0)
    assert Usage(4.0, {}).busiest(Usage(1.0, {})) == (3.0, 0.0)
