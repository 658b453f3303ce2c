import numpy as np
import pytest

from scenarios.backups import deal_backups
from scenarios.loading import load_scenario
from scenarios.population import populate


@pytest.mark.parametrize(("carrier", "step"), [("other", 1), ("own", 0)])
def test_some_of_a_profile_have_a_second_link(carrier: str, step: int) -> None:
    backup = f"{{share: 40%, access: 4g, carrier: {carrier}}}"
    scenario = load_scenario("national-briefing", [f"access.fibre.backup={backup}"])
    people = populate(scenario)
    backups = deal_backups(scenario, people)
    names = list(scenario.access)
    fibre = people.access == names.index("fibre")
    has = backups.access >= 0
    assert not has[~fibre].any()
    assert has[fibre].mean() == pytest.approx(0.4, abs=0.05)
    assert set(backups.access[has]) == {names.index("4g")}
    assert (backups.carrier[has] == (people.carrier[has] + step) % 2).all()
    assert (backups.carrier[~has] == -1).all()
    median = scenario.access["4g"].down.rate.p50
    assert np.median(backups.down_rate[has]) == pytest.approx(median, rel=0.15)


def test_without_backups_nobody_has_one() -> None:
    scenario = load_scenario("smoke")
    assert (deal_backups(scenario, populate(scenario)).access == -1).all()


def test_the_command_centre_has_none() -> None:
    scenario = load_scenario("smoke", ["access.dedicated.backup={access: 4g}"])
    assert deal_backups(scenario, populate(scenario)).access[-1] == -1
