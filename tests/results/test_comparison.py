import json
import math
from dataclasses import replace

import numpy as np
import pytest

from results.comparison import (
    FLOORS,
    Change,
    all_figures,
    compare,
    describe_comparison,
    thresholded,
)
from results.figures import Figure
from results.intervals import holm
from results.replications import Replications
from tests.results.sample_sets import DELAY, LOSS, MOS, TYPICAL, Values, drawn, make_set

BITRATE = Figure("bitrate", "", "", "mean")


def one(before: Replications, after: Replications, figure: Figure = DELAY) -> Change:
    (change,) = compare(before, after, [figure]).changes
    return change


def constant(value: float | None, figure: Figure = DELAY) -> Values:
    return lambda _: {**TYPICAL, figure: value}


def noisy(centre: float, spread: float, seed: int, figure: Figure = DELAY) -> Values:
    noise = np.random.default_rng(seed).normal(0, spread, 1000)
    return lambda i: {**TYPICAL, figure: float(centre + noise[i])}


def test_pairs_find_what_sets_by_themselves_do_not() -> None:
    rng, luck = np.random.default_rng(1), np.tile([0.3, -0.3], 500)
    before = make_set(drawn(rng, common=luck))
    paired = make_set(drawn(rng, common=luck, mouth_to_ear_delay=1.1))
    # The same luck, but nobody knows that it is.
    apart = make_set(drawn(rng, common=luck, mouth_to_ear_delay=1.1), seed=8)
    assert compare(before, paired, [DELAY]).pairs == 10
    assert one(before, paired).standing == "worse"
    assert compare(before, apart, [DELAY]).pairs == 0
    assert one(before, apart).standing == "can't tell"


@pytest.mark.parametrize(
    ("figure", "factor", "standing"),
    [
        (DELAY, 1.2, "worse"),
        (DELAY, 0.8, "better"),
        (DELAY, 1.0, "same"),
        (DELAY, 1.03, "same"),  # as sure as can be, but it does not matter
        (MOS, 0.8, "worse"),
        (MOS, 1.15, "better"),
        (BITRATE, 0.5, "worse"),
        (LOSS, 1.1, "same"),  # half a thousandth is below the floor
        (LOSS, 1.5, "worse"),
    ],
)
def test_standings(figure: Figure, factor: float, standing: str) -> None:
    start = {**TYPICAL, BITRATE: 2e6}[figure]
    before = make_set(noisy(start, start * 1e-3, 1, figure))
    after = make_set(noisy(start * factor, start * 1e-3, 2, figure))
    assert one(before, after, figure).standing == standing


def test_noise_around_the_margin_cannot_be_told() -> None:
    before, after = make_set(noisy(0.1, 0.004, 1)), make_set(noisy(0.104, 0.004, 2))
    change = one(before, after)
    assert change.standing == "can't tell"
    assert change.low is not None
    assert change.high is not None
    assert change.difference is not None
    assert change.low < change.difference < change.high


def test_a_difference_comes_with_its_size() -> None:
    change = one(make_set(constant(0.2)), make_set(constant(0.25)))
    assert (change.difference, change.relative) == pytest.approx((0.05, 0.25))
    assert (change.low, change.high) == pytest.approx((0.05, 0.05))
    assert change.margin == pytest.approx(0.01)


def test_small_values_have_a_floor() -> None:
    change = one(make_set(constant(0.0, LOSS)), make_set(constant(0.0005, LOSS)), LOSS)
    assert (change.margin, change.relative, change.standing) == (FLOORS["ratio"], None, "same")
    change = one(make_set(constant(0.0, LOSS)), make_set(constant(0.002, LOSS)), LOSS)
    assert change.standing == "worse"


def test_single_runs_cannot_be_told_apart_but_may_be_the_same() -> None:
    first, same = (make_set(constant(0.1), [0]) for _ in range(2))
    other = make_set(constant(0.2), [0])
    assert one(first, same).standing == "same"
    change = one(first, other)
    assert (change.standing, change.difference, change.p) == ("can't tell", 0.1, None)
    assert one(first, make_set(constant(0.1), [0], seed=9)).standing == "can't tell"


def test_one_run_is_held_against_what_draws_differ_by() -> None:
    before = make_set(noisy(0.1, 0.002, 1), range(20))
    assert one(before, make_set(constant(0.13), [0], seed=8)).standing == "worse"
    assert one(before, make_set(constant(0.101), [0], seed=8)).standing in ("same", "can't tell")


