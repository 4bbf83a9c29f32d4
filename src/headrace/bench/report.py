"""Results side by side, as one page that needs nothing beside it."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import orjson

from headrace.bench.errors import BenchError
from headrace.bench.measure import decode
from headrace.bench.options import SWITCHES
from headrace.bench.plots import Line, chart, colour, linear, logarithmic, percentiles
from headrace.bench.result import SCHEMA

STEPS = (*range(0, 50, 5), *range(50, 90, 4), *(90 + i for i in range(9)), *(99 + i / 10 for i in range(9)),
         *(99.9 + i / 100 for i in range(10)))
STYLE = """
:root { color-scheme: light dark; --grid: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1040px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3em .9em; border-bottom: 1px solid var(--grid); text-align: right; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; opacity: .7; }
.bad { color: #d1495b; }
.plots { display: flex; flex-wrap: wrap; gap: 1em; }
figure { margin: 0; flex: 1 1 300px; max-width: 480px; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; }
svg text { font-size: 12px; fill: currentColor; }
.grid { stroke: var(--grid); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
.scroll { overflow-x: auto; }
"""

Result = dict[str, Any]


@dataclass(slots=True)
class Cell:
    """One server's runs of one test."""

    runs: list[Result]

    @property
    def value(self) -> float:
        return float(statistics.median(run["figure"]["value"] for run in self.runs))

    @property
    def typical(self) -> Result:
        """The run that is nearest to the median."""
        return min(self.runs, key=lambda run: abs(run["figure"]["value"] - self.value))

    @property
    def good(self) -> bool:
        return all(run["verdict"]["good"] for run in self.runs)

    @property
    def faulty(self) -> bool:
        return any(run["checked"]["lost"] or run["verdict"]["code"] == 10 for run in self.runs)


Cells = dict[str, dict[str, Cell]]      # by test, by server


def read(paths: Sequence[Path]) -> list[Result]:
    """A file holds one result or a list of them. Raises BenchError."""
    found: list[Result] = []
    for path in paths:
        try:
            content = orjson.loads(path.read_bytes())
        except OSError as error:
            raise BenchError(f"{path}: {error.strerror}") from None
        except orjson.JSONDecodeError as error:
            raise BenchError(f"{path}: not JSON: {error}") from None
        results = content.get("results", [content]) if isinstance(content, dict) else content
        if not isinstance(results, list) or not all(
                isinstance(each, dict) and each.get("schema") == SCHEMA for each in results):
            raise BenchError(f"{path}: not a result of `headrace bench`, or of another version of it")
        found += results
    return found


def test_name(result: Result) -> str:
    """What was measured: scenario and what is switched on."""
    if result.get("test"):
        return str(result["test"])
    options = result["options"]
    switches = [name for name in SWITCHES if options.get(name)]
    tls = [] if options["tls"] == "no" else [options["tls"]]
    loop = [f"{options['rate']:g}/s"] if options["rate"] else []
    return ", ".join([f"{result['scenario']}, {options['users']} users", *tls, *switches, *loop])


def arrange(results: Sequence[Result]) -> Cells:
    grouped: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        grouped[test_name(result)][result["label"]].append(result)
    return {test: {label: Cell(runs) for label, runs in servers.items()} for test, servers in grouped.items()}


def page(results: Sequence[Result], title: str = "headrace bench") -> str:
    cells = arrange(results)
    labels = list(dict.fromkeys(result["label"] for result in results))
    machines = dict.fromkeys("{cpu}, {cores} cores, Linux {kernel}".format(**run["machine"]) for run in results)
    sections = "".join(_section(test, servers, labels) for test, servers in cells.items())
    return (f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
            f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{STYLE}</style>"
            f"<h1>{escape(title)}</h1><p>{escape('; '.join(machines))}</p>{table(cells, labels)}"
            "<p>Medians of all runs; a ratio says how many times as good as the first server. "
            "Figures for each second of the server's CPU time are those that other work disturbs least. "
            "<span class='bad'>!</span>: not a good run; below the table it says why.</p>"
            f"{sections}</html>\n")


def table(cells: Cells, labels: Sequence[str]) -> str:
    head = "".join(f"<th><span class='key' style='background:{colour(i)}'></span>{escape(label)}</th>"
                   for i, label in enumerate(labels))
    rows = []
    for test, servers in cells.items():
        first = next(iter(servers.values()))
        figure = first.typical["figure"]
        row = [f"<td>{escape(test)}<small>{escape(figure['name'])}</small></td>"]
        row += [_cell(servers.get(label), servers.get(labels[0])) for label in labels]
        rows.append(f"<tr>{''.join(row)}</tr>")
    return f"<div class='scroll'><table><tr><th></th>{head}</tr>{''.join(rows)}</table></div>"


def ratio(cell: Cell, base: Cell) -> float:
    """How many times as good."""
    if not (cell.value and base.value):
        return 0.0
    more = cell.typical["figure"]["better"] == "more"
    return cell.value / base.value if more else base.value / cell.value


def _cell(cell: Cell | None, base: Cell | None) -> str:
    if cell is None:
        return "<td>-</td>"
    if cell.typical["figure"].get("missing"):
        return f"<td><small>{escape(cell.typical['figure']['missing'])}</small></td>"
    mark = "" if cell.good else " <span class='bad'>!</span>"
    times = "" if base is None or base is cell else f"<small>{ratio(cell, base):.2f}x</small>"
    return f"<td>{cell.value:,.0f}{mark}{times}</td>"


def _section(test: str, servers: dict[str, Cell], labels: Sequence[str]) -> str:
    shown = [(labels.index(label), label, cell) for label, cell in servers.items()
             if not cell.typical["figure"].get("missing")]
    plots = [plot for plot in (_throughput(shown), _latency(shown), _memory(shown)) if plot]
    notes = [f"<li><b>{escape(label)}</b>: {escape(reason)}</li>" for _, label, cell in shown
             for reason in dict.fromkeys(reason for run in cell.runs for reason in
                                         [*run["verdict"]["reasons"], *run["left_out"]])]
    listed = f"<ul>{''.join(notes)}</ul>" if notes else ""
    return f"<h2>{escape(test)}</h2><div class='plots'>{''.join(plots)}</div>{listed}"


Shown = list[tuple[int, str, Cell]]


def _samples(shown: Shown, key: str, scale: float = 1.0) -> list[Line]:
    lines = [Line(label, [(sample["second"], sample[key] / scale) for sample in cell.typical["samples"]
                          if sample[key] is not None], index) for index, label, cell in shown]
    return [line for line in lines if line.points]


def _over_time(lines: list[Line], title: str, y_name: str) -> str:
    if not lines:
        return ""
    x = linear([a for line in lines for a, _ in line.points])
    y = linear([b for line in lines for _, b in line.points])
    return chart(lines, x, y, title=title, x_name="seconds", y_name=y_name)


def _throughput(shown: Shown) -> str:
    if all(cell.typical["figure"]["better"] == "less" for _, _, cell in shown):
        return ""
    unit = shown[0][2].typical["unit"] if shown else ""
    return _over_time(_samples(shown, "rate"), "Throughput", f"{unit} a second")


def _memory(shown: Shown) -> str:
    return _over_time(_samples(shown, "server_pss", 2**20), "Memory of the server", "MiB (PSS)")


def _latency(shown: Shown) -> str:
    lines = []
    for index, label, cell in shown:
        if cell.typical["latency_ms"]:
            histogram = decode(cell.typical["latency_ms"]["hdr"])
            lines.append(Line(label, [(p, histogram.get_value_at_percentile(p) / 1e6) for p in STEPS], index))
    if not lines:
        return ""
    y = logarithmic([b for line in lines for _, b in line.points])
    return chart(lines, percentiles(), y, title="Latency", x_name="share of all", y_name="ms")
