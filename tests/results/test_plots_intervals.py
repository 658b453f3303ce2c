from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from results.comparison import compare
from results.figures import Figure
from results.plots.differences import COLOURS, draw_differences, draw_side_by_side, save_comparison
from results.plots.intervals import (
    VERDICT_COLOURS,
    draw_groups,
    draw_precision,
    draw_thresholds,
)
from results.plots.of_sets import SET_PLOTS, save_set_plot
from tests.results.sample_sets import DELAY, MOS, TYPICAL, drawn, make_set


def lines(draw: Any, *arguments: Any) -> list[Any]:
    ax = Canvas().add_subplot()
    draw(*arguments[:1], ax, *arguments[1:])
    return list(ax.get_lines())


def test_thresholds_are_shares_of_their_bounds() -> None:
    found = make_set(lambda i: {**TYPICAL, DELAY: 0.24 + 0.002 * i, MOS: 4.5})
    _, interval, dot, *_ = lines(draw_thresholds, found)
    each = found.estimate(DELAY)
    assert each.low is not None
    assert each.high is not None
    np.testing.assert_allclose(interval.get_xdata(), [each.low / 0.25, each.high / 0.25])
    assert dot.get_color() == VERDICT_COLOURS["inconclusive"]
    # A lower bound is mirrored: half as much again as asked for lies as far left of the line.
    mos = lines(draw_thresholds, found)[8]
    assert mos.get_xdata()[0] == pytest.approx(0.5)


def test_groups_have_dots_and_intervals() -> None:
    figure = Figure("jitter", "access=4g", "", "p95")
    found = make_set(lambda i: {figure: 0.010 + 0.001 * i})
    interval, dot = lines(draw_groups, found, "jitter")
    assert dot.get_xdata()[0] == pytest.approx(14.5)
    assert interval.get_xdata()[0] < 14.5 < interval.get_xdata()[1]


def test_precision_grows_with_replications() -> None:
    found = make_set(drawn(np.random.default_rng(1)), range(12), precision=0.05)
    curve = lines(draw_precision, found)[0]
    assert curve.get_xdata()[-1] == 12
    width = found.estimate(DELAY).relative_half_width
    assert width is not None
    assert curve.get_ydata()[-1] == pytest.approx(100 * width)


def test_differences_are_shares_of_the_value_before() -> None:
    before = make_set(lambda i: {DELAY: 0.2 + 0.001 * i})
    after = make_set(lambda i: {DELAY: 0.25 + 0.001 * i})
    comparison = compare(before, after, [DELAY])
    _, _, dot = lines(draw_differences, comparison)
    assert dot.get_xdata()[0] == pytest.approx(100 * 0.05 / 0.2045)
    assert dot.get_color() == COLOURS["worse"]
    side = lines(draw_side_by_side, comparison)
    assert [each.get_label() for each in side if each.get_marker() == "o"] == ["before", "after"]


@pytest.mark.parametrize("name", SET_PLOTS)
@pytest.mark.parametrize("values", [{}, {DELAY: None}])
def test_nothing_to_draw_is_said(
    name: str, values: dict[Figure, float | None], tmp_path: Path
) -> None:
    path = tmp_path / "plot.svg"
    save_set_plot(make_set(lambda _: values), name, path)
    assert "o " in path.read_text(encoding="utf-8")
    assert "(simulated, 60 endpoints, 60 s, seed 7)." in path.read_text(encoding="utf-8")


def test_a_comparison_of_nothing_is_drawn(tmp_path: Path) -> None:
    found = make_set(lambda _: {})
    save_comparison(compare(found, found, []), "Nothing", tmp_path / "x.svg")
    assert "No figure has" in (tmp_path / "x.svg").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"not as '\.pdf'"):
        save_comparison(compare(found, found, []), "Nothing", tmp_path / "x.pdf")
