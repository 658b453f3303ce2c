import numpy as np
import pytest

from results.designs import saltelli
from results.sensitivity import sobol_indices


def test_ishigamis_function_has_its_known_indices() -> None:
    # Ishigami and Homma (1990), a = 7, b = 0.1.
    x = saltelli([(-np.pi, np.pi)] * 3, 1024, seed=1)
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    found = sobol_indices(y, 3)
    assert [index.first for index in found] == pytest.approx([0.314, 0.442, 0.0], abs=0.05)
    assert [index.total for index in found] == pytest.approx([0.558, 0.442, 0.244], abs=0.05)
    for index in found:
        assert index.first_interval[0] <= index.first <= index.first_interval[1]


def test_what_does_not_vary_has_no_influence() -> None:
    assert [index.total for index in sobol_indices(np.ones(40), 3)] == [0, 0, 0]


def test_missing_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="missing or infinite"):
        sobol_indices([1.0, np.nan, 2.0, 3.0] * 4, 2)
