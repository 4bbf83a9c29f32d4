"""Each requirement of an RFC stands in a table, beside the tests that show it or the reason why none does.

A table is a Markdown file named after its RFC; a row is a section, the RFC's word, what a server has to do, and either
tests as `folder/test_file.py::test_name`, below tests/, or "none:" and the reason. What is said here is in our words;
the RFC's count.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from headrace.core.reply import ERROR_TYPES
from headrace.stream.errors import CONDITIONS

HERE = Path(__file__).parent
TESTS = HERE.parent
WORDS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"}
TEST_ID = re.compile(r"`([a-z]+/test_\w+\.py)::(test_\w+)`")
REASON = 20     # characters that say less say nothing


class Row(NamedTuple):
    table: str
    section: str
    word: str
    requirement: str
    shown: str


def rows(table: Path) -> list[Row]:
    lines = [line for line in table.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == 4 for row in cells), [row for row in cells if len(row) != 4]
    return [Row(table.stem, *row) for row in cells[1:]]   # the first one names the columns


ROWS = [row for table in sorted(HERE.glob("*.md")) for row in rows(table)]


@cache
def functions(file: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse((TESTS / file).read_text()).body if isinstance(node, kinds)}


def label(row: Row) -> str:
    return f"{row.table} {row.section} {row.requirement[:40]}"


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_requirement_is_shown_or_has_a_reason(row: Row) -> None:
    assert re.fullmatch(r"\d+(\.\d+)*", row.section)
    assert row.word in WORDS
    assert row.requirement
    found = TEST_ID.findall(row.shown)
    if row.shown.startswith("none:"):
        assert not found
        assert len(row.shown.removeprefix("none:").strip()) >= REASON
        return
    assert found
    assert not TEST_ID.sub("", row.shown).strip(), "test ids alone"
    missing = [f"{file}::{name}" for file, name in found if name not in functions(file)]
    assert not missing


def test_no_requirement_stands_twice() -> None:
    said = [(row.table, row.section, row.requirement) for row in ROWS]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("section", "conditions"), [("4.9.3.", CONDITIONS), ("8.3.3.", ERROR_TYPES.keys())])
def test_every_error_condition_has_its_row(section: str, conditions: set[str]) -> None:
    named = {row.requirement.partition(":")[0] for row in ROWS if row.table == "rfc6120" and
             row.section.startswith(section)}
    assert named == conditions