def test_only_draws_in_common_are_paired() -> None:
    before = make_set(noisy(0.1, 0.01, 1), range(8))
    after = make_set(noisy(0.1, 0.01, 1), range(5, 15))
    assert compare(before, after, [DELAY]).pairs == 3
    assert one(before, after).difference == 0


def test_live_runs_are_never_paired() -> None:
    before, after = (make_set(noisy(0.1, 0.01, seed), mode="live") for seed in (1, 2))
    assert compare(before, after, [DELAY]).pairs == 0


def test_what_never_comes_about_any_more_is_worse() -> None:
    before = make_set(constant(0.1))
    after = make_set(lambda i: {**TYPICAL, DELAY: math.inf if i < 8 else 0.1})
    change = one(before, after)
    assert (change.difference, change.standing) == (math.inf, "worse")
    assert one(after, before).standing == "better"
    seldom = make_set(lambda i: {**TYPICAL, DELAY: math.inf if i == 0 else 0.1})
    assert one(before, seldom).standing == "can't tell"


@pytest.mark.parametrize("missing", [range(10), range(3)])
def test_data_that_went_missing_is_never_the_same(missing: range) -> None:
    before = make_set(constant(0.1))
    after = make_set(lambda i: {**TYPICAL, DELAY: None if i in missing else 0.1})
    change = one(before, after)
    assert (change.difference, change.standing) == (None, "can't tell")


def test_many_comparisons_are_corrected_for() -> None:
    """Of 400 figures that did not change, next to none stands out."""
    figures = [Figure("jitter", f"site=c{i}", "", "mean") for i in range(400)]
    rng = np.random.default_rng(5)
    before, after = (
        make_set(lambda _: {figure: 0.02 * (1 + rng.normal(0, 0.3)) for figure in figures})
        for _ in range(2)
    )
    changes = compare(before, after, figures).changes
    assert sum(change.p is not None and change.p <= 0.05 for change in changes) > 10
    assert sum(change.standing in ("worse", "better") for change in changes) <= 2
    strict = compare(before, after, figures, correction=holm).changes
    assert all(
        a.corrected_p <= b.corrected_p  # type: ignore[operator]
        for a, b in zip(changes, strict, strict=True)
    )


def test_the_largest_effect_comes_first() -> None:
    other = Figure("jitter", "", "", "p95")
    before = make_set(lambda _: {DELAY: 0.1, LOSS: 0.01, MOS: 4.0, other: 0.01})
    after = make_set(lambda _: {DELAY: 0.12, LOSS: 0.1, MOS: 4.4, other: 0.01})
    ranked = compare(before, after, [other, MOS, DELAY, LOSS]).ranked()
    assert [change.figure for change in ranked] == [LOSS, DELAY, MOS, other]


def test_figures_that_are_compared() -> None:
    found = make_set(lambda _: {
        **TYPICAL,
        Figure("jitter", "access=4g", "", "p95"): 0.01,
        Figure("jitter", "access=4g", "", "max"): 0.01,
        Figure("jitter", "", "", "mean"): None,
    })  # fmt: skip
    figures = all_figures(found)
    assert set(thresholded(found)) <= set(figures)
    assert Figure("jitter", "access=4g", "", "p95") in figures
    assert Figure("jitter", "access=4g", "", "max") not in figures
    assert Figure("jitter", "", "", "mean") not in figures
    assert all_figures(found, metrics=["jitter"]) == [Figure("jitter", "access=4g", "", "p95")]


def test_a_description_is_json() -> None:
    before = make_set(lambda _: {**TYPICAL, LOSS: None})
    after = make_set(lambda _: {**TYPICAL, DELAY: math.inf})
    content = describe_comparison(compare(before, after, list(TYPICAL)), ["Beware."])
    again = json.loads(json.dumps(content, allow_nan=False))
    assert again["warnings"] == ["Beware."]
    (delay,) = (
        row for row in again["changes"] if row["metric"] == DELAY.metric and not row["during"]
    )
    assert (delay["difference"], delay["never"], delay["standing"]) == (None, True, "worse")
    assert sum(again["standings"].values()) == len(TYPICAL)
    assert replace(before) == before
