"""Logging set-up. Only the floors session to server log; nothing is logged per stanza, and never a secret.

Each login is a line, so lines are cheap: a person's is written here, without what structlog's own renderer does for a
terminal, and a machine's by orjson. Tracebacks show no variables: one of them might be a password.
"""

import logging
import sys
import time
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from headrace.server.config import LogConfig

_EVENT_WIDTH = 30   # fields stand below each other


def configure(config: LogConfig, stream: TextIO = sys.stderr) -> FilteringBoundLogger:
    """The process's logger, which `app.py` hands to who needs one."""
    level = logging.getLevelNamesMapping()[config.level.upper()]
    logger = structlog.wrap_logger(
        structlog.WriteLogger(stream), processors=_processors(config, terminal=stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(level))
    bound: FilteringBoundLogger = logger.bind()     # once: an unbound one binds itself for each line
    return bound


def _processors(config: LogConfig, *, terminal: bool) -> list[Processor]:
    plain: list[Processor] = [structlog.processors.add_log_level, structlog.processors.format_exc_info]
    if config.format != "human":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        return [*plain, stamp, structlog.processors.JSONRenderer(serializer=_json)]
    if terminal:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        return [*plain, stamp, structlog.dev.ConsoleRenderer()]
    return [*plain, _Lines()]


def _json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=repr).decode()


class _Lines:
    """Writes what a person reads."""

    def __init__(self) -> None:
        self._second = -1
        self._clock = ""    # of that second

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        level, what, trace = event.pop("level"), event.pop("event"), event.pop("exception", None)
        second = int(time.time())
        if second != self._second:
            self._second, self._clock = second, time.strftime("%H:%M:%S", time.localtime(second))
        fields = " ".join([f"{name}={_value(event[name])}" for name in sorted(event)])
        line = f"{self._clock} [{level:9}] {what:{_EVENT_WIDTH}} {fields}".rstrip()
        return line if trace is None else f"{line}\n{trace}"


def _value(value: object) -> str:
    """As it stands if that is one printable word: nobody writes a line of his own into the log."""
    text = value if isinstance(value, str) else repr(value)
    plain = text and text.isprintable() and " " not in text and "'" not in text and '"' not in text
    return text if plain else repr(value)
