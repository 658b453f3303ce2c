"""What the plots of the closed loop draw, against the tables."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFT

from results.adaptation import AUDIO_ONLY, groups_of, read_estimates
from results.calls import read_calls
from results.plots import PLOTS, calls, endpoint, estimates, freezes, layers, shared_links
from results.plots.style import RED
from results.records import CALL_BUDGET, CALLS, Run
from results.timings import by_access, median_parts
from scenarios.meeting import COMMAND_CENTRE
from tests.results.axes import bars, beginning, legend, line
from tests.results.sample_run import make_run, make_scenario
from tests.results.test_adaptation import changed, samples


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(7.5, 4)).add_subplot()


@pytest.fixture
def figure() -> Figure:
    return Figure(figsize=(7.5, 5.6))


def of_site(run: Run, site: str, column: str) -> list[Any]:
    return [r[column] for r in run.tables["samples"].to_pylist() if r["site"] == site]


def bar_containers(containers: Iterable[object]) -> list[BarContainer]:
    return [each for each in containers if isinstance(each, BarContainer)]


# ---------------------------------------------------------------- freezes


def test_who_froze_is_counted_in_each_interval(run: Run, ax: Axes) -> None:
    freezes.draw_over_time(run, ax)
    rows = samples(run, access="4g")
    for label, own in (("4G (", rows), ("All (", samples(run))):
        x, y = line(ax, label)
        assert x[:4].tolist() == [0, 5, 5, 10]
        at = [[r["freeze_ratio"] > 0 for r in own if r["time"] == time] for time in (0, 30)]
        assert y[0] == y[1] == pytest.approx(100 * np.mean(at[0]))
        assert y[12] == pytest.approx(100 * np.mean(at[1]))
    assert line(ax, "4G (")[1][12] > line(ax, "Fibre (")[1][12]


def test_provinces_are_ranked_by_time_frozen(run: Run, figure: Figure) -> None:
    freezes.draw_by_province(run, figure)
    left, right = figure.axes
    provinces = {r["province"] for r in run.tables["endpoints"].to_pylist() if r["province"]}
    expected = {
        name: (
            100 * np.mean([r["freeze_ratio"] for r in samples(run, province=name)]),
            720 * np.mean([r["freeze_count"] for r in samples(run, province=name)]),
        )
        for name in provinces
        if samples(run, province=name)
    }
    names = [text.get_text().partition(" (")[0] for text in left.get_yticklabels()]
    shares = [bar.get_width() for bar in bars(left)]
    assert shares == sorted(shares, reverse=True)
    assert shares == pytest.approx([expected[name][0] for name in names], rel=1e-4)
    assert [bar.get_width() for bar in bars(right)] == pytest.approx(
        [expected[name][1] for name in names], rel=1e-4
    )


# ---------------------------------------------------------------- layers


def test_bars_of_layers_are_shares_and_fill_the_row(run: Run, ax: Axes) -> None:
    layers.draw(run, ax)
    found = {str(each.get_label()): each for each in bar_containers(ax.containers)}
    assert list(found) == ["high", "mid", "low", AUDIO_ONLY]
    rows = [text.get_text().partition(" (")[0] for text in ax.get_yticklabels()]
    assert rows == ["All endpoints", "VNPT", "Viettel", "Fibre", "DSL", "4G", "Satellite"]
    for name, attributes in (("Viettel", {"carrier": "viettel"}), ("4G", {"access": "4g"})):
        own = samples(run, **attributes)
        counts = Counter(row["layer"] or AUDIO_ONLY for row in own)
        widths = {label: each[rows.index(name)].get_width() for label, each in found.items()}
        expected = {label: 100 * counts[label] / len(own) for label in found}
        assert widths == pytest.approx(expected)
    ends = [bar.get_x() + bar.get_width() for bar in found[AUDIO_ONLY]]
    assert ends == pytest.approx([100] * len(rows))


# ---------------------------------------------------------------- estimates


def test_hexagons_hold_every_sample_and_the_share_above_is_told(run: Run, figure: Figure) -> None:
    estimates.draw(run, figure)
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes if ax.axison]
    assert titles[0] == "All endpoints (60)"
    assert [title.partition(" (")[0] for title in titles[1:]] == ["Fibre", "DSL", "4G", "Satellite"]
    every, own = read_estimates(run), groups_of(run, "access")["4g"]
    mobile = figure.axes[3]
    for ax, expected in ((figure.axes[0], every), (mobile, every.of(own))):
        assert int(np.asarray(ax.collections[0].get_array()).sum()) == len(expected.estimate)
    above = every.of(own).above
    assert above is not None
    assert mobile.texts[0].get_text().startswith(f"{100 * above:.2g}")
    (equal,) = mobile.lines
    assert (np.asarray(equal.get_xdata()) == np.asarray(equal.get_ydata())).all()


def test_links_that_carry_nothing_are_not_drawn_but_counted(run: Run, figure: Figure) -> None:
    sites = {row["site"] for row in samples(run, access="4g")}
    rows = [
        row | {"capacity": 0.0} if row["site"] in sites else row
        for row in run.tables["samples"].to_pylist()
    ]
    schema = run.tables["samples"].schema
    dead = replace(run, tables={**run.tables, "samples": pa.Table.from_pylist(rows, schema)})
    estimates.draw(dead, figure)
    every, mobile = figure.axes[0], figure.axes[3]
    assert mobile.texts[0].get_text().startswith("100")
    drawn = int(np.asarray(every.collections[0].get_array()).sum())
    assert drawn == len(read_estimates(dead).carrying.estimate) == 720 - 12 * len(sites)
    assert mobile.get_xscale() == "log"
    nothing = Figure()
    estimates.draw(changed(run, capacity=0.0), nothing)
    assert nothing.axes[0].texts[0].get_text() == "No link that a node estimated carried anything."


def test_ticks_thin_out_where_axes_span_much(run: Run, figure: Figure) -> None:
    estimates.draw(changed(run, capacity=1e6, estimate=9e5), figure)
    ax = figure.axes[0]
    low, high = ax.get_xlim()
    assert len([x for x in ax.get_xticks() if low <= x <= high]) >= 1
    wide = Figure(figsize=(7.5, 5.2))
    estimates.draw(run, wide)
    ticks = wide.axes[0].get_xticks()
    assert all(np.isclose(np.log10(x) % 1, 0) for x in ticks)


# ---------------------------------------------------------------- one endpoint


def test_one_endpoints_rates_and_layer_are_its_samples(run: Run, figure: Figure) -> None:
    site = endpoint.most_frozen(run)
    endpoint.draw(run, figure, site)
    rates, layer = figure.axes[:2]
    factor = {"Mb": 1e-6, "kb": 1e-3}[rates.get_ylabel().partition("(")[2][:2]]
    x, received = line(rates, "received")
    assert x[:4].tolist() == [0, 5, 5, 10]
    assert received[::2] == pytest.approx(np.array(of_site(run, site, "bitrate")) * factor)
    x, estimate = line(rates, "estimate")
    assert x.tolist() == [*range(5, 65, 5)]  # it is of the interval's end
    assert estimate == pytest.approx(np.array(of_site(run, site, "estimate")) * factor)
    capacity = np.array(of_site(run, site, "capacity")) * factor
    assert line(rates, "capacity")[1] == pytest.approx(capacity)
    names = [text.get_text() for text in layer.get_yticklabels()]
    assert names == [AUDIO_ONLY, "low", "mid", "high"]
    shown = np.asarray(layer.lines[0].get_ydata())[::2]
    assert [names[int(i)] for i in shown] == [
        name or AUDIO_ONLY for name in of_site(run, site, "layer")
    ]


def test_by_itself_it_takes_who_was_frozen_longest_and_shades_it(run: Run, figure: Figure) -> None:
    site = endpoint.most_frozen(run)
    frozen = {
        s: sum(of_site(run, s, "freeze_ratio"))
        for s in run.tables["endpoints"]["site"].to_pylist()
        if s != COMMAND_CENTRE
    }
    assert frozen[site] == max(frozen.values())
    assert PLOTS["endpoint"].choose_site(run, None) == site
    endpoint.draw(run, figure, site)
    shades = [p for p in figure.axes[0].patches if p.get_facecolor()[:3] != (1.0, 1.0, 1.0)]
    assert len(shades) == sum(ratio > 0 for ratio in of_site(run, site, "freeze_ratio"))


def test_the_uplink_stands_where_the_endpoint_publishes(run: Run) -> None:
    speaking, silent = Figure(), Figure()
    endpoint.draw(run, speaking, "p79")
    assert [ax.get_ylabel().split()[0] for ax in speaking.axes] == ["Downlink", "Layer", "Uplink"]
    sent = line(speaking.axes[-1], "sent")[1]
    assert np.isfinite(sent[8:16]).all()
    assert np.isnan(sent[:8]).all()
    endpoint.draw(run, silent, endpoint.most_frozen(run))
    assert [ax.get_ylabel().split()[0] for ax in silent.axes] == ["Downlink", "Layer"]


def test_the_command_centre_has_a_layer_only_where_it_was_sent_one(run: Run) -> None:
    # While it speaks it watches the wall's tiles, and no picture of the programme is meant for it.
    rows = [
        row | {"layer": "high" if row["time"] >= 30 else None, "packet_loss": 0.0}
        for row in run.tables["samples"].to_pylist()
    ]
    schema = run.tables["samples"].schema
    sent = replace(run, tables={**run.tables, "samples": pa.Table.from_pylist(rows, schema)})
    layer = endpoint.read_history(sent, COMMAND_CENTRE).layer
    assert np.isnan(layer[:6]).all()
    assert layer[6:].tolist() == [3.0] * 6
    assert endpoint.read_history(sent, "p79").layer.tolist() == [0.0] * 6 + [3.0] * 6
    figure = Figure()
    endpoint.draw(changed(run, layer=None, packet_loss=0.0), figure, COMMAND_CENTRE)
    assert "Layer" not in [ax.get_ylabel() for ax in figure.axes]


@pytest.mark.parametrize(("crowded", "told"), [(1.0, {1.0}), (1e9, {1.0, 2.0, 5.0})])
def test_rates_far_apart_are_told_by_powers_of_ten(
    run: Run, monkeypatch: pytest.MonkeyPatch, crowded: float, told: set[float]
) -> None:
    monkeypatch.setattr(endpoint, "WIDEST", 1.0)
    monkeypatch.setattr(endpoint, "CROWDED", crowded)
    figure = Figure()
    endpoint.draw(run, figure, "p79")
    ticks = figure.axes[0].yaxis.get_major_locator().tick_values(0.1, 100.0)
    assert {float(f"{tick:.0e}"[0]) for tick in ticks} == told


def test_the_title_names_the_endpoint_and_its_links(run: Run) -> None:
    title = PLOTS["endpoint"].headline(run, None, "p79")
    assert title.startswith("One endpoint over the meeting: ")
    assert "(p79)" in title
    with pytest.raises(ValueError, match="no site of the run is called 'p7'"):
        PLOTS["endpoint"].headline(run, None, "p7")
    with pytest.raises(ValueError, match="plot freezes shows no site that could be chosen"):
        PLOTS["freezes"].headline(run, None, "p79")


# ---------------------------------------------------------------- calls


def test_calls_step_up_to_the_share_that_was_answered(run: Run, ax: Axes) -> None:
    calls.draw_distribution(run, ax)
    every = read_calls(run)
    answered = np.sort([c.seconds for c in every if np.isfinite(c.seconds)])
    x, y = line(ax, f"All ({len(every)})")
    assert y[0] == 0
    assert len(answered) < len(every)
    assert y[-1] == pytest.approx(100 * len(answered) / len(every))
    assert x[1:-1] == pytest.approx(answered * 1000)
    assert ax.get_xlim()[1] > answered[-1] * 1000


def test_percentiles_are_marked_and_told_unless_never(run: Run, ax: Axes) -> None:
    calls.draw_distribution(run, ax)
    labels = legend(ax)
    satellites = by_access(run, read_calls(run))["satellite"]
    (told,) = [label for label in labels if label.startswith("Satellite")]
    assert told.startswith(f"Satellite ({len(satellites)}): ")
    assert told.endswith(", never, never")
    squares = [each for each in ax.lines if each.get_marker() == "s"]
    assert len(squares) == len(labels) - 1  # for satellites the p95 is never


def test_bounds_on_calls_are_triangles(ax: Axes) -> None:
    bounds = {"time_to_floor": ["p(95) < 900ms", "max < 3s"]}
    run = make_run(make_scenario(thresholds=bounds))
    calls.draw_distribution(run, ax)
    marks = [each for each in ax.lines if each.get_marker() == CARETLEFT]
    assert [beginning(each) for each in marks] == [(900, 95)]
    assert "A triangle is a threshold" in PLOTS["time-to-floor"].caption(run)
    plain = make_run(make_scenario(thresholds={"time_to_floor": ["max < 3s"]}))
    assert "triangle" not in PLOTS["time-to-floor"].caption(plain)


def test_the_waterfall_has_the_medians_of_all_parts(run: Run, figure: Figure) -> None:
    calls.draw_budget(run, figure)
    every = read_calls(run)
    panels = [("All calls", every), *by_access(run, every).items()]
    for ax, (_, own) in zip(figure.axes, panels, strict=False):
        expected = median_parts(own)
        assert expected is not None
        widths = [bar.get_width() for bar in bars(ax)]
        count = len(CALL_BUDGET)
        assert widths[:count] == pytest.approx(expected[:-1] * 1000)
        assert widths[-1] == pytest.approx(expected[-1] * 1000)
        lefts = [bar.get_x() for bar in bars(ax)[:count]]
        assert lefts == pytest.approx([0, *np.cumsum(expected[:-2]) * 1000])


def test_the_waterfall_counts_the_calls_that_were_answered(run: Run, figure: Figure) -> None:
    calls.draw_budget(run, figure)
    every = read_calls(run)
    groups = by_access(run, every)
    titles = [ax.get_title(loc="center") for ax in figure.axes]
    assert titles[0] == f"All calls ({len(every) - 1} of {len(every)})"
    # All on fibre were answered: their number says enough.
    assert titles[1].endswith(f"({len(groups['fibre'])})")


def test_calls_that_were_never_answered_have_no_waterfall(run: Run) -> None:
    rows = [
        row | dict.fromkeys(["time_to_floor", *CALL_BUDGET])
        for row in run.tables["calls"].to_pylist()
    ]
    lost = replace(
        run, tables={**run.tables, "calls": CALLS.empty_table().from_pylist(rows, CALLS)}
    )
    for name, sentence in (
        ("time-to-floor", f"None of the {len(rows)} calls was answered in this run."),
        ("time-to-floor-budget", "No call was answered in this run."),
    ):
        found = [text.get_text() for ax in PLOTS[name].figure(lost).axes for text in ax.texts]
        assert found == [sentence]


# ---------------------------------------------------------------- shared links


def test_thresholds_on_the_busiest_link_are_lines(figure: Figure) -> None:
    bounds = {
        "link_utilization{kind=peering}": ["max < 80%", "p(99) < 70%"],
        "link_utilization{kind=backbone,carrier=vnpt}": ["max < 60%"],
    }
    run = make_run(make_scenario(thresholds=bounds))
    shared_links.draw(run, figure)
    found = {
        (ax.get_title(loc="left") or ax.get_title()).split()[0]: [
            float(np.asarray(each.get_ydata())[0]) for each in ax.lines if each.get_color() == RED
        ]
        for ax in figure.axes[:4]
    }
    assert found == {"Backbone": [], "Peering": [80.0], "Aggregation": [], "Cascade": []}
    assert "A red line is a threshold" in PLOTS["link-utilization"].caption(run)
    plain = make_run(make_scenario(thresholds={"link_utilization": ["p(99) < 70%"]}))
    assert "red line" not in PLOTS["link-utilization"].caption(plain)
