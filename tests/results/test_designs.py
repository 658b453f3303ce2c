import numpy as np
import pytest

from results.designs import grid, latin_hypercube, saltelli, sobol

RANGES = [(0.0, 1.0), (10.0, 30.0)]


def test_a_grid_has_every_combination() -> None:
    assert grid([[1, 2], [5], [7, 8]]).tolist() == [[1, 5, 7], [1, 5, 8], [2, 5, 7], [2, 5, 8]]


def test_a_latin_hypercube_has_one_point_in_every_stratum() -> None:
    points = latin_hypercube(RANGES, 10, seed=1)
    for column, (low, high) in zip(points.T, RANGES, strict=True):
        strata = np.floor((column - low) / (high - low) * 10)
        assert sorted(strata.tolist()) == list(range(10))


def test_a_sobol_sequence_is_balanced_and_the_same_again() -> None:
    points = sobol(RANGES, 16, seed=3)
    assert ((points[:, 1] < 20).sum(), (points[:, 0] < 0.5).sum()) == (8, 8)
    assert (points == sobol(RANGES, 16, seed=3)).all()
    with pytest.raises(ValueError, match="power of two"):
        sobol(RANGES, 12, seed=3)


def test_saltellis_design_exchanges_one_column_at_a_time() -> None:
    points = saltelli(RANGES, 8, seed=1)
    a, b, first, second = points.reshape(4, 8, 2)
    assert (first[:, 0] == b[:, 0]).all()
    assert (first[:, 1] == a[:, 1]).all()
    assert (second[:, 0] == a[:, 0]).all()
    assert (second[:, 1] == b[:, 1]).all()
