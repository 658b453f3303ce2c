import numpy as np
import pytest

from results.rollouts import DAY_NS, by_day, completion_curve, effect, finish


def test_the_curve_counts_who_is_done() -> None:
    done = np.array([[0.5, 1.5, 2.5], [0.5, 1.5, -1]]) * DAY_NS
    curve = completion_curve(done.astype(np.int64), 3)
    at = {round(float(day), 3): i for i, day in enumerate(curve.days)}
    assert [curve.median[at[day]] for day in (0.0, 1.0, 2.0, 3.0)] == [0, 1, 2, 2.5]
    assert curve.low[at[3.0]] < curve.high[at[3.0]]


def test_the_finish_knows_its_uncertainty() -> None:
    found = finish([2.5] * 15 + [3.5] * 5, 3)
    assert (found.median, found.in_time) == (2.5, 0.75)
    assert found.in_time_interval[0] < 0.75 < found.in_time_interval[1]


def test_an_effect_is_a_paired_difference() -> None:
    before = [2.0, 2.5, 3.0, float("inf")]
    found = effect("slower", before, [b + 0.5 for b in before])
    assert found.days == pytest.approx(0.5)
    assert found.low == pytest.approx(found.high) == pytest.approx(0.5)


def test_days_and_carriers_have_rows() -> None:
    done = np.array([[0.2, 0.4, 1.2]]) * DAY_NS
    hour = DAY_NS / 24
    busy = {"a": np.array([24 * hour, 6 * hour])}
    rows = by_day(done.astype(np.int64), busy, ["a", "a", "a"], {"a": 2}, round(12 * hour), 2)
    assert [(row["day"], row["accepted"], row["busy"]) for row in rows] == [
        (1, 2.0, 1.0),
        (2, 1.0, 0.25),
    ]
