"""Files and functions stay small enough to be read in one go."""

import ast
from pathlib import Path

import pytest

from support.tree import ROOT, sources

FILE_LINES = 600
FUNCTION_LINES = 60


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(".py", ".pyi", ".pyx", ".pxd", ".h"), ids=label)
def test_file_fits(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", sources(".py"), ids=label)
def test_functions_fit(path: Path) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    long = {f.name: lines for f in functions if (lines := f.end_lineno - f.lineno + 1) > FUNCTION_LINES}
    assert not long
