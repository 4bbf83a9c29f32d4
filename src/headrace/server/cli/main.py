"""The command's root: options and exit codes that all sub-commands share."""

import functools
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

import click

from headrace.server.admin import ControlError, NotRunning, ask
from headrace.server.config import Config, ConfigError, default, load

P = ParamSpec("P")


class Exit(IntEnum):
    """1: the command could not do what it was asked for. 2: it was called in a wrong way (click's own)."""

    FAILED = 1
    CONFIG = 3          # a configuration that cannot be used
    PORT = 4            # an address or port that cannot be listened on
    CERTIFICATE = 5     # a certificate or key that cannot be used
    LOCKED = 6          # another server, or another process, holds the data
    STORAGE = 7         # the data cannot be read or written


def fail(code: Exit, text: object) -> NoReturn:
    click.echo(f"headrace: {text}", err=True)
    raise SystemExit(code)


def with_config(command: Callable[P, None]) -> Callable[..., None]:
    """Gives the command its first argument, the configuration."""

    @click.option("--config", "path", type=click.Path(path_type=Path), envvar="HEADRACE_CONFIG",
                  help="Configuration file. Default: headrace.toml here if there is one, else localhost only.")
    @functools.wraps(command)
    def wrapped(path: Path | None, *args: P.args, **kwargs: P.kwargs) -> None:
        command(read_config(path), *args, **kwargs)     # type: ignore[arg-type]

    return wrapped


def read_config(path: Path | None) -> Config:
    here = Path("headrace.toml")
    if path is None and not here.exists():
        return default(Path.cwd())
    try:
        return load(path or here)
    except ConfigError as error:
        fail(Exit.CONFIG, error)


def ask_server(config: Config, do: str, **values: Any) -> Any:
    """What the server that runs on this data answers; ends the command if it does not."""
    try:
        return ask(config.data, do, **values)
    except NotRunning:
        fail(Exit.FAILED, "no server runs on this data")
    except (ControlError, OSError) as error:
        fail(Exit.FAILED, error)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headrace", prog_name="headrace")
def main() -> None:
    """Headrace, an XMPP server.

    \b
    Exit codes: 1 not done, 2 wrong usage, 3 configuration, 4 port in use,
    5 certificate, 6 data locked by another process, 7 data unusable.
    """
