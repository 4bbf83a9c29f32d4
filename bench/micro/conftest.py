from types import ModuleType

import pytest

from native.build import drive as build_drive


@pytest.fixture(scope="session")
def drive() -> ModuleType:
    """bench/native/drive.pyx: the data plane's own calls, without Python in between."""
    return build_drive()
