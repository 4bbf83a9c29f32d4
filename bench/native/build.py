"""Compiles the modules of bench/native against the headrace that is imported, this tree's or an installed one (asv),
and imports them. An installed one declares its core alone: `parsers` and `marks` need no more."""

import subprocess
import sys
import sysconfig
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from headrace.core import get_include

ROOT = Path(__file__).resolve().parents[2]
DECLARED = Path(get_include())
OUT = ROOT / "build" / "bench" if DECLARED == ROOT / "native" else Path(sys.prefix) / "headrace-bench"


def drive() -> ModuleType:
    """The native floors, called as the data plane calls them."""
    return module("drive")


@cache
def module(name: str) -> ModuleType:
    """bench/native/NAME.pyx, compiled anew if it or a declaration has changed."""
    source = ROOT / "bench" / "native" / f"{name}.pyx"
    target = OUT / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    inputs = [source, *(DECLARED / "headrace").rglob("*.pxd"), *(DECLARED / "headrace").rglob("*.h")]
    if not target.exists() or target.stat().st_mtime < max(p.stat().st_mtime for p in inputs):
        build(source, target)
    spec = spec_from_file_location(name, target, loader=ExtensionFileLoader(name, str(target)))
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def build(source: Path, target: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    generated = OUT / f"{source.stem}.c"
    cython = [sys.executable, "-m", "cython", "-3", "-I", DECLARED, source, "-o", generated]
    includes = [f"-I{DECLARED}", f"-I{sysconfig.get_path('include')}"]
    compiler = ["cc", "-O3", "-g1", "-shared", "-fPIC", *includes, generated, "-o", target]
    for command in (cython, compiler):
        subprocess.run([str(c) for c in command], check=True)
