"""A sweep's outcome: one tidy table, and how the thresholds' figures depend on the variables."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from results.answers import Answer, Table
from results.comebacks import HEADINGS, Comeback, pooled
from results.figures import Figure, thresholds_of
from results.intervals import estimate
from results.points import Outcome
from results.quantities import format_value
from results.sensitivity import Index, sobol_indices
from scenarios.dumping import dump_scenario
from scenarios.metrics import METRICS, Unit
from scenarios.scenario import Scenario
from scenarios.variables import Values

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST_ROWS = 40
"""Points that the page lists; the Parquet file has all."""
MOST_CURVES = 6
"""Points whose recovery is drawn."""
COMING_BACK = "Coming back"
"""Title of the table of interruptions and retries, where there were any."""
MEANS = "of several replications, all interruptions and the mean of retries."
Outcomes = Sequence[Sequence[Outcome]]
"""By point, then by replication."""


def sweep_answer(
    scenario: Scenario,
    axes: Sequence[Values],
    table: NDArray[np.float64],
    outcomes: Outcomes,
    *,
    indices: bool,
    notes: Sequence[str],
    command: Sequence[str],
) -> Answer:
    """What there is to write of a sweep over ``axes``, whose (points, variables) ``table`` was
    played with these ``outcomes``; with ``indices``, the points are those of a Saltelli design."""
    figures = list(dict.fromkeys(figure for _, _, figure in thresholds_of(scenario)))
    sensitivities: dict[Figure, list[Index]] = {}
    notes = [*notes]
    if indices:
        for figure in figures:
            try:
                means = [_mean(point, figure) for point in outcomes]
                sensitivities[figure] = sobol_indices(means, len(axes))
            except ValueError as error:
                notes.append(f"No indices of {figure}: {error}.")
    held = [sum(o.trial.verdict == "pass" for o in point) for point in outcomes]
    comebacks = [pooled([outcome.comeback for outcome in point]) for point in outcomes]
    runs = sum(len(point) for point in outcomes)
    paths = ", ".join(axis.variable.path for axis in axes)
    headline = (
        f"{scenario.name} over {paths}: {len(table)} points, {runs} runs; all thresholds hold in "
        f"{sum(held)} of them."
    )
    return Answer(
        name="sweep",
        title=f"Sweep: {scenario.title}",
        headline=headline,
        verdict="pass",
        content={
            "format": "rehearsal-sweep",
            "scenario": scenario.name,
            "variables": [axis.variable.path for axis in axes],
            "units": [axis.variable.units for axis in axes],
            "points": [
                {
                    "values": [_plain(axis, at) for axis, at in zip(axes, row, strict=True)],
                    "replications": len(point),
                    "holding": count,
                    "figures": {str(figure): _estimate(point, figure) for figure in figures},
                    **({"recovery": _recovery(comeback)} if comeback.seconds else {}),
                }
                for row, point, count, comeback in zip(
                    table, outcomes, held, comebacks, strict=True
                )
            ],
            "indices": {
                str(figure): [asdict(index) for index in found]
                for figure, found in sensitivities.items()
            },
            "notes": notes,
        },
        command=command,
        figures=_draw(axes, table, outcomes, figures, sensitivities, comebacks),
        tables=[
            _points_table(axes, table, outcomes, held),
            *_comeback_tables(axes, table, comebacks),
            *_index_tables(axes, sensitivities),
        ],
        notes=notes,
        files={
            "scenario.yaml": dump_scenario(scenario),
            "sweep.parquet": tidy(axes, table, outcomes),
        },
    )


def tidy(axes: Sequence[Values], table: NDArray[np.float64], outcomes: Outcomes) -> bytes:
    """A Parquet file with one row a point, replication and figure; values in SI units, or names."""
    names = [axis.variable.path for axis in axes]
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("point", "replication", *names, "metric", "selector", "during",
                     "aggregation", "value")
    }  # fmt: skip
    for number, (row, point) in enumerate(zip(table, outcomes, strict=True)):
        for outcome in point:
            for figure, value in outcome.figures.items():
                columns["point"].append(number)
                columns["replication"].append(outcome.trial.replication)
                for axis, at in zip(axes, row, strict=True):
                    columns[axis.variable.path].append(_plain(axis, at))
                for name in ("metric", "selector", "during", "aggregation"):
                    columns[name].append(getattr(figure, name))
                columns["value"].append(value)
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def unit_of_figure(figure: Figure) -> Unit:
    """The unit that the figure's values are stored in."""
    return "count" if figure.aggregation == "count" else METRICS[figure.metric].unit


def _plain(axis: Values, value: float) -> float | str:
    names = axis.variable.names
    return names[round(value)] if names else float(value)


