import json
import math
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import numpy as np
import pytest

from results.figures import Figure
from results.intervals import Estimate, estimate
from results.replications import (
    FEWEST,
    imprecise,
    is_precise,
    judge_estimate,
    summarize_replications,
)
from results.summary import format_summary
from scenarios.metrics import METRICS
from scenarios.thresholds import Expression
from tests.results.sample_sets import (
    DELAY,
    LOSS,
    TYPICAL,
    drawn,
    make_measured,
    make_set,
    scenario,
)

BELOW = Expression.parse("p(95) < 250ms", METRICS["mouth_to_ear_delay"])
ABOVE = Expression.parse("p(5) > 3.5", METRICS["audio_mos"])


@pytest.mark.parametrize(
    ("expression", "found", "verdict"),
    [
        (BELOW, Estimate(0.2, 0.19, 0.21, 5), "pass"),
        (BELOW, Estimate(0.24, 0.22, 0.26, 5), "inconclusive"),
        (BELOW, Estimate(0.26, 0.24, 0.28, 5), "inconclusive"),
        (BELOW, Estimate(0.3, 0.29, 0.31, 5), "fail"),
        (BELOW, Estimate(0.2, 0.2, 0.25, 5), "inconclusive"),
        (ABOVE, Estimate(4.0, 3.8, 4.2, 5), "pass"),
        (ABOVE, Estimate(3.4, 3.2, 3.6, 5), "inconclusive"),
        (ABOVE, Estimate(3.0, 2.8, 3.2, 5), "fail"),
        (BELOW, Estimate(0.2, 0.19, 0.21, 4), "inconclusive"),
        (BELOW, Estimate(None, None, None, 0), "inconclusive"),
        (BELOW, Estimate(0.2, None, None, 1), "inconclusive"),
        (BELOW, Estimate(math.inf, None, None, 5), "fail"),
    ],
)
def test_a_threshold_holds_where_its_whole_interval_does(
    expression: Expression, found: Estimate, verdict: str
) -> None:
    assert judge_estimate(expression, found, 5) == verdict


def summarize(**changes: Any) -> dict[str, Any]:
    return summarize_replications(make_set(drawn(np.random.default_rng(1)), **changes))


def test_a_summary_is_a_runs_summary_with_intervals() -> None:
    summary = summarize()
    schema = files("results").joinpath("summary.schema.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(format_summary(summary)), json.loads(schema))
    assert (summary["verdict"], summary["replications"]) == ("pass", 10)
    assert summary["reason"] == (
        "4 of 4 thresholds passed in 10 replications, with 95% confidence."
    )


def test_every_aggregation_is_a_mean_with_its_interval() -> None:
    found = make_set(drawn(np.random.default_rng(1)))
    entry = summarize_replications(found)["metrics"]["mouth_to_ear_delay"]
    values = [each.figures[DELAY] for each in found.measured]
    expected = estimate(values)
    assert entry["p95"] == expected.value
    assert entry["intervals"]["p95"] == [expected.low, expected.high]
    assert entry["intervals"]["p99"] is None
    assert entry["unit"] == "s"


def test_rows_of_thresholds_tell_of_single_replications() -> None:
    found = make_set(lambda i: {**TYPICAL, DELAY: 0.2 + 0.01 * i})
    row = summarize_replications(found)["thresholds"][0]
    assert (row["value"], row["verdict"]) == (0.245, "inconclusive")
    assert (row["held"]["count"], row["held"]["of"]) == (5, 10)
    assert row["held"]["interval"] == pytest.approx([0.2366, 0.7634], abs=1e-4)
    # The 2nd and 9th of 10 hold the median with 97.9 % confidence, the 3rd and 8th with 89 %.
    assert row["median_interval"] == pytest.approx([0.21, 0.28])
    assert row["median"] == pytest.approx(0.24)
    assert row["relative_half_width"] == pytest.approx(0.0884, abs=1e-4)


def test_one_that_never_came_about_fails_and_has_no_interval() -> None:
    found = make_set(lambda i: {**TYPICAL, DELAY: math.inf if i == 3 else 0.1})
    row = summarize_replications(found)["thresholds"][0]
    assert (row["value"], row["never"], row["interval"], row["verdict"]) == (
        None, True, None, "fail",
    )  # fmt: skip
    assert (row["held"]["count"], row["held"]["of"]) == (9, 10)


def test_a_replication_without_data_leaves_it_undecided() -> None:
    summary = summarize_replications(
        make_set(lambda i: {**TYPICAL, LOSS: None if i == 3 else 0.001})
    )
    assert summary["verdict"] == "inconclusive"
    assert summary["reason"] == (
        "1 of 4 thresholds cannot be decided in 10 replications, with 95% confidence."
    )


def test_an_advisory_threshold_has_no_say() -> None:
    egress = Figure("node_egress", "", "", "max")
    found = make_set(lambda i: {**TYPICAL, egress: 2e9 + i})
    summary = summarize_replications(found)
    assert summary["thresholds"][-1]["verdict"] == "fail"
    assert summary["verdict"] == "pass"


def test_without_thresholds_nothing_was_put_to_the_test() -> None:
    bare = scenario().model_copy(update={"thresholds": {}})
    summary = summarize(scenario=bare)
    assert (summary["verdict"], summary["thresholds"]) == ("inconclusive", [])


def test_packets_unaccounted_for_leave_it_undecided() -> None:
    found = make_set(drawn(np.random.default_rng(1)))
    odd = replace(found.measured[0].accounting, sent=11)
    measured = (replace(found.measured[0], accounting=odd), *found.measured[1:])
    summary = summarize_replications(replace(found, measured=measured))
    assert (summary["verdict"], summary["accounting"]["balanced"]) == ("inconclusive", False)


def test_costs_and_packets_add_up() -> None:
    summary = summarize()
    assert summary["cost"] == {
        "wall_s": 2.0, "packets": 100, "packet_hops": 400, "peak_rss_bytes": 1000,
    }  # fmt: skip
    assert summary["accounting"]["sent"] == 100


def test_precision_is_that_of_the_worst_thresholded_figure() -> None:
    measured = make_set(drawn(np.random.default_rng(1), 0.0), range(FEWEST)).measured
    assert is_precise(scenario(), measured, 0.05)
    assert not is_precise(scenario(), measured, 0.005)
    worse = [make_measured({**each.figures, LOSS: 0.01 * i}, i) for i, each in enumerate(measured)]
    assert not is_precise(scenario(), worse, 0.05)


def test_few_replications_are_never_precise() -> None:
    same = [make_measured(TYPICAL, i) for i in range(FEWEST)]
    assert not is_precise(scenario(), same[:-1], 0.05)
    assert is_precise(scenario(), same, 0.05)


def test_what_is_less_precise_than_asked_for_is_named() -> None:
    found = make_set(lambda i: {**TYPICAL, LOSS: 0.001 * (i + 1)}, precision=0.05)
    assert imprecise(found) == [LOSS]
    assert summarize_replications(found)["imprecise"] == ["packet_loss{level=commune} mean"]
    assert imprecise(replace(found, precision=None)) == []


def test_sequential_intervals_cover_the_truth() -> None:
    """Stopping at a precision makes intervals a little short; from FEWEST on, only a little."""
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(1000):
        values = rng.normal(1.0, 0.1, 60)
        count = next(
            (
                n
                for n in range(FEWEST, 60)
                if (estimate(values[:n].tolist()).relative_half_width or 0) <= 0.05
            ),
            60,
        )
        found = estimate(values[:count].tolist())
        assert found.low is not None
        assert found.high is not None
        covered.append(found.low <= 1.0 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97
