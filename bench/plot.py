"""Draws the results of bench/compare/parsers.py: python bench/plot.py build/parsers.json bench/compare/parsers.svg"""

import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

NAMES = {  # of a parser, and whether it is ours
    "tape": ("Headrace: event tape, in Cython", True),
    "objects": ("Headrace: one object a stanza", True),
    "callables": ("Headrace: Python callables", True),
    "elements": ("Headrace: xml.etree elements", True),
    "every element": ("Headrace: the same, inner events", True),
    "slixmpp on ours": ("slixmpp reading, on Headrace", True),
    "expat in C": ("expat in C, empty handlers", False),
    "pyexpat": ("pyexpat, empty callbacks", False),
    "lxml": ("lxml XMLPullParser", False),
    "XMLPullParser": ("xml.etree XMLPullParser", False),
    "slixmpp": ("slixmpp reading", False),
}
WIDTH, LEFT, ROW, TOP = 820, 250, 26, 56
STYLE = ("text{font:13px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}"
         ".ours{fill:#2a6f97}.peer{fill:#b0b7bd}")


def bar(row: int, name: str, speed: float, scale: float) -> str:
    label, ours = NAMES[name]
    y, width = TOP + row * ROW, max(speed * scale, 1)
    return (f"<text x='{LEFT - 8}' y='{y + 14}' text-anchor='end'>{escape(label)}</text>"
            f"<rect class='{'ours' if ours else 'peer'}' x='{LEFT}' y='{y}' width='{width:.0f}' height='{ROW - 8}'/>"
            f"<text x='{LEFT + width + 6:.0f}' y='{y + 14}'>{speed:.0f}</text>")


def drawing(speeds: dict[str, float], title: str) -> str:
    order = sorted(speeds, key=lambda name: -speeds[name])
    scale = (WIDTH - LEFT - 60) / max(speeds.values())
    height = TOP + len(order) * ROW + 8
    bars = "\n".join(bar(row, name, speeds[name], scale) for row, name in enumerate(order))
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
            f"viewBox='0 0 {WIDTH} {height}'>\n<style>{STYLE}</style>\n<rect width='100%' height='100%' fill='#fff'/>\n"
            f"<text class='title' x='16' y='28'>{escape(title)}</text>\n{bars}\n</svg>\n")


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    results = json.loads(source.read_text())["ratios"]
    mixed = next(result for result in results if (result["corpus"], result["pieces"]) == ("mixed", "4096"))
    target.write_text(drawing(mixed["speed"], "MB/s of one core: mixed stanzas in pieces of 4096 bytes"))


if __name__ == "__main__":
    main()
