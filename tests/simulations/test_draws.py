import numpy as np

from simulations.draws import Draws

SITES = ("a", "b", "c")


def test_a_draw_depends_on_its_component_its_endpoint_and_its_number_alone() -> None:
    one, other = Draws(1, 0, SITES), Draws(1, 0, ("b", "x", "a"))
    other.uniform("boot", 1)
    other.uniform("back-off", 2)
    first = [one.uniform("boot", 0) for _ in range(3)]
    assert [other.uniform("boot", 2) for _ in range(3)] == first
    assert len(set(first)) == 3
    assert one.uniform("boot", 1) not in first
    assert Draws(2, 0, SITES).uniform("boot", 0) != first[0]
    assert Draws(1, 1, SITES).uniform("boot", 0) != first[0]


def test_draws_are_uniform() -> None:
    draws = Draws(1, 0, SITES)
    values = np.array([draws.uniform("x", 0) for _ in range(20_000)])
    assert 0 < values.min() < values.max() < 1
    assert abs(values.mean() - 0.5) < 0.01
