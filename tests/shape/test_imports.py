"""What an import pulls in: each module stands alone, the embeddable floors need no other package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.tree import python_modules

REPORT = """
import json, sys
before = set(sys.modules)
import {module}
files = {{n: getattr(m, "__file__", None) or "" for n, m in sys.modules.items() if n not in before}}
print(json.dumps(files))
"""


def imported(module: str) -> dict[str, str]:
    """Modules (name -> file) that a fresh interpreter loads for `import module`."""
    command = [sys.executable, "-c", REPORT.format(module=module)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


# A fresh interpreter for each would load the same other packages again and again: one that has them all is forked.
FORKED = """
import importlib, json, os, sys, traceback
modules = json.load(sys.stdin)
if not (child := os.fork()):
    for module in modules:
        importlib.import_module(module)
    with open(sys.argv[1], "w") as file:
        json.dump([name for name in sys.modules if name.split(".")[0] != "headrace"], file)
    os._exit(0)
assert not os.waitpid(child, 0)[1], "not even all together"
for name in json.load(open(sys.argv[1])):
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # it is another's: registered without a file
assert not [name for name in sys.modules if name.split(".")[0] == "headrace"]
for module in modules:
    if not (child := os.fork()):
        try:
            importlib.import_module(module)
        except BaseException:
            print(module, traceback.format_exc(), flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:     # also where a signal has ended it, without a word
        print(module, flush=True)
print("done")
"""


def test_each_module_stands_alone(tmp_path: Path) -> None:
    """Whichever of ours is imported first, and with none of the others before it."""
    command = [sys.executable, "-c", FORKED, str(tmp_path / "others")]
    done = subprocess.run(command, input=json.dumps(python_modules()), capture_output=True, check=True, text=True)
    assert done.stdout == "done\n"


@pytest.mark.parametrize("floor", ["headrace.core", "headrace.stream"])
def test_embeddable_floors_need_the_standard_library_alone(floor: str) -> None:
    loaded = imported(floor)
    tops = {name.split(".")[0] for name in loaded}
    # Cython registers its shared types under names of its own, without a file.
    foreign = {t for t in tops - sys.stdlib_module_names - {"headrace"} if loaded.get(t)}
    assert not foreign
    assert not tops & {"asyncio", "socket", "ssl", "selectors"}


def test_core_is_quick_to_import() -> None:
    """Time on a shared machine proves nothing; how much is loaded does. 20 ms are ample for what is left."""
    loaded = imported("headrace.core")
    assert len(loaded) <= 50
    slow = {"dataclasses", "inspect", "xml.etree.ElementTree", "importlib.metadata", "logging", "asyncio"}
    assert not slow & loaded.keys()
