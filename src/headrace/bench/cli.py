"""`headrace bench`: the command line."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
import orjson

from headrace.bench.errors import BenchError
from headrace.bench.execute import execute
from headrace.bench.options import MECHANISMS, Options
from headrace.bench.scenarios import scenarios
from headrace.bench.scenarios.api import Scenario

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
DEFAULTS = Options()


def _option(name: str, help: str, **more: Any) -> Decorator:
    key = name.replace("-", "_")
    return click.option(f"--{name}", key, default=getattr(DEFAULTS, key), show_default=True, help=help, **more)


COMMON: dict[str, Decorator] = {
    "host": _option("host", "Address of the server."),
    "port": click.option("--port", type=click.IntRange(0, 65535), default=0,
                         help="Its port.  [default: 5222, or 5223 for direct TLS]"),
    "domain": _option("domain", "What the server serves."),
    "tls": _option("tls", "TLS: none, by STARTTLS, or from the first byte.",
                   type=click.Choice(["no", "starttls", "direct"])),
    "ca_file": click.option("--ca-file", type=click.Path(path_type=Path), help="PEM file of the authorities that the "
                            "server's certificate is verified by.  [default: it is not verified]"),
    "pid": click.option("--pid", type=int, help="The server's first process: its CPU time and memory, and those of "
                        "all processes below it, are measured."),
    "users": _option("users", "How many."),
    "user": _option("user", "Pattern of their names."),
    "password": _option("password", "Pattern of their passwords."),
    "csv": click.option("--csv", type=click.Path(path_type=Path), help="File of `user,password` lines, instead of "
                        "patterns."),
    "register": click.option("--register", is_flag=True, help="Make the users first, in-band (XEP-0077)."),
    "mechanism": _option("mechanism", "SASL mechanism.", type=click.Choice(MECHANISMS)),
    "sasl2": click.option("--sasl2", is_flag=True, help="Log in by SASL2 with Bind 2 (XEP-0388, XEP-0386)."),
    "fast": click.option("--fast", is_flag=True, help="... and by a token, where one is to be had (XEP-0484)."),
    "at_once": _option("at-once", "Logins under way."),
    "patience": _option("patience", "Seconds that one login may take."),
}
MORE: dict[str, Decorator] = {
    "sm": click.option("--sm", is_flag=True, help="Stream management (XEP-0198): <r/> is sent and answered."),
    "carbons": click.option("--carbons", is_flag=True, help="Message carbons (XEP-0280)."),
    "csi": click.option("--csi", is_flag=True, help="Client state indication (XEP-0352)."),
    "archive": click.option("--archive", is_flag=True, help="Messages are archived (XEP-0313) for all users."),
    "window": _option("window", "Closed loop: stanzas that each sender keeps under way."),
    "rate": _option("rate", "Open loop: stanzas a second, all senders together; latency counts from the due time. "
                    "0: closed loop."),
    "warm_up": _option("warm-up", "Seconds before measuring."),
    "duration": _option("duration", "Seconds of measuring."),
    "body": _option("body", "Bytes of a message's text."),
    "bare": click.option("--bare", is_flag=True, help="Messages go to bare JIDs."),
    "devices": _option("devices", "Connections of each user."),
    "page": _option("page", "Messages of a page of the archive."),
    "service": click.option("--service", default="", help="Address of the room service.  [default: the server is "
                            "asked]"),
    "senders": _option("senders", "Users who send."),
    "profile": _option("profile", "Whose weights.", type=click.Choice(["rtb", "amoc"])),
    "speed": _option("speed", "How much faster than life."),
}
OUTPUT: tuple[Decorator, ...] = (
    click.option("--json", "json_file", type=click.Path(path_type=Path, allow_dash=True),
                 help="Write the result here; - for standard output."),
    click.option("--label", default="", help="Name of the server in reports.  [default: what it calls itself]"),
    click.option("--core", type=int, help="CPU that the generator is bound to."),
    click.option("--quiet", is_flag=True, help="Show no progress."),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Load any XMPP server and say what it holds.

    Every stanza is counted and checked: sender, order, loss, repeats, text. Warm-up does not count.
    Latency counts from the time at which a stanza was due, in histograms that lose no peak.

    \b
    Exit codes: 0 a good run, 1 not done, 2 wrong usage, 10 stanzas lost or
    changed, 11 the generator was the bottleneck, 12 not offered by the server.
    """


def _fail(error: BenchError) -> NoReturn:
    click.echo(f"headrace bench: {error}", err=True)
    raise SystemExit(int(error.code))


def _command(scenario: Scenario) -> click.Command:
    def run(json_file: Path | None, label: str, core: int | None, quiet: bool, **values: Any) -> None:
        try:
            with _screen(quiet) as screen:
                _bind(core)
                result, verdict = execute(scenario, Options(**values), screen, label)
        except BenchError as error:
            _fail(error)
        if json_file is not None:
            written = orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n"
            _write(json_file, written)
        if json_file != Path("-"):
            from headrace.bench.text import show

            show(result)
        raise SystemExit(int(verdict.code))

    decorated: Callable[..., None] = run
    chosen = [*COMMON.values(), *(MORE[name] for name in scenario.options), *OUTPUT]
    for decorate in reversed(chosen):
        decorated = decorate(decorated)
    return click.command(scenario.name, help=scenario.help)(decorated)


def _write(path: Path, data: bytes) -> None:
    if path == Path("-"):
        sys.stdout.buffer.write(data)
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        _fail(BenchError(f"{path}: {error.strerror}"))


def _bind(core: int | None) -> None:
    if core is None:
        return
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        raise BenchError(f"--core {core}: {error.strerror}") from None


@contextlib.contextmanager
def _screen(quiet: bool) -> Iterator[Any]:
    from headrace.bench.live import Live, Silent

    if quiet or not sys.stderr.isatty():
        yield Silent()
    else:
        with Live() as live:
            yield live


for _scenario in scenarios():
    bench.add_command(_command(_scenario))


@bench.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--html", "html", type=click.Path(path_type=Path), required=True, help="The page to write.")
@click.option("--title", default="headrace bench", show_default=True)
def report(files: tuple[Path, ...], html: Path, title: str) -> None:
    """Results side by side: one page with a table and plots, without scripts or files beside it."""
    from headrace.bench.report import page, read

    try:
        results = read(files)
    except BenchError as error:
        _fail(error)
    _write(html, page(results, title).encode())
