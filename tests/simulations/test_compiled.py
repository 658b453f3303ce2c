"""Compilation: a cache on disk must not outlive what it was made from."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from simulations.compiled import (
    Separate,
    array_kernel,
    direct,
    inlined,
    kernel,
    parallel_kernel,
)

ROOT = Path(__file__).parents[2]
PACKAGE = {
    "results/__init__.py": "",
    "results/histograms.py": "",
    "simulations/__init__.py": "",
    "simulations/compiled.py": (ROOT / "simulations/compiled.py").read_text(encoding="utf-8"),
    "simulations/inner.py": """
from simulations.compiled import inlined
@inlined
def answer() -> int:
    return 41
""",
    "simulations/outer.py": """
from simulations.compiled import kernel
from simulations.inner import answer
@kernel
def ask() -> int:
    return answer()
""",
    "clients/constants.py": "LATE = 10",
    "clients/far.py": """
from clients.constants import LATE
from simulations.compiled import kernel
@kernel
def wait() -> int:
    return LATE
""",
    "main.py": """
from simulations.outer import ask
from clients.far import wait
print(*(f"{each()} {sum(each.stats.cache_hits.values())}" for each in (ask, wait)))
""",
}
"""Rooms with kernels: one calls another module's, one of another room has another's constant."""


APART = """
from numba import int64
from simulations.compiled import inlined, kernel, seldom
@seldom
def fail(x: int) -> int:
    return x - 1
@kernel
def ask(x: int) -> int:
    return x + 1
@inlined
def between(x: int) -> int:
    return fail(x) if x < 0 else ask(x)
@kernel
def outer(x: int) -> int:
    return between(x)
print(outer(40), *(k.overloads[int64,].fndesc.inline for k in (fail, ask, between)), end=" ")
lines = outer.inspect_llvm((int64,)).splitlines()
apart = [i for i, line in enumerate(lines) if line.startswith("define linkonce_odr")]
print(len(apart), "fail" in lines[apart[0]], "cold" in lines[apart[0] - 1])
"""
"""Kernels that call one another."""


def play(folder: Path) -> list[int]:
    """What each kernel says in a new process, and how often it came from the cache."""
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=folder, check=True, capture_output=True, text=True
    )
    return [int(word) for word in result.stdout.split()]


def test_a_change_in_a_called_kernel_or_a_constant_ends_the_cache(tmp_path: Path) -> None:
    def edit(name: str, old: str, new: str) -> None:
        path = tmp_path / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert play(tmp_path) == [41, 0, 10, 0]
    assert play(tmp_path) == [41, 1, 10, 1]
    edit("clients/constants.py", "10", "20")
    assert play(tmp_path) == [41, 1, 20, 0]
    edit("simulations/inner.py", "41", "42")
    assert play(tmp_path) == [42, 0, 20, 0]


@pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaPerformanceWarning")
@pytest.mark.parametrize("compiler", [kernel, inlined, parallel_kernel, array_kernel])
def test_division_by_zero_is_a_number(compiler: Any) -> None:
    # Not an exception, for which every loop would have to look out.
    def ratio(a: float, b: float) -> float:
        return a / b

    ratio.__qualname__ += f"_by_{compiler.__name__}"  # or one would be taken from another's cache
    assert compiler(ratio)(1.0, 0.0) == float("inf")


def test_a_kernel_is_called_by_others_that_are_compiled_without_it() -> None:
    @kernel
    def put(values: Any, place: int, value: int) -> None:
        values[place] = value

    @parallel_kernel
    def ask(separate: Any, values: Any) -> None:
        for place in numba.prange(len(values)):
            separate(values, np.int64(place), 10 * np.int64(place))

    values = np.zeros(3, np.int64)
    ask(Separate(put, numba.typeof(values), numba.int64, numba.int64), values)
    assert values.tolist() == [0, 10, 20]


def test_a_kernel_called_directly_does_what_it_does() -> None:
    @kernel
    def halve(values: Any, place: int, twice: bool) -> int:
        values[place] //= 4 if twice else 2
        return len(values)

    values = np.array([80, 80, 80])
    halve_now = direct(halve, numba.typeof(values), numba.int64, numba.boolean)
    assert halve_now(values, 1, True) == halve(values, 2, False) == 3
    assert values.tolist() == [80, 20, 40]


def test_only_those_are_inlined_that_are_to_be_and_what_seldom_happens_is_apart(
    tmp_path: Path,
) -> None:
    for name, text in {**PACKAGE, "main.py": APART}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert result.stdout.split() == ["41", "False", "False", "True", "1", "True", "True"]
