"""Runs in the sanitizer build only: proves that it would notice, so that its silence means something."""

import ctypes
import importlib.machinery
import subprocess
import sys
from pathlib import Path

import pytest

import headrace

CASES = {
    "heap-buffer-overflow": "#include <stdlib.h>\nint run(int n) { char *p = malloc(n); return p[n]; }\n",
    "signed integer overflow": "int run(int n) { return n + 0x7fffffff; }\n",
}
FLAGS = ["-O1", "-g", "-shared", "-fPIC", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
CALL = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).run(8)"


@pytest.mark.parametrize("report", CASES)
def test_a_mistake_is_reported(report: str, tmp_path: Path) -> None:
    source, library = tmp_path / "mistake.c", tmp_path / "mistake.so"
    source.write_text(CASES[report])
    subprocess.run(["gcc", *FLAGS, "-o", library, source], check=True, env={"PATH": "/usr/bin:/bin"})
    done = subprocess.run([sys.executable, "-c", CALL, library], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert report in done.stderr


def test_every_native_module_is_instrumented() -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    modules = list(Path(headrace.__file__).parent.rglob(f"*{suffix}"))
    assert modules
    for path in modules:
        text = path.read_bytes()
        assert b"__asan_init" in text, path.name
        assert b"__ubsan_handle" in text, path.name


def test_the_sanitizer_is_loaded() -> None:
    assert ctypes.CDLL(None).__asan_init
