import pytest

from scenarios.placement import Placement
from simulations.placing import Placing

NODES = ["a", "b", "c"]
NEAREST = (1, 0, 2)
"""Of an endpoint that the rules deal to `a`, though it is nearer to `b`."""


def placing(**values: object) -> Placing:
    return Placing(Placement.model_validate(values), NODES)


def test_the_nearest_but_where_the_rules_deal_another() -> None:
    places = placing()
    assert places.choose(0, NEAREST) == 0
    places.sick[0] = True
    assert places.choose(0, NEAREST) == 1
    places.draining[1] = True
    assert places.choose(0, NEAREST) == 2
    places.sick[2] = True
    assert places.choose(0, NEAREST) is None


def test_who_finds_a_node_full_goes_to_the_next() -> None:
    places = placing(room={"a": 10, "b": 1})
    places.charges[:] = [10, 0, 0]
    assert places.choose(0, NEAREST) == 1
    places.charges[1] = 1
    assert places.choose(0, NEAREST) == 2


def test_the_least_loaded_for_its_room() -> None:
    places = placing(policy="least-loaded", room={"a": 100, "b": 10, "c": 10})
    places.charges[:] = [50, 4, 5]
    assert places.choose(0, NEAREST) == 1
    places.charges[:] = [10, 4, 5]
    assert places.choose(2, NEAREST) == 0


def test_a_node_without_a_limit_is_compared_by_its_count() -> None:
    places = placing(policy="least-loaded", room={"a": 1000})
    places.charges[:] = [2, 1, 2]
    assert places.choose(0, NEAREST) == 1
    places.charges[:] = [1, 2, 2]
    assert places.choose(1, NEAREST) == 0


def test_a_standby_takes_its_own_node_s_endpoints_alone() -> None:
    places = placing(policy="hot-standby", standby={"a": "c"})
    assert places.choose(0, NEAREST) == 0
    assert places.choose(1, NEAREST) == 1
    places.sick[0] = True
    assert places.choose(0, NEAREST) == 2
    places.sick[1] = True
    assert places.choose(1, NEAREST) == 2  # there is no other


def test_the_spare_stands_in_for_any() -> None:
    places = placing(policy="spare", spare="c")
    assert (places.choose(0, NEAREST), places.choose(1, NEAREST)) == (0, 1)
    places.sick[0] = True
    assert (places.choose(0, NEAREST), places.choose(1, NEAREST)) == (2, 1)


def test_a_load_is_no_reason_to_go_back_to_who_was_silent() -> None:
    places = placing(policy="least-loaded")
    places.charges[:] = [0, 5, 6]
    assert places.choose(0, NEAREST, avoided={0}) == 1
    assert places.choose(0, NEAREST, avoided={0, 1}) == 2


def test_a_standby_stands_in_for_a_node_that_was_silent() -> None:
    places = placing(policy="hot-standby", standby={"a": "c"})
    assert places.choose(0, NEAREST, avoided={0}) == 2
    assert places.choose(0, NEAREST, avoided={0, 2}) == 1


def test_a_spare_that_was_silent_is_no_spare() -> None:
    places = placing(policy="spare", spare="c")
    assert places.choose(0, NEAREST, avoided={0}) == 2
    places.sick[0] = True
    assert places.choose(0, NEAREST, avoided={2}) == 1


@pytest.mark.parametrize(("avoided", "chosen"), [((), 0), ((0,), 1), ((0, 1), 2), ((0, 1, 2), 0)])
def test_a_node_that_was_silent_comes_last(avoided: tuple[int, ...], chosen: int) -> None:
    assert placing().choose(0, NEAREST, avoided) == chosen
