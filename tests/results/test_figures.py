import math
from dataclasses import replace

import pyarrow as pa
import pytest

from results.figures import CENTRE, Figure, measure, thresholds_of
from results.records import CALLS, Run
from results.summary import summarize


@pytest.mark.parametrize(
    ("target", "check", "during", "expected"),
    [
        ("packet_loss", "mean < 1%", None, Figure("packet_loss", "", "", "mean")),
        (
            "mouth_to_ear_delay{carrier=vnpt, access=4g}", "p( 95 ) < 1s", "1s..2s",
            Figure("mouth_to_ear_delay", "access=4g,carrier=vnpt", "1s..2s", "p95"),
        ),
    ],
)  # fmt: skip
def test_a_threshold_looks_at_a_figure(
    target: str, check: str, during: str | None, expected: Figure
) -> None:
    assert Figure.of_threshold(target, check, during) == expected


def test_a_figure_reads_as_thresholds_are_written() -> None:
    figure = Figure("packet_loss", "access=4g", "1s..2s", "p99.5")
    assert str(figure) == "packet_loss{access=4g} p(99.5) 1s..2s"
    assert str(Figure("packet_loss", "", "", "mean")) == "packet_loss mean"


def test_figures_are_the_summarys(run: Run) -> None:
    found, summary = measure(run), summarize(run)
    p95 = Figure("mouth_to_ear_delay", "", "", "p95")
    assert found.figures[p95] == summary["metrics"]["mouth_to_ear_delay"]["p95"]
    group = Figure("packet_loss", "access=4g", "", "mean")
    assert found.figures[group] == summary["groups"]["access"]["4g"]["packet_loss"]["mean"]
    centre = Figure("jitter", CENTRE, "", "p50")
    assert found.figures[centre] == summary["command_centre"]["jitter"]["p50"]
    for (_, _, figure), row in zip(thresholds_of(run.scenario), summary["thresholds"], strict=True):
        assert found.figures[figure] == row["value"]
    assert found.figures[Figure("jitter", "", "", "count")] == summary["metrics"]["jitter"]["count"]
    assert (found.seed, found.replication, found.endpoints) == (7, 0, 60)
    assert found.group_sizes == summary["group_sizes"]


def test_nothing_is_none_and_never_is_infinite(run: Run) -> None:
    never = pa.Table.from_pylist([{"time": 1.0, "site": "c1"}], CALLS)
    site = run.tables["endpoints"]["site"].to_pylist()[0]
    never = pa.Table.from_pylist([{"time": 1.0, "site": site}], CALLS)
    found = measure(replace(run, tables={**run.tables, "calls": never}))
    assert found.figures[Figure("time_to_floor", "", "", "p50")] == math.inf
    assert found.figures[Figure("time_to_floor", "", "", "unanswered")] == 1
    empty = measure(replace(run, tables={**run.tables, "calls": CALLS.empty_table()}))
    assert empty.figures[Figure("time_to_floor", "", "", "p50")] is None
    assert empty.figures[Figure("time_to_floor", "", "", "count")] is None
