"""README's examples work as written."""

import re
from pathlib import Path

import pytest

from headrace.server.config import load
from support.readme import README, blocks
from support.tree import ROOT


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("text", blocks("toml"))
def test_configuration(text: str, tmp_path: Path) -> None:
    path = tmp_path / "headrace.toml"
    path.write_text(text)
    config = load(path)
    assert config.data == tmp_path / "var"
    assert [host.name for host in config.hosts] == ["localhost"]


def test_there_are_examples() -> None:
    assert blocks("python")
    assert blocks("cython")     # tests/shape/test_build.py compiles it
    assert blocks("toml")


@pytest.mark.parametrize("name", re.findall(r"`(HEADRACE_[A-Z_]+)=", README))
def test_variables_exist(name: str) -> None:
    sources = [ROOT / "setup.py", ROOT / "tests" / "conftest.py"]
    assert any(name.removeprefix("HEADRACE_") in path.read_text() for path in sources)


def test_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= targets


def test_folders_exist() -> None:
    assert not [name for name in re.findall(r"bench/\w+(?:/\w+)?(?:\.\w+)?", README) if not (ROOT / name).exists()]
