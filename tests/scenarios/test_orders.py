"""How endpoints follow one another."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.loading import load_scenario
from scenarios.meeting import Order
from scenarios.orders import ordered
from scenarios.population import Population, populate


@pytest.fixture(scope="module")
def population() -> Population:
    return populate(load_scenario("national-briefing"))


def line(
    population: Population, order: Order, candidates: list[int] | None = None, seed: int = 1
) -> list[int]:
    candidates = list(range(len(population) - 1)) if candidates is None else candidates
    return ordered(population, candidates, order, seed=seed, replication=0, component="test")


def test_the_table_s_order_is_the_candidates_own(population: Population) -> None:
    assert line(population, "table", [5, 2, 9]) == [5, 2, 9]


def test_provinces_come_one_after_another_each_in_the_table_s_order(population: Population) -> None:
    found = line(population, "province")
    provinces = list(dict.fromkeys(population.province[:-1]))
    assert [population.province[e] for e in found[: 3 * 19]] == provinces * 3
    for province in provinces:
        own = [e for e in found if population.province[e] == province]
        assert own == sorted(own)
    # the largest province is alone at the end
    assert {population.province[e] for e in found[-50:]} == {"Hồ Chí Minh"}


def test_rare_links_come_early_and_every_province_does(population: Population) -> None:
    found = line(population, "spread")
    strata = [(population.access[e], population.province[e]) for e in found]
    count = len(set(strata))
    assert len(set(strata[:count])) == count
    late = Counter(population.access[e] for e in found[2 * count :])
    assert set(late) == {0, 1, 2}  # no satellite any more


def test_the_seed_draws_and_nothing_else(population: Population) -> None:
    found = line(population, "spread")
    assert line(population, "spread", list(reversed(range(len(population) - 1)))) == found
    assert line(population, "spread", seed=2) != found
    other = ordered(population, sorted(found), "spread", seed=1, replication=0, component="another")
    assert other != found


@given(st.data(), st.sampled_from(["table", "province", "spread"]))
def test_everyone_is_there_once(population: Population, data: st.DataObject, order: Order) -> None:
    candidates = data.draw(st.lists(st.integers(0, len(population) - 2), unique=True, max_size=60))
    found = line(population, order, candidates)
    assert sorted(found) == sorted(candidates)
    # nobody comes before another of the same stratum whose turn is earlier
    if order == "province":
        turns: Counter[str] = Counter()
        numbers = []
        for endpoint in found:
            numbers.append(turns[population.province[endpoint]])
            turns[population.province[endpoint]] += 1
        assert numbers == sorted(numbers)
