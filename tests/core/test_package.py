"""The package itself: what it exports, where its .pxd files are, what it needs."""

import subprocess
import sys
from pathlib import Path

import headrace.core


def test_public_names_are_there() -> None:
    assert all(hasattr(headrace.core, name) for name in headrace.core.__all__)


def test_other_peoples_cython_finds_our_contracts() -> None:
    assert (Path(headrace.core.get_include()) / "headrace" / "core" / "tokenizer.pxd").is_file()
    assert (Path(headrace.core.get_include()) / "headrace" / "core" / "view.h").is_file()


def test_it_needs_nothing_but_the_standard_library() -> None:
    """In a process of its own without site-packages; every module of the stream core is imported."""
    source = str(Path(headrace.core.__file__).parents[2])
    modules = "headrace.core, headrace.core.prep, headrace.core.reply, headrace.stream.framing, headrace.xep.disco"
    code = f"import sys; sys.path.insert(0, {source!r}); import {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    tops = {name.split(".")[0] for name in loaded.stdout.split()} - {"headrace", "__main__"}
    # Cython's runtime registers itself under a name of its own.
    assert not {n for n in tops if n not in sys.stdlib_module_names and not n.startswith(("_cython", "cython"))}
    assert not {"asyncio", "socket", "ssl"} & tops
