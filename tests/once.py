"""What takes long is made once for all of pytest-xdist's workers."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder ``name`` that ``make`` makes, for whichever worker asks for it first.

    The others wait for it, and none may change it. If it fails, the next one tries again.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # all workers'
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            draft = factory.mktemp(name) / name
            make(draft)
            draft.rename(base / name)
    return base / name