def _recovery(comeback: Comeback) -> dict[str, float | None]:
    """Null where something never came about."""
    ranks = {f"p{rank}": comeback.rank(rank) for rank in (50, 99)} | {"max": comeback.rank(100)}
    return {
        "interruptions": len(comeback.seconds),
        "never_back": comeback.lost,
        **{name: v if v is not None and np.isfinite(v) else None for name, v in ranks.items()},
        "retries": sum(comeback.retries),
        "peak_retries_per_second": comeback.peak,
    }


def _mean(point: Sequence[Outcome], figure: Figure) -> float:
    value = estimate([outcome.figures.get(figure) for outcome in point]).value
    return float("nan") if value is None else value


def _estimate(point: Sequence[Outcome], figure: Figure) -> dict[str, float | None]:
    found = estimate([outcome.figures.get(figure) for outcome in point])
    value = found.value
    finite = value is not None and np.isfinite(value)
    return {"value": value if finite else None, "low": found.low, "high": found.high}


def _points_table(
    axes: Sequence[Values], table: NDArray[np.float64], outcomes: Outcomes, held: Sequence[int]
) -> Table:
    rows = []
    for row, point, count in list(zip(table, outcomes, held, strict=True))[:MOST_ROWS]:
        failed = dict.fromkeys(
            f"{check.metric} {check.expression}"
            for outcome in point
            for check in outcome.trial.binding
            if check.verdict == "fail"
        )
        values = [axis.variable.say(float(v)) for axis, v in zip(axes, row, strict=True)]
        rows.append([*values, f"{count} of {len(point)} hold", "; ".join(failed)])
    headings = [*(axis.variable.path for axis in axes), "Meetings", "What fails"]
    return Table(f"Points (at most {MOST_ROWS} are listed)", headings, rows)


def _comeback_tables(
    axes: Sequence[Values], table: NDArray[np.float64], comebacks: Sequence[Comeback]
) -> list[Table]:
    if not any(comeback.seconds for comeback in comebacks):
        return []
    rows = [
        [*(axis.variable.say(float(at)) for axis, at in zip(axes, row, strict=True)), *each.cells()]
        for row, each in list(zip(table, comebacks, strict=True))[:MOST_ROWS]
    ]
    return [Table(COMING_BACK, [*(axis.variable.path for axis in axes), *HEADINGS], rows)]


def _index_tables(axes: Sequence[Values], sensitivities: dict[Figure, list[Index]]) -> list[Table]:
    if not sensitivities:
        return []
    rows = [
        [
            str(figure),
            axis.variable.path,
            _index(index.first, index.first_interval),
            _index(index.total, index.total_interval),
        ]
        for figure, found in sensitivities.items()
        for axis, index in zip(axes, found, strict=True)
    ]
    headings = ["Figure", "Variable", "By itself", "With interactions"]
    return [Table("Share of the variance (Sobol' indices, 95 % intervals)", headings, rows)]


def _index(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{value:.2f} ({low:.2f} … {high:.2f})"


def _draw(
    axes: Sequence[Values],
    table: NDArray[np.float64],
    outcomes: Outcomes,
    figures: Sequence[Figure],
    sensitivities: dict[Figure, list[Index]],
    comebacks: Sequence[Comeback],
) -> dict[str, tuple[str, "Drawing"]]:
    from results.plots import sweep as plots  # noqa: PLC0415  matplotlib takes its time
    from results.plots.recovery import policies_figure  # noqa: PLC0415

    variables = [axis.variable for axis in axes]
    recovery: dict[str, tuple[str, Drawing]] = {}
    if any(comeback.seconds for comeback in comebacks):
        named = {
            ", ".join(v.say(float(at)) for v, at in zip(variables, row, strict=True)): each
            for row, each in list(zip(table, comebacks, strict=True))[:MOST_CURVES]
        }
        caption = f"How endpoints came back, at the first {MOST_CURVES} points or fewer; {MEANS}"
        recovery = {"recovery": (caption, policies_figure(named))}
    means = {figure: np.array([_mean(point, figure) for point in outcomes]) for figure in figures}
    means = {figure: values for figure, values in means.items() if np.isfinite(values).any()}
    if sensitivities:
        caption = "Share of each figure's variance: dark by itself, pale with all interactions."
        return {"indices": (caption, plots.draw_indices(variables, sensitivities)), **recovery}
    is_grid = len(table) == np.prod([len(np.unique(column)) for column in table.T])
    if len(axes) == 2 and is_grid:
        caption = "Means over replications; red borders are points where a threshold on it fails."
        drawing = plots.draw_heat_maps(variables, table, means, outcomes)
        return {"heatmap": (caption, drawing), **recovery}
    if not means:
        return recovery
    caption = "Means over replications, with 95 % intervals where there are several."
    drawing = plots.draw_curves(variables, table, outcomes, list(means))
    return {"curves": (caption, drawing), **recovery}


def describe_value(figure: Figure, value: float) -> str:
    """A figure's value for people."""
    return format_value(value, unit_of_figure(figure))
