"""Fuzzes the tokenizer against expat, guided by coverage, under the address, leak and undefined-behaviour sanitizers.

    python tests/fuzz/fuzz.py [SECONDS] [FOLDER]    `make fuzz SECONDS=...`

New inputs that reach new code go to FOLDER (build/fuzz/corpus), those that fail to build/fuzz: run one again with
`build/fuzz/tokenizer FILE`. Answers 1 if an input failed.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OUT = ROOT / "build" / "fuzz"
FLAGS = ("-std=gnu11", "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function")
LONGEST = 1000      # bytes of an input: long enough for every rule, short enough to be quick


def build() -> Path:
    """Compiles the target; raises CalledProcessError if that fails."""
    OUT.mkdir(parents=True, exist_ok=True)
    target = OUT / "tokenizer"
    includes = (f"-I{ROOT / 'native'}", f"-I{HERE}")
    subprocess.run(["clang", *FLAGS, *includes, HERE / "tokenizer.c", "-lexpat", "-o", target], check=True)
    return target


def fuzz(seconds: int, folder: Path = OUT / "corpus") -> tuple[bool, int, float]:
    """Whether every input went well, how many there were, and the seconds of CPU that they took."""
    target = build()
    folder.mkdir(parents=True, exist_ok=True)
    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-dict={HERE / 'xml.dict'}", "-timeout=20",
               f"-artifact_prefix={OUT}/", "-print_final_stats=1", "-verbosity=0")
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=64"}
    env.pop("LD_PRELOAD", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([target, *options, folder, HERE / "corpus"], env=env, stderr=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    found = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return done.returncode == 0 and found is not None, int(found[1]) if found else 0, spent


def main() -> int:
    if not shutil.which("clang"):
        print("Fuzzing needs the packages clang, libclang-rt-dev and libexpat1-dev.", file=sys.stderr)
        return 1
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    good, executed, spent = fuzz(seconds, *map(Path, sys.argv[2:3]))
    print(f"{executed} inputs in {spent:.0f} s of CPU, {'no difference' if good else 'one failed'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
