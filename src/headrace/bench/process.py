"""CPU time and memory of a process and all below it, from /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 5.0      # between two looks for new processes
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals since the start, in seconds."""

    cpu: float                                  # user + system, of all processes
    threads: dict[int, tuple[float, float]]     # by thread: on a CPU, waiting for one; empty: the kernel doesn't tell

    def busiest(self, before: "Usage") -> tuple[float, float]:
        """The same since then, of the thread that had most to do."""
        return max((self._since(before, thread) for thread in self.threads), key=sum,
                   default=(self.cpu - before.cpu, 0.0))

    def _since(self, before: "Usage", thread: int) -> tuple[float, float]:
        (ran, waited), (ran_before, waited_before) = self.threads[thread], before.threads.get(thread, (0.0, 0.0))
        return ran - ran_before, waited - waited_before


@dataclass(frozen=True, slots=True)
class Memory:
    pss: int            # bytes of anonymous memory; a page that processes share counts once
    rss: int


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue    # it has just ended
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _threads(pid: int) -> dict[int, tuple[float, float]]:
    """Nothing where the kernel doesn't count that."""
    found: dict[int, tuple[float, float]] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            ran, waited = task.read_text().split()[:2]
        except (OSError, ValueError):
            continue
        found[int(task.parent.name)] = int(ran) / 1e9, int(waited) / 1e9
    return found


class Processes:
    """Those of one server (or ourselves)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._tree = [pid]
        self._looked = 0.0

    def tree(self) -> list[int]:
        """Found anew now and then, which costs milliseconds: a server may start helpers."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._tree, self._looked = tree(self.pid), time.monotonic()
        return self._tree

    def usage(self) -> Usage:
        """Raises OSError when the process has ended."""
        cpu, threads = _cpu(self.pid), _threads(self.pid)
        for pid in self.tree()[1:]:
            try:
                cpu += _cpu(pid)
            except OSError:
                continue
            threads.update(_threads(pid))
        return Usage(cpu, threads)

    def memory(self) -> Memory:
        pss = rss = 0
        for pid in self.tree():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            values = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
            pss += values.get("Pss_Anon:", 0)
            rss += values.get("Rss:", 0)
        return Memory(pss, rss)

    def cores(self) -> int:
        """That it may run on."""
        return len(os.sched_getaffinity(self.pid))
