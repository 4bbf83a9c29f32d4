"""Where things are in the source tree, for the tests of its shape."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "headrace"
NATIVE = ROOT / "native" / "headrace"


def sources(*suffixes: str) -> list[Path]:
    """The project's own files with these suffixes."""
    folders = (ROOT / f for f in ("src", "native", "tests", "bench"))
    return sorted(p for f in folders for p in f.rglob("*") if p.suffix in suffixes)


def native_modules() -> dict[str, Path]:
    """Dotted name -> .pyx."""
    return {dotted(p, ROOT / "native"): p for p in sorted(NATIVE.rglob("*.pyx"))}


def python_modules() -> list[str]:
    """Every importable module of the package, native ones included."""
    names = {dotted(p, ROOT / "src") for p in SRC.rglob("*.py") if p.name != "__main__.py"}
    return sorted(names | native_modules().keys())


def dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
