from collections.abc import Callable
from typing import Any

import pytest

from rehearse import replications
from rehearse.replications import MOST, play_replications
from results.replications import FEWEST
from tests.results.sample_sets import DELAY, TYPICAL, make_measured, scenario


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the engine: replication i has a delay of `value(i)`."""
    asked: dict[str, Any] = {"value": lambda _: 0.1, "numbers": []}

    def replicate(_: object, numbers: Any, digest: Callable[..., Any], **options: Any) -> Any:
        asked.update(options, digest=digest)
        for number in numbers:
            asked["numbers"].append(number)
            yield make_measured({**TYPICAL, DELAY: asked["value"](number)}, number)

    monkeypatch.setattr(replications, "replicate", replicate)
    return asked


def test_as_many_as_asked_for(played: dict[str, Any]) -> None:
    told: list[int] = []
    found = play_replications(scenario(), 3, processes=8, tell=told.append)
    assert [each.replication for each in found.measured] == [0, 1, 2] == played["numbers"]
    assert told == [1, 2, 3]
    assert played["processes"] == 3  # no more than there is to do
    assert (found.mode, found.duration_s, found.precision) == ("simulated", 60.0, None)


def test_precise_figures_need_no_more(played: dict[str, Any]) -> None:
    found = play_replications(scenario(), precision=0.05)
    assert len(found.measured) == FEWEST
    assert found.precision == 0.05


def test_replications_go_on_until_figures_are_precise(played: dict[str, Any]) -> None:
    played["value"] = lambda i: 0.1 + 0.01 * (i % 3)
    found = play_replications(scenario(), precision=0.03)
    assert FEWEST < len(found.measured) < MOST
    assert (found.estimate(DELAY).relative_half_width or 1) <= 0.03


@pytest.mark.parametrize(("count", "most"), [(None, MOST), (20, 20)])
def test_there_is_a_cap(played: dict[str, Any], count: int | None, most: int) -> None:
    played["value"] = lambda i: 0.1 * (1 + i % 2)
    assert len(play_replications(scenario(), count, precision=0.01).measured) == most
