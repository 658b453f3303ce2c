"""The page on a comparison: what became worse or better first, then every figure."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results.comparison import STANDINGS, Change, Comparison
from results.gate import unit_of_figure
from results.page import render
from results.plots.differences import render_comparison
from results.plots.plot import write
from results.quantities import format_interval, format_value, label_of

HEADINGS = {
    "worse": "Worse", "better": "Better", "can't tell": "Can't tell", "same": "The same",
}  # fmt: skip


def write_comparison(comparison: Comparison, warnings: Sequence[str], path: Path) -> None:
    """Write the page on ``comparison`` to ``path``, whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    write(page_on(comparison, warnings).encode(), path)


def page_on(comparison: Comparison, warnings: Sequence[str]) -> str:
    """The page as HTML: it refers to nothing outside itself."""
    title = title_of(comparison)
    picture = base64.b64encode(render_comparison(comparison, title, ".png")).decode()
    ranked = comparison.ranked()
    return render(
        "comparison.html.j2",
        title=title,
        comparison=comparison,
        warnings=warnings,
        picture=picture,
        counts=[(HEADINGS[each], comparison.count(each)) for each in STANDINGS],
        sections=[
            (HEADINGS[each], [_row(change) for change in ranked if change.standing == each])
            for each in STANDINGS
        ],
    )


def title_of(comparison: Comparison) -> str:
    """What is compared, in a line."""
    before, after = comparison.before, comparison.after
    counts = f"{len(before.measured)} and {len(after.measured)} replications"
    pairing = f"{comparison.pairs} pairs" if comparison.pairs else "unpaired"
    names = dict.fromkeys([before.scenario.name, after.scenario.name])
    return f"{' and '.join(names)}: {counts}, {pairing}"


def _row(change: Change) -> dict[str, Any]:
    unit = unit_of_figure(change)
    figure = change.figure
    ends = None if change.low is None or change.high is None else (change.low, change.high)
    return {
        "metric": label_of(figure.metric),
        "scope": " · ".join(part for part in (figure.selector, figure.during) if part),
        "aggregation": figure.aggregation,
        "before": format_value(change.before.value, unit),
        "after": format_value(change.after.value, unit),
        "difference": format_value(change.difference, unit),
        "interval": format_interval(ends, unit),
        "relative": "" if change.relative is None else f"{change.relative:+.1%}",
        "raw": "" if change.relative is None else change.relative,
        "p": "" if change.corrected_p is None else f"{change.corrected_p:.2g}",
    }
