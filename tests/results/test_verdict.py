from dataclasses import replace
from typing import Any

import pytest

from results.records import Accounting, Run
from results.selection import Measurements
from results.verdict import EXIT_CODES, Outcome, judge
from tests.results.sample_run import make_scenario

HOLDS = "min >= 0%"
BREAKS = "max < 0%"
NOBODY = "packet_loss{access=carrier pigeon}"


def outcome(run: Run, thresholds: dict[str, Any]) -> Outcome:
    judged = replace(run, scenario=make_scenario(thresholds=thresholds))
    return judge(judged, Measurements(judged))


def advisory(check: str) -> dict[str, Any]:
    return {"check": check, "advisory": True}


@pytest.mark.parametrize(
    ("thresholds", "verdict", "reason"),
    [
        ({"packet_loss": [HOLDS, HOLDS]}, "pass", "2 of 2 thresholds passed."),
        ({"packet_loss": [HOLDS, BREAKS]}, "fail", "1 of 2 thresholds failed."),
        ({"packet_loss": BREAKS, NOBODY: HOLDS}, "fail", "1 of 2 thresholds failed."),
        ({"packet_loss": HOLDS, NOBODY: HOLDS}, "inconclusive", "1 of 2 thresholds had no data."),
        ({NOBODY: BREAKS}, "inconclusive", "1 of 1 threshold had no data."),
        ({"packet_loss": [HOLDS, advisory(BREAKS)]}, "pass", "1 of 1 threshold passed."),
        (
            {"packet_loss": HOLDS, NOBODY: [advisory(HOLDS)]},
            "pass",
            "1 of 1 threshold passed.",
        ),
        ({}, "inconclusive", "The scenario has no thresholds that could fail."),
        (
            {"packet_loss": [advisory(HOLDS)]},
            "inconclusive",
            "The scenario has no thresholds that could fail.",
        ),
    ],
)
def test_verdict_of_a_run(run: Run, thresholds: dict[str, Any], verdict: str, reason: str) -> None:
    result = outcome(run, thresholds)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_packets_unaccounted_for_are_never_a_pass(run: Run) -> None:
    leaky = replace(run, accounting=Accounting(sent=10, delivered=9, in_flight=0, lost={}))
    assert outcome(leaky, {"packet_loss": HOLDS}).verdict == "inconclusive"
    assert outcome(leaky, {"packet_loss": BREAKS}).verdict == "fail"


@pytest.mark.parametrize("check", ["count < 5", "count >= 0", "max < 100%", "p(50) > 0%"])
def test_without_data_any_question_stays_open(run: Run, check: str) -> None:
    (judgement,) = outcome(run, {NOBODY: check}).judgements
    assert (judgement.value, judgement.verdict) == (None, "inconclusive")


def test_a_judgement_says_what_was_asked_as_it_was_written(run: Run) -> None:
    condition = {"check": " p( 95 )<1s", "during": "30s .. 45s", "advisory": True}
    (judgement,) = outcome(run, {"one_way_delay{ access = 4g }": [condition]}).judgements
    assert judgement.metric == "one_way_delay{ access = 4g }"
    assert judgement.expression == " p( 95 )<1s"
    assert judgement.during == "30s .. 45s"
    assert judgement.advisory


def test_windows_and_selectors_reach_the_values(run: Run) -> None:
    text, check = "packet_loss{access=4g}", "mean < 3%"
    judgements = outcome(
        run,
        {text: [check, {"check": check, "during": "30s..45s"}], "packet_loss": "mean < 3%"},
    ).judgements
    # The cells are full from 30 s to 45 s: only then do 4G's endpoints lose 5 % of their packets.
    assert [judgement.verdict for judgement in judgements] == ["pass", "fail", "pass"]
    whole, window, everyone = (judgement.value for judgement in judgements)
    assert whole == pytest.approx(0.02, abs=0.003)
    assert window == pytest.approx(0.05, abs=0.005)
    assert everyone == Measurements(run).distribution("packet_loss").mean


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [("max < 1", "fail"), ("max <= 1", "pass"), ("count > 719", "pass"), ("count > 720", "fail")],
)
def test_bounds_are_exact(run: Run, expression: str, verdict: str) -> None:
    # One dish is dead: its loss is exactly 1. 60 endpoints by 12 intervals are 720 values.
    check = expression.replace(" 1", " 100%") if expression.startswith("max") else expression
    (judgement,) = outcome(run, {"packet_loss": check}).judgements
    assert judgement.verdict == verdict


def test_each_verdict_has_its_exit_code() -> None:
    assert EXIT_CODES == {"pass": 0, "fail": 99, "inconclusive": 98}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"interrupted": "Ctrl-C"}, "The run was interrupted: Ctrl-C."),
        ({"doubts": ("it was late",)}, "The generator was not up to it: it was late."),
        (
            {"interrupted": "Ctrl-C", "doubts": ("it was late",)},
            "The run was interrupted: Ctrl-C; it was late.",
        ),
    ],
)
def test_nothing_follows_from_a_run_that_was_interrupted_or_is_in_doubt(
    run: Run, changes: dict[str, Any], reason: str
) -> None:
    doubted = replace(run, **changes)
    found = judge(doubted, Measurements(doubted))
    assert (found.verdict, found.reason) == ("inconclusive", reason)
    assert found.judgements == judge(run, Measurements(run)).judgements
