"""Our stream core beside other XML parsers: ratios from one run, on the corpora of bench/corpus.

    python bench/compare/parsers.py                                     # everything: some minutes
    python bench/compare/parsers.py --corpora mixed --pieces 4096       # one line a level
    python bench/compare/parsers.py --json build/parsers.json           # for bench/plot.py

All checks are on in ours. A round lets each parser read the same pieces, one parser after the other; a ratio is the
median over the rounds of its pairs, so what else the machine does hits both sides. Time is CPU time of the process.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "bench"), str(ROOT / "bench" / "compare")]

from contestants import contestants

from corpus.chat import message
from corpus.stanzas import CORPORA, HEADER, stanzas
from headrace.stream import Scratch, StreamParser
from native.levels import Drive

SPAN = 0.01  # seconds that one measurement takes at least
PIECES = ("1460", "4096", "65536", "stanza")


@dataclass(frozen=True)
class Level:
    """What we hand out, and the peer that hands out the like."""

    name: str
    ours: str
    peer: str
    goal: float | None


LEVELS = (
    Level("objects for routing", "objects", "pyexpat", 15),
    Level("Python callables", "callables", "pyexpat", 4),
    Level("tape for Cython", "tape", "expat in C", 8),
    Level("xml.etree elements", "elements", "XMLPullParser", 3),
    Level("same, inner events", "every element", "XMLPullParser", None),
    Level("slixmpp's reading", "slixmpp on ours", "slixmpp", None),
)


@dataclass(frozen=True)
class Result:
    corpus: str
    pieces: str
    level: str
    goal: float | None
    ratio: float
    """How many times faster than the peer."""
    speed: dict[str, float]
    """MB/s (10^6 bytes) of every parser, the best round's."""
    stanzas: float
    """A second, ours."""


def cut(found: list[bytes], size: str) -> list[bytes]:
    """As reads of a socket bring them: the header, then pieces of so many bytes, or a stanza each."""
    if size == "stanza":
        return [HEADER, *found]
    data, step = b"".join(found), int(size)
    return [HEADER, *(data[i:i + step] for i in range(0, len(data), step))]


def seconds(drive: Drive, pieces: list[bytes]) -> float:
    """CPU time of reading the stream once."""
    times, began = 0, time.process_time()
    while True:
        drive(pieces)
        times += 1
        spent = time.process_time() - began
        if spent >= SPAN:
            return spent / times


def check(drives: dict[str, Drive], pieces: list[bytes], count: int) -> None:
    """Every parser that can count has to see every stanza."""
    wrong = {name: seen for name, drive in drives.items() if (seen := drive(pieces)) not in (None, count)}
    if wrong:
        raise SystemExit(f"{count} stanzas are there, not {wrong}")


def compare(drives: dict[str, Drive], name: str, size: str, rounds: int) -> Iterator[Result]:
    found = stanzas(name)
    pieces, total = cut(found, size), sum(map(len, found))
    check(drives, pieces, len(found))
    spent: dict[str, list[float]] = {drive: [] for drive in drives}
    for _ in range(rounds):
        for drive, read in drives.items():
            spent[drive].append(seconds(read, pieces))
    speed = {drive: total / min(times) / 1e6 for drive, times in spent.items()}
    for level in LEVELS:
        pairs = zip(spent[level.peer], spent[level.ours], strict=True)
        ratio = statistics.median(peer / ours for peer, ours in pairs)
        yield Result(name, size, level.name, level.goal, ratio, speed, len(found) / min(spent[level.ours]))


def line(result: Result) -> str:
    level = next(level for level in LEVELS if level.name == result.level)
    goal = f"(goal {level.goal})" if level.goal else ""
    return (f"{result.corpus:9} {result.pieces:>6}  {result.level:20} {result.ratio:5.1f} x {level.peer:14} {goal:10} "
            f"{result.speed[level.ours]:6.0f} MB/s  {result.stanzas / 1e3:7.0f} k stanzas/s")


def latency() -> float:
    """Microseconds of one feed() of one chat stanza of 400 bytes, the loop around it left out."""
    feed, stanza, times = StreamParser().feed, message(400), 20_000
    feed(HEADER)
    best = float("inf")
    for _ in range(20):
        began = time.process_time()
        for _ in range(times):
            pass
        empty = time.process_time() - began
        for _ in range(times):
            feed(stanza)
        best = min(best, time.process_time() - began - 2 * empty)
    return best / times * 1e6


def idle() -> int:
    """Bytes of a stream that has nothing to do, among others of its thread."""
    parser = StreamParser(scratch=Scratch())
    for piece in (HEADER, stanzas("avatar", 1)[0], message(400)):
        parser.feed(piece)
    return parser.memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", default=",".join(CORPORA), help="some of them, with commas between")
    parser.add_argument("--pieces", default=",".join(PIECES), help="bytes of a piece, or `stanza`")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="where to write the results, too")
    options = parser.parse_args()
    drives, results = contestants(), []
    for name, size in itertools.product(options.corpora.split(","), options.pieces.split(",")):
        for result in compare(drives, name, size, options.rounds):
            print(line(result), flush=True)
            results.append(asdict(result))
    numbers = {"microseconds": latency(), "idle": idle()}
    print(f"one feed of one 400-byte chat stanza: {numbers['microseconds']:.2f} us (goal 0.5)\n"
          f"an idle stream: {numbers['idle']} bytes (goal 1024)")
    if options.json:
        options.json.write_text(json.dumps({"ratios": results, **numbers}, indent=1))


if __name__ == "__main__":
    main()
