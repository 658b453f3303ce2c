"""The bottleneck's plot, against the tables and the scenario."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from results.plots import PLOTS, bottleneck
from results.records import Run
from results.report import render_report
from results.summary import summarize
from scenarios.meeting import COMMAND_CENTRE
from tests.results.axes import legend, line
from tests.results.sample_run import make_run, make_scenario


def with_narrow_provinces() -> Run:
    """The sample run with provinces' links narrower than any uplink, and two who publish in one."""
    scenario = make_scenario()
    carriers = {
        name: carrier.model_dump()
        | {
            "aggregation": {
                "capacity": "1500kbps",
                "steps": [{"at": "30s", "rate": "750kbps"}],
                "background": {"load": "20%", "burst": "1KiB"},
            }
        }
        for name, carrier in scenario.carriers.items()
    }
    run = make_run(make_scenario(carriers=carriers))
    (own,) = (r for r in run.tables["endpoints"].to_pylist() if r["site"] == "p79")
    place = {key: own[key] for key in ("carrier", "province")}
    others = [r["site"] for r in run.tables["endpoints"].to_pylist() if place.items() <= r.items()]
    second = next(site for site in others if site != "p79")
    rows = [
        row | {"uplink_bitrate": 4e5, "uplink_estimate": 5e5, "uplink_capacity": 9e6}
        if row["site"] == second and row["time"] >= 50
        else row
        for row in run.tables["samples"].to_pylist()
    ]
    schema = run.tables["samples"].schema
    return replace(run, tables={**run.tables, "samples": pa.Table.from_pylist(rows, schema)})


def of_site(run: Run, site: str, column: str) -> list[Any]:
    return [r[column] for r in run.tables["samples"].to_pylist() if r["site"] == site]


def test_alone_on_its_uplink_a_flow_stands_against_its_capacity(run: Run) -> None:
    figure = Figure(figsize=(7.5, 5.2))
    bottleneck.draw(run, figure, "p79")
    (ax,) = figure.axes
    assert legend(ax) == ["capacity", "sent", "estimate"]
    for label, column in (("capacity", "uplink_capacity"), ("estimate", "uplink_estimate")):
        x, y = line(ax, label)
        assert x.tolist() == [*range(5, 65, 5)]  # they are of the interval's end
        expected = np.array(of_site(run, "p79", column), float) * 1e-6
        assert y == pytest.approx(expected, nan_ok=True)
    x, y = line(ax, "sent")
    assert x[:4].tolist() == [0, 5, 5, 10]
    expected = np.array(of_site(run, "p79", "uplink_bitrate"), float) * 1e-6
    assert y[::2] == pytest.approx(expected, nan_ok=True)


def test_flows_that_share_a_link_stand_together_and_one_by_one() -> None:
    run = with_narrow_provinces()
    figure = Figure(figsize=(7.5, 5.2))
    bottleneck.draw(run, figure, "p79")
    together, each = figure.axes
    # What the steps have and the background leaves.
    capacity = [1.2] * 5 + [0.6] * 7
    for ax in (together, each):
        assert line(ax, "capacity")[1] == pytest.approx(capacity)
    names = [text.partition(": ")[0] for text in legend(each)[1::2]]
    assert len(names) == 2
    # p79 publishes from 20 s to 40 s, the other from 50 s on: together both.
    estimates = [line(each, f"{name}: estimate")[1] for name in names]
    assert [np.isfinite(one).sum() for one in estimates] == [4, 2]
    assert line(together, "estimate")[1] == pytest.approx(
        np.where(np.isfinite(estimates[0]), estimates[0], estimates[1]), nan_ok=True
    )


def test_by_itself_it_takes_who_published_longest(run: Run) -> None:
    assert bottleneck.longest_publisher(run) == "p79"
    assert PLOTS["bottleneck"].headline(run).startswith("The bottleneck on the way up and its ")


@pytest.mark.parametrize("site", [COMMAND_CENTRE, "p96"])
def test_who_published_nothing_has_no_bottleneck(run: Run, site: str) -> None:
    figure = Figure()
    bottleneck.draw(run, figure, site)
    (sentence,) = figure.axes[0].texts
    assert sentence.get_text() == "No media was published by this endpoint in this run."


def test_the_report_has_it_where_a_link_limits_who_publishes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.report.FIGURES", (("bottleneck", None),))
    # 90 Mb/s of fibre limit no camera.
    assert not bottleneck.limits_anyone(run)
    assert 'id="bottleneck"' not in render_report(run, summarize(run))
    narrow = with_narrow_provinces()
    assert bottleneck.limits_anyone(narrow)
    assert 'id="bottleneck"' in render_report(narrow, summarize(narrow))
