"""What leaves the house: the wheel is made from the sdist, and others can cimport from it."""

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import setuptools

import headrace.core
from support.readme import blocks
from support.tree import NATIVE, ROOT, SRC

pytestmark = pytest.mark.timeout(600)  # it compiles, on a machine with other work
COPIED = ("src", "native", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel made from it. Only the core is compiled: the same recipe, quicker."""
    out, tree = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("checkout")
    ignored = ("*.so", "*.egg-info", "__pycache__")
    for name in COPIED:
        copy(ROOT / name, tree / name, ignored)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree]
    env = {**os.environ, "HEADRACE_CORE_ONLY": "1", "CFLAGS": "-O0"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def built(dist: Path) -> tuple[set[str], set[str]]:
    """Names in (sdist, wheel)."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist, zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        return {name.partition("/")[2] for name in sdist.getnames()}, set(wheel.namelist())


def copy(source: Path, target: Path, ignored: tuple[str, ...]) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*ignored))
    else:
        shutil.copy(source, target)


def names(root: Path, *ends: str) -> set[str]:
    """Files below src/headrace or native/headrace with these ends, as a wheel names them."""
    return {f"headrace/{p.relative_to(root)}" for p in root.rglob("*") if p.name.endswith(ends)}


def test_sdist_holds_every_source(built: tuple[set[str], set[str]]) -> None:
    sdist, _ = built
    assert {f"src/{n}" for n in names(SRC, ".py", ".pyi", ".sql", "py.typed")} <= sdist
    assert {f"native/{n}" for n in names(NATIVE, ".h", ".pxd")} <= sdist
    assert {f"native/{n}" for n in names(NATIVE, ".pyx") if n.startswith("headrace/core/")} <= sdist
    assert not [name for name in sdist if name.endswith((".c", ".so"))]


def test_wheel_holds_what_others_need(built: tuple[set[str], set[str]]) -> None:
    _, wheel = built
    assert names(SRC, ".py", ".pyi", ".sql", "py.typed") | names(NATIVE, ".pxd", ".h") <= wheel
    assert not [name for name in wheel if name.endswith((".c", ".pyx", ".html"))]


def test_core_alone_builds_the_core_alone(built: tuple[set[str], set[str]]) -> None:
    _, wheel = built
    folders = {name.split("/")[1] for name in wheel if name.endswith(".so")}
    assert "core" in folders
    assert folders <= {"core", "stream"}


def test_a_missing_header_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recipe = runpy.run_path("setup.py")
    recipe["HEADERS"]["ssl"] = ("no/such/header.h", "libssl-dev")
    module = setuptools.Extension("headrace.net.tls", [], libraries=["ssl"])
    with pytest.raises(SystemExit, match=r"^headrace: headrace.net.tls needs no/such/header.h: install libssl-dev"):
        recipe["require_headers"]([module])


@pytest.mark.parametrize(("variable", "flag"), [("DEBUG", "-g3"), ("SANITIZE", "-fsanitize=address,undefined"),
                                                ("COVERAGE", "-DCYTHON_TRACE=1")])
@pytest.mark.parametrize("value", ["1", "0"])
def test_modes_are_switched_on_by_1(variable: str, flag: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("DEBUG", "SANITIZE", "COVERAGE", "CORE_ONLY"):
        monkeypatch.delenv(f"HEADRACE_{name}", raising=False)
    monkeypatch.setenv(f"HEADRACE_{variable}", value)
    flags = runpy.run_path("setup.py")["compile_args"]()
    assert (flag in flags) == (value == "1")


COUNT = """
import sys
import consumer
stream = (b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
          + b"<message to='a@b'><body>hi</body><x/></message><presence/>" * 10_000)
consumer.count(stream)
before = sys.getallocatedblocks()
found = consumer.count(stream)
print(*found, sys.getallocatedblocks() - before)
"""


def counted(folder: Path, tree: Path, *include: str | Path) -> list[int]:
    """What README's consumer counts, compiled against the headrace in `tree`; and the blocks that Python allocated."""
    source, generated = folder / "consumer.pyx", folder / "consumer.c"
    source.write_text(blocks("cython")[0])
    env = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{folder}"}
    ask = [sys.executable, "-c", "import headrace.core; print(headrace.core.get_include())"]
    headers = subprocess.run(ask, env=env, capture_output=True, text=True, check=True, cwd=folder).stdout.strip()
    paths = [part for path in include for part in ("-I", str(path))]
    target = folder / f"consumer{sysconfig.get_config_var('EXT_SUFFIX')}"
    python_headers = sysconfig.get_path("include")
    for command in (
        [sys.executable, "-m", "cython", "-3", *paths, str(source)],
        ["cc", "-O1", "-shared", "-fPIC", f"-I{headers}", f"-I{python_headers}", str(generated), "-o", str(target)],
    ):
        subprocess.run(command, env=env, check=True, cwd=folder)
    run = [sys.executable, "-c", COUNT]
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=True, cwd=folder)
    return [int(number) for number in done.stdout.split()]


def test_others_cimport_from_a_wheel(dist: Path, tmp_path: Path) -> None:
    """Cython finds the .pxd files by itself, where the package is installed."""
    site = tmp_path / "site"
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    messages, tags, allocated = counted(tmp_path, site)
    assert (messages, tags) == (10_000, 30_000)
    assert allocated < 100


def test_others_cimport_from_a_checkout(tmp_path: Path) -> None:
    messages, tags, allocated = counted(tmp_path, ROOT / "src", headrace.core.get_include())
    assert (messages, tags) == (10_000, 30_000)
    assert allocated < 100
