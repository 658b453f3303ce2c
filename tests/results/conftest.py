import sys
from collections.abc import Iterator

import pytest

from results.records import Run
from tests.results.sample_run import make_run


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run()


@pytest.fixture(scope="module", autouse=True)
def without_kernels() -> Iterator[None]:
    """Nothing here runs the engine's kernels: `.ci/run` has them compiled meanwhile, and no two
    processes may compile the same."""
    before = compiled_kernels()
    yield
    assert compiled_kernels() == before


def compiled_kernels() -> int:
    return sum(
        len(getattr(value, "overloads", ()))
        for name, module in list(sys.modules.items())
        if name.startswith("simulations.")
        for value in vars(module).values()
    )
