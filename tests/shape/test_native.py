"""Rules of native/ that no other tool checks: floors, companions of a module, no state of its own."""

import importlib.machinery
import re

import pytest

from support.tree import NATIVE, ROOT, SRC, native_modules

# Lowest first; session and storage hold native parts of those floors.
FLOORS = ("core", "stream", "sasl", "net", "bench", "router", "storage", "session")
MODULES = native_modules()
IMPORT = re.compile(r"^\s*(?:from\s+(headrace[\w.]*)\s+c?import|c?import\s+(headrace[\w.]*))", re.MULTILINE)


def imported_floors(text: str) -> set[str]:
    names = (a or b for a, b in IMPORT.findall(text))
    return {name.split(".")[1] for name in names if "." in name}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_downward(name: str) -> None:
    pyx = MODULES[name]
    floor = FLOORS.index(name.split(".")[1])
    for path in (pyx, pyx.with_suffix(".pxd")):
        above = {f for f in imported_floors(path.read_text()) if FLOORS.index(f) > floor}
        assert not above, f"{path.name} imports {above}"


def test_every_floor_is_listed() -> None:
    assert {p.parent.name for p in MODULES.values()} <= set(FLOORS)


def test_an_upward_import_would_be_seen() -> None:
    text = "from headrace.router.session cimport Session\ncimport headrace.net.link as link\nimport os\n"
    assert imported_floors(text) == {"router", "net"}


@pytest.mark.parametrize("name", MODULES)
def test_has_its_companions(name: str) -> None:
    pyx, (_, floor, module) = MODULES[name], name.split(".")
    assert pyx.with_suffix(".pxd").exists(), "the table of contents"
    assert (SRC / floor / f"{module}.pyi").exists(), "what Python sees"
    assert list((ROOT / "tests" / floor).glob(f"test_{module}*.py")), "its tests"


def test_every_folder_can_be_cimported_from() -> None:
    folders = {p.parent for p in NATIVE.rglob("*.pyx")} | {NATIVE}
    assert not [f for f in folders if not (f / "__init__.pxd").exists()]


def test_only_sources_of_their_kind() -> None:
    generated = {".c", ".html"}  # coverage and debug builds, never committed
    assert {p.suffix for p in NATIVE.rglob("*.*")} <= {".pyx", ".pxd", ".h", ".c"} | generated
    assert not [p for p in SRC.rglob("*") if p.suffix in (".pyx", ".pxd", ".h", ".c")]


def test_no_stale_extension() -> None:
    """A renamed .pyx leaves its old .so in src/, which Python would go on importing."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    built = [p.relative_to(SRC) for p in SRC.rglob("*") if p.name.endswith(suffixes)]
    wanted = {p.relative_to(NATIVE).with_suffix("") for p in MODULES.values()}
    assert {p.parent / p.name.split(".")[0] for p in built} <= wanted


# At column 0: a name bound to a container that can change, or a C variable.
CONTAINER = re.compile(r"^(?:cdef )?(?:\w+ )?\w+(?:: *\w+)? *= *(?:[\[{]|(?:dict|list|set|bytearray)\()")
C_VARIABLE = re.compile(r"^cdef (?!class|enum|struct|union|extern|inline|packed|const\b)[^(:]+$")


@pytest.mark.parametrize("name", MODULES)
def test_no_state_of_its_own(name: str) -> None:
    """Two servers, perhaps two threads, share a process: state belongs to a Reactor or a Router.

    What is written once, at import, and only read from then on says so: `# set at import`."""
    lines = [x for x in MODULES[name].read_text().splitlines() if "# set at import" not in x]
    assert not [x for x in lines if CONTAINER.match(x) or C_VARIABLE.match(x.split("#")[0].split("=")[0])]


FUNCTION = re.compile(r"^ *cp?def ([\w* ]*?)(\w+)(\((?:[^()]|\([^()]*\))*\))([^\n#]*)", re.MULTILINE)
C_RESULT = re.compile(r"\b(?:void|int|bint|char|size_t|double|float|long|Str|Py_ssize_t|u?int\d+_t)\b|\*")


@pytest.mark.parametrize("name", MODULES)
def test_c_functions_say_what_errors_do(name: str) -> None:
    """A C result without `noexcept` or `except` costs a check per call, or loses the error."""
    text = MODULES[name].read_text() + "\n" + MODULES[name].with_suffix(".pxd").read_text()
    functions = [m.groups() for m in FUNCTION.finditer(text)]
    assert not [n for result, n, _, tail in functions if C_RESULT.search(result) and "except" not in tail]
