import numpy as np
import pytest

from results.knee import find_knee


def test_two_slopes_meet_at_the_knee() -> None:
    x = np.linspace(0, 10, 40)
    y = 1 + np.maximum(x - 6.3, 0) * 4 + np.random.default_rng(1).normal(0, 0.1, 40)
    knee = find_knee(x, y)
    assert knee is not None
    assert knee.value == pytest.approx(6.3, abs=0.15)
    assert knee.low <= 6.3 <= knee.high


def test_a_line_has_no_knee() -> None:
    x = np.linspace(0, 10, 40)
    assert find_knee(x, 3 * x + np.random.default_rng(2).normal(0, 0.5, 40)) is None


def test_few_points_have_no_knee() -> None:
    assert find_knee([1, 2, 3, 4], [0, 0, 5, 10]) is None
