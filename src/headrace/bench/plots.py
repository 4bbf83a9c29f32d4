"""Line charts as inline SVG: no scripts, no files beside the page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 12, 40
COLOURS = ("#2a6fdb", "#d1495b", "#2a9d63", "#b8860b", "#7b4fb5", "#4b5563")      # told apart also by colour-blind eyes
DASHES = ("", "7 4", "2 4", "10 4 2 4", "12 5", "4 2")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: list[tuple[float, float]]
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to places; ticks with their words."""

    low: float
    high: float
    ticks: list[tuple[float, str]]
    scale: Callable[[float], float] = float

    def place(self, value: float) -> float:
        """0 to 1."""
        low, high = self.scale(self.low), self.scale(self.high)
        return (self.scale(value) - low) / (high - low) if high > low else 0.5


def linear(values: Sequence[float]) -> Axis:
    """From 0."""
    high = max([*values, 0.0]) or 1.0
    step = 10 ** math.floor(math.log10(high))
    step = next(step * factor for factor in (0.2, 0.5, 1, 2) if high / (step * factor) <= 5)
    count = math.ceil(high / step - 1e-9)
    return Axis(0.0, count * step, [(i * step, number(i * step)) for i in range(count + 1)])


def logarithmic(values: Sequence[float]) -> Axis:
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    high = max(high, low + 1)
    ticks = [(10.0**i, number(10.0**i)) for i in range(low, high + 1)]
    return Axis(10.0**low, 10.0**high, ticks, lambda value: math.log10(max(value, 10.0**low)))


def percentiles() -> Axis:
    """As HDR histograms are drawn: each nine takes the same room."""
    shown = (50, 90, 99, 99.9, 99.99)
    return Axis(0, 99.99, [(p, f"{p:g}%") for p in shown], lambda p: -math.log10(1 - min(p, 99.99) / 100))


def number(value: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def chart(lines: Sequence[Line], x: Axis, y: Axis, *, title: str, x_name: str, y_name: str) -> str:
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(value: float) -> float:
        return LEFT + width * x.place(value)

    def up(value: float) -> float:
        return TOP + height * (1 - y.place(value))

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for value, words in y.ticks:
        at = up(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
                     f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(words)}</text>')
    for value, words in x.ticks:
        at = across(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{TOP + height}"/>'
                     f'<text x="{at:.1f}" y="{TOP + height + 16}" text-anchor="{_anchor(at)}">{escape(words)}</text>')
    for line in lines:
        shape = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in line.points)
        dash = DASHES[line.colour % len(DASHES)]
        parts.append(f'<polyline points="{shape}" fill="none" stroke="{colour(line.colour)}" stroke-width="2" '
                     f'stroke-dasharray="{dash}"><title>{escape(line.name)}</title></polyline>')
    parts.append(f'<text x="{LEFT + width / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>'
                 f'<text x="14" y="{TOP + height / 2}" text-anchor="middle" '
                 f'transform="rotate(-90 14 {TOP + height / 2})">{escape(y_name)}</text></svg>')
    return f"<figure><figcaption>{escape(title)}</figcaption>{''.join(parts)}</figure>"


def _anchor(at: float) -> str:
    """The last word of an axis would stick out."""
    return "end" if at > WIDTH - RIGHT - 10 else "middle"


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
