"""The top level stays as it is, and nothing in the tree depends on one place to fetch packages from."""

import shutil
import subprocess

import pytest

from support.tree import ROOT

FILES = {".gitignore", "LICENSE", "Makefile", "README.md", "pyproject.toml", "setup.py"}
TOP = FILES | {".ci", "bench", "native", "src", "tests"}
# Spelt in two halves, since this file is read too.
HOSTS = ("py" "pi.org", "python" "hosted.org", "deb." "debian.org", "crates" ".io", "npm" "js.org")


def committed() -> list[str]:
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()]


def test_top_level() -> None:
    assert {name.split("/")[0] for name in committed()} <= TOP


def test_no_registry_is_named() -> None:
    texts = {name: (ROOT / name).read_bytes().lower() for name in committed()}
    assert not [name for name, text in texts.items() for host in HOSTS if host.encode() in text]
