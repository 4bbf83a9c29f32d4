"""What an import pulls in: each module stands alone, the embeddable floors need no other package."""

import json
import subprocess
import sys

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


@pytest.mark.parametrize("module", python_modules())
def test_stands_alone(module: str) -> None:
    assert module in imported(module)


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
