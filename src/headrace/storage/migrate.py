"""The numbered steps in sql/<back end>/ that bring a database to the shape this version knows."""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from headrace.storage.ports import StorageUnavailable


class Step(NamedTuple):
    number: int
    name: str       # of its file
    sql: str


def steps(backend: str) -> list[Step]:
    """All steps, in order; their numbers leave no gap. Every back end has the same names."""
    found = []
    for file in files("headrace.storage").joinpath("sql", backend).iterdir():
        if number := re.match(r"(\d{4})_\w+\.sql$", file.name):
            found.append(Step(int(number[1]), file.name, file.read_text(encoding="utf-8")))
    found.sort()
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise RuntimeError(f"numbers missing or doubled among {[step.name for step in found]}")
    return found


def missing(version: int, known: Sequence[Step]) -> Sequence[Step]:
    """The steps that a database with that many of them lacks.

    Raises StorageUnavailable if it has been changed by a version that knows more steps."""
    if version > len(known):
        raise StorageUnavailable(
            f"the database is a newer headrace's (format {version}, this one knows {len(known)}): upgrade")
    return known[version:]
