"""Builds the native helpers of the tests (tests/support/*.pyx) once, against this tree's .pxd files."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

from Cython.Build import cythonize
from setuptools import Distribution, Extension

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined"] if os.environ.get("HEADRACE_SANITIZE") == "1" else []


def build(name: str) -> ModuleType:
    """The module tests/support/<name>.pyx, compiled if it or any .pxd is newer than the last time."""
    folder = ROOT / "build" / ("tests-sanitize" if SANITIZE else "tests")
    extension = Extension(
        name, [str(HERE / f"{name}.pyx")], include_dirs=[str(ROOT / "native")],
        depends=[str(path) for path in (ROOT / "native").rglob("*.pxd")],
        extra_compile_args=SANITIZE or ["-O1"], extra_link_args=SANITIZE,
    )
    made = cythonize([extension], include_path=[str(ROOT / "native")], build_dir=str(folder), quiet=True,
                     compiler_directives={"language_level": 3})
    command = Distribution({"ext_modules": made}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(folder)
    command.ensure_finalized()
    command.run()
    spec = importlib.util.spec_from_file_location(name, command.get_ext_fullpath(name))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
