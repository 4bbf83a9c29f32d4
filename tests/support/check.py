"""Every check of the project, one after the other: `python tests/support/check.py [lint]`.

All steps run even if one fails; the last line sums them up, a lint step counting as one test.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BIN = Path(sys.executable).parent
NATIVE = ROOT / "native" / "headrace"
# Floors whose tests run again under the sanitizers: those with native modules.
NATIVE_TESTS = sorted({p.parent.name for p in NATIVE.rglob("*.pyx") if p.parent != NATIVE})
CORE_TESTS = ("core", "stream", "aio")


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


def run(*command: str | Path, **env: str) -> int:
    """Runs a command at the project's root with `env` added; its exit code."""
    path = f"{BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    env = {**os.environ, "PATH": path, **env}
    return subprocess.run([str(c) for c in command], cwd=ROOT, env=env, check=False).returncode


def lint(*command: str | Path) -> Callable[[], Counts]:
    def step() -> Counts:
        return Counts(failed=1) if run(*command, PYTHONPATH=str(ROOT / "src")) else Counts(passed=1)

    return step


def stubtest() -> Counts:
    paths = (p.relative_to(ROOT / "native").with_suffix("") for p in sorted(NATIVE.rglob("*.pyx")))
    modules = [".".join(p.parts) for p in paths]
    allow = ROOT / "tests" / "support" / "stubtest.txt"
    options = ("--concise", "--ignore-disjoint-bases", "--ignore-unused-allowlist", "--allowlist", allow)
    return lint(BIN / "stubtest", *options, *modules)()


def pytest(report: str, folders: list[str], *, tree: Path = ROOT / "src", **env: str) -> Counts:
    """Runs tests/<folder> for each folder against the headrace in `tree`."""
    result = BUILD / "report" / f"{report}.xml"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    tests = [f"tests/{f}" for f in folders if (ROOT / "tests" / f).is_dir()]
    command = (BIN / "python", "-m", "pytest", "-q", f"--junitxml={result}", *tests)
    code = run(*command, PYTHONPATH=str(tree), **env)
    counts = Counts()
    if result.exists():
        for suite in ET.parse(result).iter("testsuite"):
            total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            counts += Counts(total - failed - skipped, failed, skipped)
    if code and not counts.failed:  # it died, or collected nothing: never silently green
        counts.failed = 1
    return counts


def build(name: str, **env: str) -> Path | None:
    """Builds the package apart, in build/<name>; None if that failed."""
    base = BUILD / name
    command = (BIN / "python", "setup.py", "-q", "build", f"--build-base={base}", f"--build-lib={base}/lib")
    code = run(*command, **env)
    return None if code else base / "lib"


def sanitizers() -> Counts:
    tree = build("sanitize", HEADRACE_SANITIZE="1")
    if tree is None:
        return Counts(failed=1)
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    env = {
        "LD_PRELOAD": str(Path(asan.stdout.strip()).resolve()),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "HEADRACE_SANITIZE": "1",
    }
    return pytest("sanitize", ["sanitize", *NATIVE_TESTS], tree=tree, **env)


def fuzz() -> Counts:
    """Short: what it finds first; `make fuzz` goes on for longer."""
    seconds = 20 * int(os.environ.get("HEADRACE_SOAK", "1"))
    return lint(BIN / "python", ROOT / "tests" / "fuzz" / "fuzz.py", str(seconds))()


def core_only() -> Counts:
    tree = build("core-only", HEADRACE_CORE_ONLY="1")
    return Counts(failed=1) if tree is None else pytest("core-only", list(CORE_TESTS), tree=tree)


LINT = {
    "ruff": lint(BIN / "ruff", "check", "."),
    "cython-lint": lint(BIN / "cython-lint", "native"),
    "mypy": lint(BIN / "mypy"),
    "stubtest": stubtest,
    "import-linter": lint(BIN / "lint-imports", "--no-logo"),
}
TESTS = {
    "tests": lambda: pytest("tests", ["."]),
    "sanitizers": sanitizers,
    "fuzz": fuzz,
    "core only": core_only,
}


def main() -> int:
    steps = LINT if sys.argv[1:] == ["lint"] else {**LINT, **TESTS}
    started, total, lines = time.monotonic(), Counts(), []
    for name, step in steps.items():
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        counts = step()
        total += counts
        lines.append(f"{name:14} {counts}, {time.monotonic() - began:.0f} s")
    print("\n== summary", *lines, sep="\n")
    print(f"{total} in {time.monotonic() - started:.0f} s", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
