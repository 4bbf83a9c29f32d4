"""Every check of the project: `python tests/support/check.py [lint]`.

All steps run even if one fails; the last line sums them up, a lint step counting as one test. Only the tests have the
machine to themselves: the other builds are made beside them, at the lowest priority, and are tested afterwards.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BIN = Path(sys.executable).parent
NATIVE = ROOT / "native" / "headrace"
# Floors whose tests run again under the sanitizers: those with native modules.
NATIVE_TESTS = sorted({p.parent.name for p in NATIVE.rglob("*.pyx") if p.parent != NATIVE})
CORE_TESTS = ["core", "stream", "aio"]
Output = IO[str] | None  # where a step writes; None: where we do


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


Step = Callable[[Output], Counts]


def run(*command: str | Path, out: Output = None, **env: str) -> int:
    """Runs a command at the project's root with `env` added; its exit code."""
    path = f"{BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    env = {**os.environ, "PATH": path, **env}
    says = {"stdout": out, "stderr": subprocess.STDOUT} if out else {}
    return subprocess.run([str(c) for c in command], cwd=ROOT, env=env, check=False, **says).returncode


def lint(*command: str | Path) -> Step:
    def step(out: Output) -> Counts:
        return Counts(failed=1) if run(*command, out=out, PYTHONPATH=str(ROOT / "src")) else Counts(passed=1)

    return step


def stubtest(out: Output) -> Counts:
    paths = (p.relative_to(ROOT / "native").with_suffix("") for p in sorted(NATIVE.rglob("*.pyx")))
    modules = [".".join(p.parts) for p in paths]
    allow = ROOT / "tests" / "support" / "stubtest.txt"
    options = ("--concise", "--ignore-disjoint-bases", "--ignore-unused-allowlist", "--allowlist", allow)
    return lint(BIN / "stubtest", *options, *modules)(out)


def pytest(report: str, folders: list[str], out: Output, *, tree: Path | None = None, **env: str) -> Counts:
    """Runs tests/<folder> for each folder against the headrace in src, or those that depend on the build in `tree`."""
    result = BUILD / "report" / f"{report}.xml"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    tests = [f"tests/{f}" for f in folders if (ROOT / "tests" / f).is_dir()]
    chosen = ("-m", "not apart") if tree else ()
    command = (BIN / "python", "-m", "pytest", "-q", f"--junitxml={result}", *chosen, *tests)
    code = run(*command, out=out, PYTHONPATH=str(tree or ROOT / "src"), **env)
    counts = Counts()
    if result.exists():
        for suite in ET.parse(result).iter("testsuite"):
            total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            counts += Counts(total - failed - skipped, failed, skipped)
    if code and not counts.failed:  # it died, or collected nothing: never silently green
        counts.failed = 1
    return counts


def build(name: str, env: dict[str, str]) -> Path | None:
    """Builds the package apart, in build/<name>, when nobody else wants the processor; None if that failed."""
    base = BUILD / name
    command = (BIN / "python", "setup.py", "-q", "build", f"--build-base={base}", f"--build-lib={base}/lib")
    with tempfile.TemporaryFile("w+") as said:
        code = run("nice", "-n", "19", *command, out=said, **env)
        if code:
            said.seek(0)
            print(f"\n== build of {name} failed", said.read(), sep="\n", flush=True)
    return None if code else base / "lib"


def sanitizers(tree: Path | None, out: Output) -> Counts:
    if tree is None:
        return Counts(failed=1)
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    env = {
        "LD_PRELOAD": str(Path(asan.stdout.strip()).resolve()),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        **BUILDS["sanitize"],
    }
    return pytest("sanitize", ["sanitize", *NATIVE_TESTS], out, tree=tree, **env)


def core_only(tree: Path | None, out: Output) -> Counts:
    return Counts(failed=1) if tree is None else pytest("core-only", CORE_TESTS, out, tree=tree)


def fuzz(out: Output) -> Counts:
    """Short: what it finds first; `make fuzz` goes on for longer."""
    seconds = 20 * int(os.environ.get("HEADRACE_SOAK", "1"))
    return lint(BIN / "python", ROOT / "tests" / "fuzz" / "fuzz.py", str(seconds))(out)


LINT: dict[str, Step] = {
    "ruff": lint(BIN / "ruff", "check", "."),
    "cython-lint": lint(BIN / "cython-lint", "native"),
    "mypy": lint(BIN / "mypy"),
    "stubtest": stubtest,
    "import-linter": lint(BIN / "lint-imports", "--no-logo"),
}
BUILDS = {"sanitize": {"HEADRACE_SANITIZE": "1"}, "core-only": {"HEADRACE_CORE_ONLY": "1"}}


def take(steps: dict[str, Step], out: Output = None) -> list[tuple[Counts, str]]:
    """Each step's counts and its line of the summary."""
    taken = []
    for name, step in steps.items():
        print(f"\n== {name}", file=out, flush=True)
        began = time.monotonic()
        counts = step(out)
        taken.append((counts, f"{name:14} {counts}, {time.monotonic() - began:.0f} s"))
    return taken


def everything() -> list[tuple[Counts, str]]:
    with ThreadPoolExecutor(1) as beside, tempfile.TemporaryFile("w+") as said:
        trees = {name: beside.submit(build, name, env) for name, env in BUILDS.items()}
        taken = take({**LINT, "tests": lambda out: pytest("tests", ["."], out)})
        others = beside.submit(take, {
            "core only": lambda out: core_only(trees["core-only"].result(), out),
            "fuzz": fuzz,
        }, said)
        taken += take({"sanitizers": lambda out: sanitizers(trees["sanitize"].result(), out)})
        taken += others.result()
        said.seek(0)
        print(said.read(), end="")
    return taken


def main() -> int:
    started, total = time.monotonic(), Counts()
    taken = take(LINT) if sys.argv[1:] == ["lint"] else everything()
    for counts, _ in taken:
        total += counts
    print("\n== summary", *(line for _, line in taken), sep="\n")
    print(f"{total} in {time.monotonic() - started:.0f} s", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
