"""The live display: what goes on, and the last samples."""

from io import StringIO

from rich.console import Console

from headrace.bench.live import ROWS, Live
from headrace.bench.measure import Sample


def terminal(out: StringIO) -> Live:
    return Live(Console(file=out, force_terminal=True, width=100, color_system=None))


def test_it_shows_how_far_a_phase_is() -> None:
    out = StringIO()
    with terminal(out) as live:
        live.phase("logging in", 200)
        live.step(50)
    assert "logging in 50 / 200" in out.getvalue()


def test_it_shows_the_last_samples() -> None:
    out = StringIO()
    with terminal(out) as live:
        live.phase("measuring")
        for i in range(ROWS + 5):
            live.sample(Sample(i / 4, 12345.0, 0.5, None, 0.75, 30 * 2**20))
    shown = out.getvalue()
    last = shown.rpartition("measuring")[2]
    assert last.count("12,345") == ROWS
    assert "30.0" in last
