"""Progress of a run on a terminal."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headrace.bench.measure import Sample

ROWS = 12       # samples that are shown


class Silent:
    def phase(self, what: str, total: int = 0) -> None:
        pass

    def step(self, done: int) -> None:
        pass

    def sample(self, sample: Sample) -> None:
        pass


class Live:
    """What goes on now, and the last samples: rate, percentiles, the server's CPU and memory."""

    def __init__(self, console: Console | None = None) -> None:
        self._live = RichLive(console=console or Console(stderr=True), refresh_per_second=8, transient=True)
        self._what = "starting"
        self._total = self._done = 0
        self._samples: list[Sample] = []

    def __enter__(self) -> "Live":
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._live.__exit__(kind, error, trace)

    def phase(self, what: str, total: int = 0) -> None:
        self._what, self._total, self._done = what, total, 0
        self._show()

    def step(self, done: int) -> None:
        self._done = done
        self._show()

    def sample(self, sample: Sample) -> None:
        self._samples = [*self._samples, sample][-ROWS:]
        self._show()

    def _show(self) -> None:
        words = f"{self._what} {self._done:,} / {self._total:,}" if self._total else self._what
        parts: list[Text | ProgressBar | Table] = [Text(words, style="bold")]
        if self._total:
            parts.append(ProgressBar(total=self._total, completed=self._done, width=50))
        if self._samples:
            parts.append(self._table())
        self._live.update(Group(*parts))

    def _table(self) -> Table:
        table = Table("second", "a second", "p50 ms", "p99 ms", "server CPU", "server MiB", box=None)
        for column in table.columns:
            column.justify = "right"
        for each in self._samples:
            table.add_row(f"{each.second:.1f}", f"{each.rate:,.0f}", _number(each.p50, 2), _number(each.p99, 2),
                          _number(each.server_cpu, 2),
                          _number(None if each.server_pss is None else each.server_pss / 2**20, 1))
        return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
