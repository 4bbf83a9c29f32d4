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
from headrace.sasl.failures import CONDITIONS as SASL_CONDITIONS
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


def conditions_of(section: str) -> dict[str, Row]:
    return {row.requirement.partition(":")[0].partition(",")[0]: row for row in ROWS
            if row.table == "rfc6120" and row.section.startswith(section)}


CONDITIONS_OF = {"4.9.3.": CONDITIONS, "6.5.": SASL_CONDITIONS, "8.3.3.": ERROR_TYPES.keys()}
SOURCES = [file.read_text() for folder in ("src", "native") for file in sorted((TESTS.parent / folder).rglob("*.py*"))
           if file.suffix in (".py", ".pyx")]
# How the code refuses something by this condition; where the conditions are listed it is written otherwise.
SENT = {"4.9.3.": r"(?:StreamError|stop|fail|_fail|failed|end|End|revoke|_revoke)\([^()]*\"{}\"",
        "6.5.": r"SaslFailure\(\s*\"{}\"", "8.3.3.": r"(?:Refused|_reject|error_reply)\([^()]*\"{}\""}


@pytest.mark.parametrize("section", CONDITIONS_OF)
def test_every_error_condition_has_its_row(section: str) -> None:
    assert conditions_of(section).keys() == CONDITIONS_OF[section]


@pytest.mark.parametrize("section", CONDITIONS_OF)
def test_what_is_said_never_to_be_sent_is_not_sent(section: str) -> None:
    sent = {condition for condition, row in conditions_of(section).items()
            if any(re.search(SENT[section].format(condition), source) for source in SOURCES)}
    assert len(sent) >= 5, "the patterns find what is sent"
    assert not [condition for condition in sent if conditions_of(section)[condition].shown.startswith("none:")]
