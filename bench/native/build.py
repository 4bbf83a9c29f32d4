"""Compiles bench/native/drive.pyx against the tree, in build/bench, and imports it."""

import subprocess
import sys
import sysconfig
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bench" / "native" / "drive.pyx"
OUT = ROOT / "build" / "bench"


def drive() -> ModuleType:
    """The module, compiled anew if it or a declaration in native/ has changed."""
    target = OUT / f"drive{sysconfig.get_config_var('EXT_SUFFIX')}"
    inputs = [SOURCE, *(ROOT / "native").rglob("*.pxd"), *(ROOT / "native").rglob("*.h")]
    if not target.exists() or target.stat().st_mtime < max(p.stat().st_mtime for p in inputs):
        build(target)
    spec = spec_from_file_location("drive", target, loader=ExtensionFileLoader("drive", str(target)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(target: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    generated = OUT / "drive.c"
    cython = [sys.executable, "-m", "cython", "-3", "-I", ROOT / "native", SOURCE, "-o", generated]
    includes = [f"-I{ROOT / 'native'}", f"-I{sysconfig.get_path('include')}"]
    compiler = ["cc", "-O3", "-g1", "-shared", "-fPIC", *includes, generated, "-o", target]
    for command in (cython, compiler):
        subprocess.run([str(c) for c in command], check=True)
