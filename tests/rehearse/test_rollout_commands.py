import json
from pathlib import Path
from typing import Any

import pytest

from tests.rehearse.conftest import Rehearse

SMALL = ("--set", "endpoints.sample=60", "--replications", "8")
CREWS = ("--set", "rollout.crews.vnpt=9", "--set", "rollout.crews.viettel=9")


def test_crews_days_and_what_they_depend_on(rehearse: Rehearse) -> None:
    ending = rehearse(
        "rollout", "three-day-rollout", *SMALL, *CREWS, "--no-evenings", "--out", "r", "--quiet"
    )
    assert ending.code == 0, ending.out + ending.err
    assert ending.err == ""
    found = json.loads(Path("r/rollout.json").read_text(encoding="utf-8"))
    assert found["finish"]["in_time"] == 1.0
    assert {row["carrier"] for row in found["by_day"]} == {"vnpt", "viettel"}
    assert sum(row["accepted"] for row in found["by_day"]) == pytest.approx(60)
    for carrier in ("vnpt", "viettel"):
        assert 1 <= found["needed"][carrier]["crews"] <= 9
        assert found["needed"][carrier]["in_time"] >= 0.95
    effects = {each["change"]: each["days"] for each in found["effects"]}
    assert effects["install times +20%"] > 0 > effects["install times −20%"]
    assert effects["crews −20%"] >= 0
    curve = found["curve"]["median"]
    assert curve == sorted(curve)
    assert curve[-1] == 60
    assert {path.name for path in Path("r").iterdir()} == {
        "rollout.json",
        "report.html",
        "rollout.png",
    }


def test_too_few_crews_fail(rehearse: Rehearse) -> None:
    crews = ("--set", "rollout.crews.vnpt=1", "--set", "rollout.crews.viettel=1")
    ending = rehearse(
        "rollout", "three-day-rollout", *SMALL, *crews, "--no-evenings", "--out", "r", "--quiet"
    )
    assert ending.code == 99


def test_every_evening_is_rehearsed(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[Any] = []

    def simulate(scenario: Any) -> Any:
        played.append(scenario)
        return scenario

    class Night:
        verdict, reason, binding = "pass", "All passed.", ()

    monkeypatch.setattr("rehearse.rolling_out.simulate", simulate)
    monkeypatch.setattr("rehearse.rolling_out.observe", lambda _: Night)
    ending = rehearse("rollout", "three-day-rollout", *SMALL, *CREWS, "--out", "r", "--quiet")
    assert "evening 3: 60 connected: pass. All passed." in ending.out
    sizes = [len(scenario.endpoints.taken) for scenario in played]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 60
    for scenario in played:
        taken = {row["site"] for row in scenario.endpoints.taken}
        assert {turn.site for turn in scenario.meeting.floor} <= taken | {"command-centre"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("smoke",), "smoke: has no rollout"),
        (
            ("three-day-rollout", "--set", "rollout.crews={vnpt: 4}"),
            "rollout.crews.viettel: is missing",
        ),
        (("three-day-rollout", "--set", "rollout.days=0"), "rollout.days"),
        (("three-day-rollout", "--set", "endpoints.scale=2"), "copies of endpoints"),
        (("three-day-rollout", "--set", "rollout.crews.vnpd=3"), "did you mean vnpt?"),
    ],
)
def test_wrong_usage_is_said(rehearse: Rehearse, options: tuple[str, ...], message: str) -> None:
    ending = rehearse("rollout", *options, "--set", "endpoints.sample=60", "--no-evenings")
    assert ending.code == 2
    assert message in ending.err
