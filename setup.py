"""Builds native/**/*.pyx as the dotted modules their paths spell; everything else is in pyproject.toml.

Sources stay .pyx on the Extensions and cythonize runs inside build_ext: pip runs this file several times for
metadata alone, and only so does the sdist carry .pyx and .pxd (see tests/shape/test_build.py).
"""

import os
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

NATIVE = Path("native")
CORE_FLOORS = ("core", "stream")


def enabled(name: str) -> bool:
    return os.environ.get(f"HEADRACE_{name}") == "1"


DEBUG = enabled("DEBUG")  # no optimisation, bounds checks, our own assertions, annotated C
COVERAGE = enabled("COVERAGE")  # line tracing for coverage's Cython plugin
SANITIZE = enabled("SANITIZE")  # address and undefined-behaviour sanitizers
CORE_ONLY = enabled("CORE_ONLY")  # the embeddable floors: need nothing but a C compiler
HEADERS = {  # library of a `# distutils:` line: (header, Debian package that has it)
    "crypto": ("openssl/evp.h", "libssl-dev"),
    "ssl": ("openssl/ssl.h", "libssl-dev"),
    "sqlite3": ("sqlite3.h", "libsqlite3-dev"),
}


def compile_args() -> list[str]:
    if SANITIZE:  # the interpreter's own -fwrapv would hide signed overflow from UBSan
        return ["-O1", "-g1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
                "-fno-sanitize-recover=all", "-fno-wrapv", "-DHEADRACE_DEBUG=1"]
    if DEBUG:
        return ["-O0", "-g3", "-DHEADRACE_DEBUG=1"]
    if COVERAGE:  # Python 3.12's sys.monitoring does not reach Cython's lines
        return ["-O0", "-DCYTHON_TRACE=1", "-DCYTHON_USE_SYS_MONITORING=0"]
    chosen = "-O" in os.environ.get("CFLAGS", "")  # ours come last and would win over what somebody asked for
    return [*([] if chosen else ["-O3"]), "-g1", "-fno-semantic-interposition"]


def extensions() -> list[Extension]:
    depends = sorted(str(p) for p in NATIVE.rglob("*") if p.suffix in (".pxd", ".h"))
    found = []
    for source in sorted(NATIVE.rglob("*.pyx")):
        parts = source.relative_to(NATIVE).with_suffix("").parts
        if CORE_ONLY and parts[1] not in CORE_FLOORS:
            continue
        found.append(Extension(
            ".".join(parts), [str(source)], depends=depends, include_dirs=[str(NATIVE)],
            extra_compile_args=compile_args(),
            extra_link_args=["-fsanitize=address,undefined"] if SANITIZE else [],
        ))
    return found


def require_headers(made: list[Extension]) -> None:
    """Stops before the compiler does, with a sentence that says what to install."""
    system = ("/usr/include", "/usr/local/include", f"/usr/include/{sysconfig.get_config_var('MULTIARCH')}")
    roots = [*os.environ.get("CPATH", "").split(":"), *system]
    for extension in made:
        for library in HEADERS.keys() & set(extension.libraries):
            header, package = HEADERS[library]
            if not any((Path(root) / header).exists() for root in roots if root):
                raise SystemExit(f"headrace: {extension.name} needs {header}: install {package}, "
                                 "or set HEADRACE_CORE_ONLY=1 for the stream core alone")


def generated() -> str | None:
    """Where the C goes, a folder per set of directives: Cython sees changed files, not changed directives."""
    if COVERAGE:
        return None  # coverage's plugin looks for the C beside the .pyx
    return "build/cython-debug" if DEBUG else "build/cython"


class BuildExt(build_ext):
    def run(self) -> None:
        if self.editable_mode:  # pip's place is a temporary one: `build_ext --inplace` would compile all of it again
            usual = build(self.distribution)
            usual.ensure_finalized()
            self.build_lib, self.build_temp = usual.build_lib, usual.build_temp
        super().run()

    def build_extensions(self) -> None:
        from Cython.Build import cythonize  # late: metadata is asked for where there is no Cython

        self.parallel = self.parallel or os.cpu_count()
        made = cythonize(
            # Cython follows .pxd by itself; of headers it sees only those that a .pxd names.
            [Extension(e.name, e.sources, depends=[d for d in e.depends if d.endswith(".h")]) for e in self.extensions],
            include_path=[str(NATIVE)], build_dir=generated(), annotate=DEBUG, nthreads=self.parallel,
            compiler_directives={
                "language_level": 3, "boundscheck": DEBUG, "wraparound": False, "cdivision": True,
                "initializedcheck": False, "embedsignature": True, "linetrace": COVERAGE,
            },
        )
        require_headers(made)
        for ours, theirs in zip(self.extensions, made, strict=True):  # setuptools keeps private state on ours
            for name in ("sources", "depends"):
                setattr(ours, name, getattr(theirs, name))
            for name in ("libraries", "include_dirs", "extra_compile_args", "extra_link_args"):
                setattr(ours, name, [*getattr(ours, name), *getattr(theirs, name)])
        super().build_extensions()


class BuildPy(build_py):
    """Ships .pxd and .h beside the modules, so that other people's Cython can cimport headrace."""

    def _headers(self) -> dict[str, str]:
        found = (p for p in NATIVE.rglob("*") if p.suffix in (".pxd", ".h"))
        return {str(Path(self.build_lib) / p.relative_to(NATIVE)): str(p) for p in sorted(found)}

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for target, source in self._headers().items():
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._headers()]

    def get_output_mapping(self) -> dict[str, str]:
        return {**super().get_output_mapping(), **self._headers()}


if __name__ == "__main__":  # Cython's workers may read this file too
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExt, "build_py": BuildPy})
