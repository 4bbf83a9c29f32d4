"""Logging set-up. Only the floors session to server log; nothing is logged per stanza, and never a secret."""

import logging
import sys
from typing import TextIO

import structlog

from headrace.server.config import LogConfig


def configure(config: LogConfig, stream: TextIO = sys.stderr) -> structlog.typing.FilteringBoundLogger:
    """The process's logger, which `app.py` hands to who needs one."""
    human = config.format == "human"
    colours = human and stream.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=colours) if human else structlog.processors.JSONRenderer())
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
    ]
    if not human:
        processors.append(structlog.processors.dict_tracebacks)
    level = logging.getLevelNamesMapping()[config.level.upper()]
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level))
    return logger
