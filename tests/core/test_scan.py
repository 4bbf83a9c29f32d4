"""The vector scanners answer what the portable one does: those of this machine, and NEON's under an emulator."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.apart
ROOT = Path(__file__).resolve().parents[2]
FUZZ = ROOT / "tests" / "fuzz"
CLEAN = {"PATH": "/usr/bin:/bin"}
FLAGS = ("-std=gnu11", "-O3", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
         f"-I{ROOT / 'native'}", f"-I{FUZZ}")

# How a program is built for a processor, and how it is run.
PROCESSORS = {
    "this": (["cc"], []),
    "ARM": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_scanners_agree(processor: str, tmp_path: Path) -> None:
    """By themselves on texts at both ends of memory that may be read, and in the tokenizer on the fuzz corpus."""
    (compiler, run), program = PROCESSORS[processor], tmp_path / "scans"
    documents = sorted((FUZZ / "corpus").iterdir())
    subprocess.run([*compiler, *FLAGS, ROOT / "tests" / "core" / "scans.c", "-o", program], check=True, env=CLEAN)
    done = subprocess.run([*run, program, *documents], check=True, env=CLEAN, stdout=subprocess.PIPE, text=True)
    found = {name: int(count) for name, count in map(str.split, done.stdout.splitlines())}
    assert found.pop("documents") == len(documents) > 200
    assert found
    assert min(found.values()) > 1_000_000
    assert processor != "ARM" or set(found) == {"neon"}
