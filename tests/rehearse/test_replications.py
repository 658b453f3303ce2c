import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearse import replications
from rehearse.replications import MOST, play_replications
from results.replications import FEWEST
from tests.rehearse.conftest import Rehearse
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


def test_a_command_writes_a_set(rehearse: Rehearse, played: dict[str, Any]) -> None:
    ending = rehearse("simulate", "smoke", "--replications", "3", "--threads", "2", "--out", "set")
    # The figures are another scenario's: most thresholds have no data.
    assert ending.code == 98
    assert played["processes"] == 2
    assert "rehearse: 3 of 3 replications played" in ending.err
    summary = json.loads(Path("set/summary.json").read_text(encoding="utf-8"))
    assert (summary["replications"], summary["precision"]) == (3, None)
    assert rehearse("report", "set", "--out", "again.html").code == 0
    assert "3 replications of 60 endpoints" in Path("again.html").read_text(encoding="utf-8")
    assert rehearse("plot", "set", "thresholds").out == "thresholds.png\n"
    assert "precision" in rehearse("plot", "set").out
    assert "no plot of replications is called" in rehearse("plot", "set", "freezes").err


def test_a_command_says_what_stayed_imprecise(rehearse: Rehearse, played: dict[str, Any]) -> None:
    played["value"] = lambda i: 0.1 * (1 + i % 2)
    arguments = ("--precision", "1%", "--replications", "16", "--out", "set", "--quiet")
    ending = rehearse("simulate", "smoke", *arguments)
    assert "still less precise than 1.0% of the value:\n    mouth_to_ear_delay p(95)" in ending.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", "5"], "--precision: '5' — a share is a number with a unit"),
        (["--precision", "0%"], "--precision: '0%' — must lie between 0% and 100%"),
        (["--replications", "2", "--replication", "1"], "are about a single run"),
        (["--replications", "2", "--trace-packets", "p79"], "are about a single run"),
        (["--replications", "1"], "equal to 2"),
    ],
)
def test_commands_that_cannot_be(
    rehearse: Rehearse, played: dict[str, Any], options: list[str], message: str
) -> None:
    ending = rehearse("simulate", "smoke", *options)
    assert (ending.code, ending.out, played["numbers"]) == (2, "", [])
    assert message in ending.err
