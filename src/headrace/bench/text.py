"""A result for a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of what there is to say."""
    server, latency, checked, figure = result["server"], result["latency_ms"], result["checked"], result["figure"]
    found = [(figure["name"], f"{figure['value']:,.0f}")]
    if figure["better"] == "more" and server["cpu_seconds"] is not None:
        found.insert(0, (f"{result['unit']} a second", f"{result['rate']:,.0f}"))
    if latency is not None:
        found.append(("latency p50 / p99 / p99.9 / max",
                      " / ".join(f"{latency[key]:.2f}" for key in ("p50", "p99", "p99.9", "max")) + " ms"))
    if server["busy"] is not None:
        found.append(("server's busiest thread, memory",
                      f"{server['busy']:.0%}, {server['pss'] / 2**20:,.1f} MiB"))
    found.append(("generator's busiest thread", f"{result['generator']['busy']:.0%}"))
    found += [(name.replace("_", " "), f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")
              for name, value in result["extra"].items() if name.replace("_", " ") != figure["name"]]
    found.append(("stanzas sent, deliveries right, lost",
                  f"{checked['sent']:,}, {checked['right']:,}, {checked['lost']:,}"))
    return found


def show(result: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table(title=f"{result['scenario']}: {result['label']}", show_header=False, box=None, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for row in rows(result):
        table.add_row(*row)
    console.print(table)
    verdict = result["verdict"]
    for left_out in result["left_out"]:
        console.print(f"left out: {left_out}")
    for reason in verdict["reasons"]:
        console.print(f"- {reason}", markup=False)
    for name, stanza in result["examples"][:3]:
        console.print(f"  {name}: {stanza}", markup=False)
    words = "a good run" if verdict["good"] else "NOT A GOOD RUN"
    console.print(f"{words}; bottleneck: {verdict['bottleneck']}")
