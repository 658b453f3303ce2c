"""The gate on records made by hand; benchmarks/gate.py asks the same of real runs."""

import json
import math

import numpy as np
import pytest

from results.comparison import MARGIN
from results.gate import Gate, describe_gate, judge_release
from results.replications import Replications, summarize_replications
from tests.results.sample_sets import DELAY, EGRESS, LOSS, TYPICAL, drawn, make_set

EXPERIMENTS = 200


def judge(found: Replications, baseline: Replications | None = None, strict: bool = False) -> Gate:
    summary = summarize_replications(found)
    return judge_release(summary, found, baseline, margin=MARGIN, strict=strict)


def verdicts(gate: Gate, kind: str) -> list[str]:
    return [check.verdict for check in gate.checks if check.kind == kind]


@pytest.mark.parametrize("paired", [True, False])
def test_nothing_new_raises_a_false_alarm_in_at_most_one_of_twenty(paired: bool) -> None:
    rng = np.random.default_rng(21)
    alarms = 0
    for _ in range(EXPERIMENTS):
        common = rng.normal(0, 0.1, 1000) if paired else None
        before = make_set(drawn(rng, common=common))
        after = make_set(drawn(rng, common=common), seed=7 if paired else 8)
        alarms += judge(after, before).verdict != "pass"
    assert alarms <= 0.05 * EXPERIMENTS


def test_a_delay_that_grew_by_a_tenth_is_caught() -> None:
    rng = np.random.default_rng(22)
    caught = 0
    for _ in range(EXPERIMENTS):
        common = rng.normal(0, 0.1, 1000)
        before = make_set(drawn(rng, common=common))
        after = make_set(drawn(rng, common=common, mouth_to_ear_delay=1.1))
        caught += judge(after, before).verdict == "fail"
    assert caught >= 0.95 * EXPERIMENTS


def test_without_a_baseline_the_thresholds_decide() -> None:
    assert judge(make_set(lambda _: TYPICAL)).verdict == "pass"
    failing = judge(make_set(lambda _: {**TYPICAL, DELAY: 0.3}))
    assert (failing.verdict, failing.reason) == ("fail", "1 of 4 thresholds failed.")
    assert failing.comparison is None
    undecided = judge(make_set(lambda i: {**TYPICAL, DELAY: 0.2 + 0.01 * i}))
    assert (undecided.verdict, undecided.reason) == (
        "inconclusive", "1 of 4 thresholds undecided.",
    )  # fmt: skip


def test_both_kinds_of_failure_are_named() -> None:
    before = make_set(lambda _: TYPICAL)
    gate = judge(make_set(lambda _: {**TYPICAL, DELAY: 0.3, LOSS: 0.008}), before)
    assert gate.verdict == "fail"
    assert gate.reason == "1 of 4 thresholds failed; 2 of 4 figures became worse."
    assert verdicts(gate, "threshold") == ["fail", "pass", "pass", "pass", "pass"]
    assert verdicts(gate, "regression") == ["fail", "pass", "fail", "pass", "pass"]


def test_better_is_no_regression() -> None:
    gate = judge(make_set(lambda _: {**TYPICAL, DELAY: 0.1}), make_set(lambda _: TYPICAL))
    assert (gate.verdict, gate.reason) == (
        "pass",
        "4 of 4 thresholds passed; none of 4 figures became worse, with 95% confidence.",
    )


def test_an_advisory_figure_may_become_worse() -> None:
    gate = judge(make_set(lambda _: {**TYPICAL, EGRESS: 90e6}), make_set(lambda _: TYPICAL))
    (check,) = (c for c in gate.checks if c.kind == "regression" and c.advisory)
    assert (check.verdict, gate.verdict) == ("fail", "pass")


def test_noise_passes_unless_strict() -> None:
    rng = np.random.default_rng(3)
    before, after = make_set(drawn(rng), range(3)), make_set(drawn(rng), range(3), seed=8)
    found = judge(after, before)
    assert any(check.sentence.startswith("can't tell") for check in found.checks)
    assert "fail" not in verdicts(found, "regression")
    assert found.verdict == "pass"
    assert judge(after, before, strict=True).verdict == "inconclusive"


def test_what_has_nothing_to_be_compared_by_is_inconclusive() -> None:
    before = make_set(lambda _: TYPICAL)
    gone = make_set(lambda _: {**TYPICAL, LOSS: None})
    gate = judge(gone, before)
    assert gate.verdict == "inconclusive"
    assert gate.reason == "1 of 4 thresholds undecided; 1 of 4 figures cannot be compared."


def test_a_check_knows_the_threshold_it_comes_from() -> None:
    gate = judge(make_set(lambda _: TYPICAL), make_set(lambda _: TYPICAL))
    places = [(check.kind, check.target, check.number) for check in gate.checks]
    assert places[1] == ("threshold", "mouth_to_ear_delay{access=4g}", 0)
    assert places[6] == ("regression", "mouth_to_ear_delay{access=4g}", 0)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (0.2, 0.25, "worse: 200 ms → 250 ms, +25.0% (+25.0% … +25.0%)"),
        (0.2, math.inf, "worse: 200 ms → never"),
        (0.2, None, "can't tell: 200 ms → no data"),
        (0.0, 0.25, "worse: 0 ms → 250 ms"),
    ],
)
def test_differences_in_a_sentence(before: float, after: float | None, sentence: str) -> None:
    found = make_set(lambda _: {**TYPICAL, DELAY: after})
    baseline = make_set(lambda _: {**TYPICAL, DELAY: before})
    check = next(c for c in judge(found, baseline).checks if c.kind == "regression")
    assert check.sentence == sentence


def test_a_description_is_json() -> None:
    gate = judge(make_set(lambda _: {**TYPICAL, DELAY: 0.3}), make_set(lambda _: TYPICAL))
    content = json.loads(json.dumps(describe_gate(gate, ["Beware."]), allow_nan=False))
    assert (content["verdict"], content["warnings"], content["pairs"]) == ("fail", ["Beware."], 10)
    assert content["changes"][0]["standing"] == "worse"
    assert content["checks"][0]["sentence"].startswith("p95 is 300 ms")
