from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.rollout import Rollout
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.rollout import DAY, Connected, roll_out

HOUR = 3600 * SECOND
SCENARIO = load_scenario("three-day-rollout", ["endpoints.sample=60"])


def plan_with(**changes: Any) -> Rollout:
    """The library's plan with other values in every kind of work; `crews`, `shift` of its own."""
    assert SCENARIO.rollout is not None
    data: dict[str, Any] = SCENARIO.rollout.model_dump(mode="json")
    for key in ("crews", "shift", "revisit_after"):
        data[key] = changes.pop(key, data[key])
    data["work"] = {kind: {**work, **changes} for kind, work in data["work"].items()}
    return Rollout.model_validate(data)


CERTAIN: Mapping[str, Any] = {
    "install": {"median": "60min", "spread": 0},
    "test": {"median": "30min", "spread": 0},
    "fault": "0%",
    "kits_per_day": 1000,
}


def connect(plan: Rollout, replication: int = 0, scenario: Scenario = SCENARIO) -> Connected:
    population = populate(scenario)
    carriers, kinds = tuple(scenario.carriers), tuple(scenario.access)
    return roll_out(plan, population, carriers, kinds, seed=1, replication=replication)


def test_a_crew_a_site_takes_one_visit() -> None:
    plan = plan_with(**CERTAIN, crews={"vnpt": 60, "viettel": 60})
    done = connect(plan).done
    first = np.sort(done)[:10]
    assert (first == 90 * 60 * SECOND).all()
    assert (connect(plan).visits == 1).all()


def test_everyone_gets_connected_and_is_counted_once() -> None:
    found = connect(plan_with())
    assert (found.done > 0).all()
    assert len(found.done) == 60
    assert found.finished() == found.done.max() / DAY


def test_no_visit_begins_that_would_end_after_the_shift() -> None:
    plan = plan_with(**CERTAIN, crews={"vnpt": 3, "viettel": 3}, shift="10h")
    of_day = connect(plan).done % DAY
    assert of_day.max() <= 10 * HOUR


@pytest.mark.parametrize("replication", range(3))
def test_more_crews_are_not_slower(replication: int) -> None:
    finishes = [
        connect(plan_with(crews={"vnpt": n, "viettel": n}), replication).finished()
        for n in (2, 4, 12)
    ]
    assert finishes[0] > finishes[1] > finishes[2]


def test_material_limits_each_day() -> None:
    plan = plan_with(**{**CERTAIN, "kits_per_day": 2}, crews={"vnpt": 30, "viettel": 30})
    found = connect(plan)
    kinds = populate(SCENARIO).access[:-1]
    carriers = populate(SCENARIO).carrier[:-1]
    for kind in np.unique(kinds):
        for carrier in np.unique(carriers):
            mine = np.sort(found.done[(kinds == kind) & (carriers == carrier)])
            assert all((mine < (day + 1) * DAY).sum() <= 2 * (day + 1) for day in range(20))
    assert sum(found.waited[name].sum() for name in found.waited) > 0


def test_faults_take_time_and_revisits_more() -> None:
    def total(**changes: Any) -> float:
        plan = plan_with(**{**CERTAIN, **changes}, crews={"vnpt": 60, "viettel": 60})
        return float(sum(found.sum() for found in connect(plan).busy.values()))

    sound = total()
    repaired = total(fault="100%", revisit="0%", repair={"median": "60min", "spread": 0})
    assert repaired - sound == pytest.approx(60 * 1.5 * HOUR, rel=1e-6)
    again = connect(plan_with(**{**CERTAIN, "fault": "30%", "revisit": "100%"}))
    assert again.visits.mean() == pytest.approx(1 / 0.7, abs=0.3)


def test_a_revisit_waits_for_its_parts() -> None:
    changes = {**CERTAIN, "fault": "50%", "revisit": "100%"}
    crews = {"vnpt": 60, "viettel": 60}
    found = connect(plan_with(**changes, crews=crews, revisit_after="5h"))
    twice = found.done[found.visits == 2]
    assert len(twice) > 3
    assert twice.min() >= 1.5 * HOUR + 5 * HOUR + 1.5 * HOUR


def test_the_same_numbers_come_out_again_and_others_with_another_replication() -> None:
    once, again, other = (connect(plan_with(), r).done for r in (0, 0, 1))
    assert (once == again).all()
    assert (once != other).any()
