"""Compiling apart: once, by one process at a time, and without a run's depending on it."""

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import pytest

from simulations import compiling
from simulations.compiled import is_cached
from simulations.compiling import compile_apart

ARGUMENTS = (numba.int64, numba.int64)
MODULE = """
from simulations.compiled import kernel
@kernel
def add(a: int, b: int) -> int:
    return a + b
"""
CHILD = """
import pathlib, additions
additions.add(1, 2)
with pathlib.Path({log!r}).open("a") as file:
    file.write("compiled ")
"""


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A kernel that has never been compiled, and a process that compiles it and keeps a log."""
    (tmp_path / "additions.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(compiling, "_CHILD", CHILD.format(log=str(tmp_path / "log")))
    yield importlib.import_module("additions").add
    del sys.modules["additions"]


def compiled(folder: Path) -> int:
    """How many processes have compiled."""
    log = folder / "log"
    return len(log.read_text(encoding="utf-8").split()) if log.exists() else 0


def test_of_several_processes_one_compiles(add: Any, tmp_path: Path) -> None:
    assert not is_cached(add, ARGUMENTS)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: compile_apart(add, ARGUMENTS), range(3)))
    assert is_cached(add, ARGUMENTS)
    assert compiled(tmp_path) == 1
    assert not is_cached(add, (numba.float64, numba.float64))


def test_the_process_that_compiles_starts_no_other(
    add: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_COMPILES", "1")
    compile_apart(add, ARGUMENTS)
    assert compiled(tmp_path) == 0


def test_if_that_process_fails_the_kernel_is_compiled_when_called(
    add: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_CHILD", "raise SystemExit(1)")
    compile_apart(add, ARGUMENTS)
    assert not is_cached(add, ARGUMENTS)
    assert add(1, 2) == 3
